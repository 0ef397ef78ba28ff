/** What a stage leaves on the disk, to the size of its output. One run: a size is no time. */
import * as Bench from "../Bench.ts"
import * as Measure from "./Measure.ts"
import * as Rival from "./Rival.ts"

const outputs = [
  { title: "2 KB", bytes: 2_000, stages: 1_000 },
  { title: "100 KB", bytes: 100_000, stages: 100 }
]

/** Measures. */
export const measure: Measure.Measure = async ({ absent, postgres, programs, progress, rivals, sizes }) => {
  const figures: Array<Bench.Measured> = []
  for (const { bytes, stages: most, title } of outputs) {
    const stages = Math.min(most, sizes.stages)
    const load = { lines: 1, stages, concurrency: 1, warm: { lines: 0, stages: 1 }, bytes }
    const figure = { name: `disk for a stage, to its ${title}`, unit: "ratio" }
    progress(`a line of ${stages} stages of ${title}`)
    const { disk } = await Rival.runOwn("FULL", load, programs)
    figures.push({ ...figure, value: Bench.round(disk / stages / bytes), goal: Measure.atMost(1.3) })
    for (const rival of rivals) {
      try {
        const found = await Rival.run(rival, load, postgres)
        figures.push({ ...figure, value: Bench.round(found.disk / stages / bytes), peer: rival.name })
      } catch (error) {
        figures.push(Measure.missing({ ...figure, peer: rival.name }, Rival.reason(error)))
      }
    }
    for (const [peer, why] of absent) figures.push(Measure.missing({ ...figure, peer }, why))
  }
  return figures
}
