/** The figures of `pnpm bench dispatcher`, whose goals are a part of the durable lines' own. */
import * as Dispatcher from "../dispatcher.ts"
import type * as Measure from "./Measure.ts"

/** Measures. */
export const measure: Measure.Measure = async ({ progress, sizes }) => {
  const { items, runs, seed, weeks } = sizes
  const { figures } = await Dispatcher.run({ items, runs: Math.min(3, runs), seed, weeks }, progress)
  return figures.map((figure) => ({ ...figure, name: `dispatcher: ${figure.name}` }))
}
