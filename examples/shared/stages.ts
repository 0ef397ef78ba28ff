/** The stages of a run, one by one: how long each took, how often it was tried and why, and what it used. */
import * as Budget from "@millwright/core/Budget"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Usage from "@millwright/core/Usage"

/** A stage. Times are in milliseconds, `since` since 1970, UTC. */
export interface Row {
  readonly stage: string
  readonly state: "open" | "done" | "failed" | "stopped" | "undone"
  readonly since: number
  /** Of the attempt that ended last. */
  readonly took: number
  /** How often it was begun, restarts counted. */
  readonly attempts: number
  readonly bill: Usage.Bill
  /** Why it was tried again, or failed; the newest last. */
  readonly problems: ReadonlyArray<string>
  /** The gate that it opened. */
  readonly gate?: string
}

/** The stages after one more event of the run, in the order in which they first began. Changes the map. */
export const step = (rows: Map<string, Row>, { at, fact, stage }: FactoryEvent.FactoryEvent): Map<string, Row> => {
  if (fact._tag === "LineRewound") fact.dropped.forEach((dropped) => rows.delete(dropped))
  if (fact._tag === "BranchesJoined") {
    for (const dropped of fact.dropped) {
      const row = rows.get(dropped)
      if (row !== undefined) rows.set(dropped, { ...row, state: "stopped" })
    }
  }
  if (stage === null) return rows
  const row = rows.get(stage) ?? begun(stage, at)
  const change = (changes: Partial<Row>) => rows.set(stage, { ...row, ...changes })
  const problem = (text: string) => [...row.problems, text]
  switch (fact._tag) {
    case "StageStarted":
      return change({ state: "open", since: at, attempts: row.attempts + 1 })
    case "StageFinished":
      return change({ state: "done", took: fact.duration })
    case "StageRetried":
      return change({ problems: problem(`attempt ${fact.attempt}: ${fact.fault.message}`) })
    case "StageFailed":
      return change({ state: "failed", took: fact.duration, problems: problem(fact.fault.message) })
    case "StageUndone":
      return fact.fault === null
        ? change({ state: "undone" })
        : change({ problems: problem(`undoing it: ${fact.fault.message}`) })
    case "ModelCalled":
    case "ModelFailed":
      return change({ bill: Budget.count({ bill: row.bill, time: 0 }, fact).bill })
    case "GateOpened":
      return change({ gate: fact.gate })
    default:
      return rows
  }
}

const begun = (stage: string, since: number): Row => ({
  stage,
  state: "open",
  since,
  took: 0,
  attempts: 0,
  bill: Usage.emptyBill,
  problems: []
})
