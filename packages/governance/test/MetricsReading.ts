/** Reads hand-made histories, and shows the numbers of figures. */
import * as Metrics from "../src/Metrics.ts"
import * as Window from "../src/Window.ts"
import * as History from "./MetricsHistory.ts"

const { at, finished, of, shipped, stage, started } = History
export const window = Window.make(at(0), at(1_000))
export const read = (...told: ReadonlyArray<ReadonlyArray<History.Told>>) =>
  History.journal(told.flat()).reduce(Metrics.step, Metrics.empty)
export const figuresOf = (state: Metrics.State, more: Partial<Metrics.Options> = {}) =>
  Metrics.of(state, { window, rate: 60, ...more }).figures
export const numbers = ({
  denominator,
  numerator,
  unknown
}: {
  numerator: number
  denominator: number
  unknown: number
}) => [numerator, denominator, unknown]
export const range = (count: number) => Array.from({ length: count }, (_, at) => at)

/** A run of an item that ships after three hours. */
export const ships = (name: string, hours: number, options: Partial<Parameters<typeof stage>[2]> = {}) => {
  const run = of(name)
  const work = stage(run, [hours, hours + 2], { name: "implement", usd: 1, ...options })
  return [started(run, hours), ...work, shipped(run, hours + 3, `pr-${name}`), finished(run, hours + 3)]
}
