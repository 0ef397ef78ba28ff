/** The place of the measure of the dispatcher over a simulated year of 1,300 items a week, and with 100,000 at once. */
import * as Measure from "./Measure.ts"

const why = "this checkout has no @millwright/core/Dispatcher"

/** Says what is not measured. */
export const measure: Measure.Measure = async () =>
  [
    { name: "dispatcher: overhead over a simulated year", unit: "% of the time budget", goal: Measure.atMost(1) },
    { name: "dispatcher: growth of memory over a simulated year", unit: "MB" },
    { name: "dispatcher: items out of order, 100,000 at once", unit: "items", goal: Measure.atMost(0) }
  ].map((figure) => Measure.missing(figure, why))
