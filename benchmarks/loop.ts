/** What the agent loop costs in each turn beside the peers' loops, and whether that stays the same over many turns. */
import * as Bench from "./Bench.ts"
import * as Comparison from "./loop/Comparison.ts"
import * as Own from "./loop/Own.ts"
import * as Participant from "./loop/Participant.ts"
import * as Peer from "./Peer.ts"

/** What is measured. */
export const description = "the agent loop: time, processor, allocation and memory for each turn, beside the peers"

/** What can be set. */
export const options = {
  runs: { type: "number", about: "runs that the median is taken of", default: 3 },
  turns: { type: "number", about: "turns of each run, one call of a tool in each", default: 1_000 },
  api: { type: "string", about: "all, openai or anthropic", default: "all" },
  peers: { type: "string", about: "all, none, or some of ai,mastra,pi,openai-agents", default: "all" },
  packages: { type: "string", about: "built (as published) or source: what ours runs on", default: "built" }
} as const satisfies Bench.Options

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n").slice(0, 3).join(" ").slice(0, 300)

const versionsOf = (participants: ReadonlyArray<Participant.Participant>, folder: string) =>
  Object.fromEntries(
    participants.flatMap(({ package: pack }) => (pack === undefined ? [] : [[pack, Peer.versionIn(folder, pack)]]))
  )

/** Measures. All take turns, each run in a process of its own before a server of its own. */
export const run: Bench.Run<typeof options> = async ({ api, packages, peers, runs, turns }, progress) => {
  if (turns < 20)
    throw new Bench.BadInput(`--turns takes 20 or more, since a tenth of them is looked at; not ${turns}.`)
  const participants = Participant.chosen(peers, api)
  const folder = Peer.install("agents", progress)
  const measured = await Own.prepare(packages, progress, (own) => measure({ participants, own, runs, turns, progress }))
  return {
    figures: Comparison.figures(measured, turns),
    versions: { ...versionsOf(participants, folder), packages },
    notes: [
      "A turn is a request to a model on loopback, its answer with one call of a tool, and the call. Time is from one call to the next, in the middle of a stretch; it holds the server's part, which is the same for all.",
      "SDK and fetch are loops without a framework: what is above them is the framework's. A request holds the whole conversation, so its part grows for everybody.",
      "Processor: process.cpuUsage(). Allocated: what V8's heap was given, from its statistics around each collection (v8.GCProfiler); buffers are outside of it. Heap: after a full collection.",
      "All stream unless it says otherwise. Ours checks grants, bounds and cleans what tools say, prices each call and writes two facts of each turn into a journal in memory; the peers do not."
    ]
  }
}

const measure = async (setting: {
  readonly participants: ReadonlyArray<Participant.Participant>
  readonly own: string
  readonly runs: number
  readonly turns: number
  readonly progress: Bench.Progress
}): Promise<ReadonlyArray<Comparison.Runs>> => {
  const all = setting.participants.map((participant) => {
    const runs: Array<Participant.Measured> = []
    return { participant, runs, missing: undefined as string | undefined }
  })
  for (let number = 1; number <= setting.runs; number++) {
    for (const each of all) {
      if (each.missing !== undefined) continue
      setting.progress(`run ${number}: ${each.participant.name}, ${each.participant.api}`)
      try {
        each.runs.push(await Participant.run(each.participant, setting.own, setting.turns))
      } catch (error) {
        each.missing = reasonOf(error)
      }
    }
  }
  return all
}
