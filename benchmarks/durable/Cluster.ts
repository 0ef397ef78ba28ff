/** The place of the measure of the cluster on PostgreSQL with 3 runners, beside DBOS on the same server. */
import * as Measure from "./Measure.ts"

const why = "this checkout has no @millwright/core/adapters/ClusterEngine"

/** Says what is not measured. */
export const measure: Measure.Measure = async () =>
  [
    { name: "cluster, 3 runners, against DBOS", unit: "ratio", goal: Measure.atLeast(1) },
    { name: "cluster: a signal from another process", unit: "ms", goal: Measure.atMost(500) },
    { name: "cluster: a due timer", unit: "ms", goal: Measure.atMost(500) },
    { name: "cluster: lines that do not finish when a runner is killed", unit: "lines", goal: Measure.atMost(0) },
    { name: "cluster: stage results twice when a runner is killed", unit: "stages", goal: Measure.atMost(0) },
    { name: "cluster: take-over of a killed runner", unit: "ms" }
  ].map((figure) => Measure.missing(figure, why))
