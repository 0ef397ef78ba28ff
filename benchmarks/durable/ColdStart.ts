/** From the start of a process to the first stage on the disk, for a program with single imports and a compile cache. */
import * as Bench from "../Bench.ts"
import * as Child from "../Child.ts"
import * as Store from "../Store.ts"
import * as Measure from "./Measure.ts"

/** Measures. */
export const measure: Measure.Measure = async ({ programs, progress, sizes }) => {
  progress(`cold starts: ${sizes.runs} runs`)
  const once = () =>
    Store.inFolder(async (path) => {
      const child = programs.start("cold", { path })
      const line = await child.next()
      await child.ended
      return {
        imported: Child.since(child.startedAt, line, "imported"),
        recorded: Child.since(child.startedAt, line, "recorded")
      }
    })
  // Fills the cache.
  await once()
  const found = []
  for (let at = 0; at < sizes.runs; at++) found.push(await once())
  return [
    { name: "cold start to imported", unit: "ms", ...Bench.middle(found.map(({ imported }) => imported)) },
    {
      name: "cold start to the first stage recorded",
      unit: "ms",
      ...Bench.middle(found.map(({ recorded }) => recorded)),
      goal: Measure.atMost(150)
    }
  ]
}
