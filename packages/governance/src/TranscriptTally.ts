/**
 * The **tally** of transcripts: what an index of them comes to, in numbers. A pure fold: the same index gives the same tally, and the
 * same prices the same money.
 *
 * - An answer counts once, with the largest count of each kind of tokens that a sighting of it tells.
 * - An answer of which nobody knows the tokens is one, and adds none; one without a price is one, and adds no money. Both lower
 *   `coverage`, the share of answers that the money is of.
 * - Money is added up in billionths of a US dollar, so its sum knows no order.
 */
import * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import * as Transcript from "./Transcript.ts"
import type * as TranscriptIndex from "./TranscriptIndex.ts"

/** What a number of answers used and cost together. */
export interface Account {
  readonly answers: number
  /** Of the answers, those of which nobody knows the tokens. */
  readonly unknown: number
  /** Of the answers with known tokens, those without a price. */
  readonly unpriced: number
  readonly usage: Usage.Usage
  /** Of the tokens written to a cache, those that it keeps for longer. Price tables know one price of writing, and it is the lower one. */
  readonly longCacheWrite: number
  /** US dollars, at list price. */
  readonly usd: number
}

/** How often something is the case, and of how many. */
export interface Share {
  readonly numerator: number
  readonly denominator: number
}

/** What calls of one tool come to. */
export interface ToolAccount {
  readonly tool: string
  readonly calls: number
  readonly errors: number
  readonly rejected: number
  /** No result was found. */
  readonly open: number
  /** Characters of results, where they are told. */
  readonly characters: number
}

/** What transcripts come to. Lists are in the order of their names. */
export interface TranscriptTally {
  readonly total: Account
  readonly byModel: ReadonlyArray<Account & { readonly provider: string; readonly model: string }>
  /** Those of the agents that the sessions are of, and of their sub-agents. */
  readonly byAgent: { readonly main: Account; readonly sub: Account }
  /** What summaries cost, as far as it was written down. It is in `total`. */
  readonly compaction: Account
  /** Answers that have a price, of all answers. */
  readonly coverage: Share
  readonly sessions: number
  readonly subAgents: number
  /** How often a session was taken up again, where its program tells. */
  readonly resumed: number
  readonly tools: Omit<ToolAccount, "tool">
  readonly byTool: ReadonlyArray<ToolAccount>
  /** Calls that a human did not want. */
  readonly rejections: number
  readonly interrupts: number
  /** Turns of humans: prompts, commands and interrupts. */
  readonly humanTurns: number
  readonly turns: Readonly<Record<Transcript.Speech, number>>
  readonly compactions: number
  /** Answers that are none: the provider did not give one, or the program said something itself. */
  readonly unanswered: { readonly failed: number; readonly other: number }
  readonly unparsed: Readonly<Record<Transcript.Why, number>> & { readonly total: number }
}

/** What an index comes to, at these prices; by default at none, so that nothing is covered. */
export const of = (
  index: TranscriptIndex.TranscriptIndex,
  pricing: Pricing.Pricing["Service"] = Pricing.unpriced
): TranscriptTally => {
  let [total, main, sub, compaction] = [nothing, nothing, nothing, nothing]
  const models = new Map<string, Account>()
  for (const answer of index.answers.values()) {
    const account = priced(answer, pricing)
    const model = modelOf(answer)
    total = plus(total, account)
    models.set(model, plus(models.get(model) ?? nothing, account))
    if (answer.agent === null) main = plus(main, account)
    else sub = plus(sub, account)
    if (answer.purpose === "compaction") compaction = plus(compaction, account)
  }
  let tools = noCalls
  const byTool = new Map<string, typeof tools>()
  const use = (tool: string, result: TranscriptIndex.Use["result"]) => {
    tools = withUse(tools, result)
    byTool.set(tool, withUse(byTool.get(tool) ?? noCalls, result))
  }
  for (const { key, tool } of index.calls.values()) use(tool, index.results.get(key) ?? null)
  for (const result of index.results.values()) if (!index.calls.has(result.key)) use("unknown", result)
  const turns = counts(Transcript.Speech.literals, index.turns.values(), ({ speech }) => speech)
  const humanTurns = Transcript.Speech.literals.filter((speech) => Transcript.isHuman({ speech }))
  const failed = [...index.unanswered.values()].filter(({ isFailure }) => isFailure).length
  return {
    total,
    byModel: byName(models).map(([name, account]) => {
      const [provider = "", model = ""] = name.split("\n")
      return { provider, model, ...account }
    }),
    byAgent: { main, sub },
    compaction,
    coverage: { numerator: total.answers - total.unknown - total.unpriced, denominator: total.answers },
    ...sessions(index),
    tools,
    byTool: byName(byTool).map(([tool, account]) => ({ tool, ...account })),
    rejections: tools.rejected,
    interrupts: turns.interrupt,
    humanTurns: humanTurns.reduce((sum, speech) => sum + turns[speech], 0),
    turns,
    compactions: index.compactions.size,
    unanswered: { failed, other: index.unanswered.size - failed },
    unparsed: {
      total: index.unparsed.size,
      ...counts(Transcript.Why.literals, index.unparsed.values(), ({ why }) => why)
    }
  }
}

