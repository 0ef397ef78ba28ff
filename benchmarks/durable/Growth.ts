/** Whether a stage costs the same after many others of its line. */
import * as Bench from "../Bench.ts"
import * as Child from "../Child.ts"
import * as Store from "../Store.ts"
import * as Measure from "./Measure.ts"

const early = 10

/** Measures. */
export const measure: Measure.Measure = async ({ programs, progress, sizes }) => {
  const policies = ["NORMAL", "FULL"] as const
  const costs = policies.map((synchronous) => ({
    synchronous,
    early: new Array<number>(),
    late: new Array<number>(),
    ratio: new Array<number>()
  }))
  // A median over as many stages from there on: one alone is mostly chance.
  const window = Math.min(100, sizes.late)
  for (let at = 1; at <= sizes.runs; at++) {
    progress(`a line of ${sizes.late} stages: run ${at} of ${sizes.runs}`)
    for (const found of costs) {
      const line = await Store.inFolder((path) =>
        programs.run("growth", { path, synchronous: found.synchronous, early, late: sizes.late, window })
      )
      const [first, last] = [Child.numberIn(line, "early"), Child.numberIn(line, "late")]
      found.early.push(first * 1_000)
      found.late.push(last * 1_000)
      found.ratio.push(last / first)
    }
  }
  return costs.flatMap((found): ReadonlyArray<Bench.Measured> => [
    { name: `cost at stage ${early}, ${found.synchronous}`, unit: "µs", ...Bench.middle(found.early) },
    { name: `cost at stage ${sizes.late}, ${found.synchronous}`, unit: "µs", ...Bench.middle(found.late) },
    {
      name: `cost at stage ${sizes.late} to cost at stage ${early}, ${found.synchronous}`,
      unit: "ratio",
      ...Bench.middle(found.ratio),
      goal: Measure.atMost(1.1)
    }
  ])
}
