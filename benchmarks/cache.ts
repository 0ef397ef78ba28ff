/** How much of a session's input is read from the provider's prompt cache, with our agent loop and with the peers'. */
import * as Bench from "./Bench.ts"
import * as Account from "./cache/Account.ts"
import * as Participant from "./cache/Participant.ts"
import * as Session from "./cache/Session.ts"
import * as Peer from "./Peer.ts"

/** What is measured. */
export const description =
  "the prompt cache: what a session of 60 turns with two sub-agents reads from it, beside the peers"

const peers = [...new Set(Participant.all.map(({ key }) => key))].filter((key) => key !== "own")

/** What can be set. */
export const options = {
  runs: { type: "number", about: "runs of each, which should not differ", default: 1 },
  peers: { type: "string", about: `all, none, or some of ${peers.join(",")}`, default: "all" },
  seed: { type: "number", about: "of all that is drawn for the session", default: 7 }
} as const satisfies Bench.Options

const chosen = (list: string): ReadonlyArray<Participant.Participant> => {
  const names = list === "none" ? [] : list === "all" ? peers : list.split(",").map((name) => name.trim())
  const unknown = names.find((name) => !peers.some((key) => key === name))
  if (unknown !== undefined) {
    throw new Bench.BadInput(`--peers knows no "${unknown}". It takes all, none, or some of ${peers.join(",")}.`)
  }
  return Participant.all.filter(({ key }) => key === "own" || names.some((name) => name === key))
}

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n").slice(0, 3).join(" ").slice(0, 300)

const account = async (
  participant: Participant.Participant,
  setting: Participant.Setting,
  count: number
): Promise<Account.Account & { readonly requests: number }> => {
  const about = { name: participant.name, isOwn: participant.key === "own" }
  const played: Array<Participant.Played> = []
  try {
    for (let number = 1; number <= count; number++) played.push(await Participant.play(participant, setting))
  } catch (error) {
    return { ...about, runs: [], requests: 0, missing: reasonOf(error) }
  }
  return { ...about, runs: played.map(({ usage }) => usage), requests: played[0]?.requests ?? 0 }
}

/** Measures. Everybody plays the same session, before a twin of its own. */
export const run: Bench.Run<typeof options> = async ({ peers, runs, seed }, progress) => {
  const participants = chosen(peers)
  const folder = participants.some(({ key }) => key !== "own") ? Peer.install("agents", progress) : ""
  const figures: Array<Bench.Measured> = []
  const requests: Record<string, number> = {}
  for (const provider of Participant.providers) {
    const accounts: Array<Account.Account> = []
    for (const participant of participants) {
      if (!participant.apis.includes(provider.api)) continue
      progress(`${provider.name}: ${participant.name}`)
      const made = await account(participant, { provider, seed, folder }, runs)
      requests[`${provider.name}: ${participant.name}`] = made.requests
      accounts.push(made)
    }
    figures.push(...Account.figures(provider, accounts))
  }
  const { agentTurns, turns } = Session.size
  const failure = Account.missed(figures)
  return {
    figures,
    ...(failure === undefined ? {} : { failure }),
    versions: Object.fromEntries(
      participants.flatMap(({ package: pack }) => (pack === undefined ? [] : [[pack, Peer.versionIn(folder, pack)]]))
    ),
    details: { requests },
    notes: [
      `The share is what was read from the cache of all input. The session has ${turns} turns and two sub-agents of ${agentTurns}, each with a system prompt of its own; tools answer with 0.2 to 30 kB, as long as what joined real sessions. What is new has to be written once, so no loop reads all.`,
      "The twin counts as the providers document it (packages/core/src/internal/PrefixCache.ts). The Claude API takes calls that follow each other for one place when a mark looks back, and their results too; where each block is a place, turns of twelve calls and more push the last entry out of sight of a single mark.",
      `Prices in USD for a million tokens, input / read / written / output: ${Participant.providers.map(({ model, name, price }) => `${name} (${model}) ${price.input} / ${price.cacheRead} / ${price.cacheWrite} / ${price.output}`).join("; ")}.`,
      "All who mark well write each token once, so they differ by hundredths of a point. A lead is the goal all the same, and a tie misses it: what would raise the share further costs more than it saves (docs/gaps/prompt-cache.md).",
      "A peer is set up as its documentation shows; where there is more than one way, each is told. The peers have the prompts and the tools of ours, and end with a text."
    ]
  }
}