const nothing: Account = { answers: 0, unknown: 0, unpriced: 0, usage: Usage.zero, longCacheWrite: 0, usd: 0 }

const plus = (a: Account, b: Account): Account => ({
  answers: a.answers + b.answers,
  unknown: a.unknown + b.unknown,
  unpriced: a.unpriced + b.unpriced,
  usage: Usage.add(a.usage, b.usage),
  longCacheWrite: a.longCacheWrite + b.longCacheWrite,
  usd: Usage.plus(a.usd, b.usd)
})

const priced = (
  { longCacheWrite, model, provider, usage }: TranscriptIndex.Thing<"Answered">,
  pricing: Pricing.Pricing["Service"]
): Account => {
  if (usage === null) return { ...nothing, answers: 1, unknown: 1 }
  const cost =
    model === null || provider === null
      ? Usage.unknown("nobody knows the model")
      : Pricing.cost(pricing, { provider, model, usage })
  const known = { ...nothing, answers: 1, usage, longCacheWrite }
  return cost._tag === "Known" ? { ...known, usd: Usage.plus(0, cost.usd) } : { ...known, unpriced: 1 }
}

const modelOf = ({ model, provider }: TranscriptIndex.Thing<"Answered">): string =>
  `${provider ?? "unknown"}\n${model ?? "unknown"}`

const noCalls: Omit<ToolAccount, "tool"> = { calls: 0, errors: 0, rejected: 0, open: 0, characters: 0 }

const withUse = (all: Omit<ToolAccount, "tool">, result: TranscriptIndex.Use["result"]): Omit<ToolAccount, "tool"> => ({
  calls: all.calls + 1,
  errors: all.errors + (result?.isError === true ? 1 : 0),
  rejected: all.rejected + (result?.isRejected === true ? 1 : 0),
  open: all.open + (result === null ? 1 : 0),
  characters: all.characters + (result?.characters ?? 0)
})

const sessions = ({ answers, calls, results, sessions, turns, unanswered }: TranscriptIndex.TranscriptIndex) => {
  const names = new Set<string>()
  const agents = new Set<string>()
  for (const things of [sessions, answers, unanswered, calls, results, turns]) {
    for (const { agent, session, sessions } of things.values()) {
      for (const name of sessions) names.add(name)
      if (agent !== null) agents.add(`${session}\n${agent}`)
    }
  }
  const resumed = [...sessions.values()].filter(({ event }) => event === "resumed").length
  return { sessions: names.size, subAgents: agents.size, resumed }
}

const byName = <A>(accounts: ReadonlyMap<string, A>): ReadonlyArray<readonly [string, A]> =>
  [...accounts].sort(([a], [b]) => (a < b ? -1 : 1))

const counts = <Name extends string, A>(
  names: ReadonlyArray<Name>,
  found: Iterable<A>,
  nameOf: (each: A) => Name
): Record<Name, number> => {
  const all = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number> // every name is a key
  for (const each of found) all[nameOf(each)]++
  return all
}
