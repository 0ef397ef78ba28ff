/** What the router saves: on tasks with known outcomes, and on real sessions whose model changes in the middle. */
import * as Bench from "./Bench.ts"
import * as HeldOut from "./router/HeldOut.ts"
import * as Outcomes from "./router/Outcomes.ts"
import * as Replay from "./router/Replay.ts"

/** What is measured. */
export const description =
  "the router: cost and pass rate beside each single model on held-out tasks, and what a switch loses"

/** What can be set. */
export const options = {
  outcomes: {
    type: "file",
    about: "tasks × models with outcome and cost; benchmarks/router/README.md has its shape (made up)"
  },
  tasks: { type: "number", about: "tasks that are made up where no file is given", default: 2_000 },
  told: { type: "number", about: "how much of a made-up task's difficulty its features tell, in percent", default: 50 },
  caught: { type: "number", about: "failures that validation sees, in percent", default: 90, least: 0 },
  alarmed: {
    type: "number",
    about: "what is good and validation takes for a failure, in percent",
    default: 5,
    least: 0
  },
  draws: { type: "number", about: "draws that the intervals are taken of", default: 1_000 },
  replays: { type: "number", about: "draws of stretches over the real sessions", default: 3 },
  seed: { type: "number", about: "of all that is drawn", default: 7 }
} as const satisfies Bench.Options

/** Measures. */
export const run: Bench.Run<typeof options> = async (
  { alarmed, caught, draws, outcomes, replays, seed, tasks, told },
  progress
) => {
  if (outcomes === undefined && tasks < 20) throw new Bench.BadInput("--tasks takes at least 20.")
  if (told > 100) throw new Bench.BadInput(`--told takes at most 100 percent, not ${told}.`)
  for (const [name, percent] of Object.entries({ caught, alarmed })) {
    if (percent > 100) throw new Bench.BadInput(`--${name} takes at most 100 percent, not ${percent}.`)
  }
  const table = outcomes === undefined ? Outcomes.generate({ tasks, seed, told }) : Outcomes.load(outcomes)
  progress(`${table.tasks.length} tasks, ${table.models.length} models`)
  const { figures, note } = HeldOut.measure(table, {
    draws,
    seed,
    validation: { caught: caught / 100, alarmed: alarmed / 100 }
  })
  progress("real sessions")
  const replay = Replay.measure({ draws: replays, seed })
  const source =
    outcomes === undefined
      ? "The outcomes are made up (benchmarks/router/README.md says how): they show that the router finds what is there, and no saving on real tasks."
      : `Outcomes of a file, ${table.tasks.length} tasks.`
  return {
    figures: [...figures, ...replay],
    notes: [source, note, "Sessions: input alone, at the prices of today; which turns are hard is drawn by chance."]
  }
}
