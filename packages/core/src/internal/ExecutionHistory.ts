/** Rewriting what an execution in a store remembers: its finished steps, its answered waits and its end. */
import type * as Durable from "../Durable.ts"
import * as ExecutionTable from "../ExecutionTable.ts"
import type * as Sqlite from "../Sqlite.ts"

/** The tables of steps and waits; each has the columns `execution` and `name`. */
const remembered = ["activities", "deferreds", "clocks"] as const

const namesIn = (prepare: Sqlite.Prepare, table: string, execution: string): ReadonlyArray<string> =>
  prepare(`select distinct name from ${table} where execution = ?`)
    .all(execution)
    .map(({ name }) => String(name))

/** Forgets every step and wait but the kept ones, and the end. The execution is suspended then, and was woken. */
export const forget = (prepare: Sqlite.Prepare, execution: string, isKept: (step: string) => boolean): void => {
  for (const table of remembered) {
    for (const name of namesIn(prepare, table, execution)) {
      if (!isKept(name)) prepare(`delete from ${table} where execution = ? and name = ?`).run(execution, name)
    }
  }
  prepare(
    "update executions set status = 'suspended', interrupted = 0, result = null, wake = wake + 1 where id = ?"
  ).run(execution)
}

/** Makes an execution that remembers the kept steps and answered waits of another one. Answers `false` when it is there. */
export const copy = (
  prepare: Sqlite.Prepare,
  from: ExecutionTable.Row,
  to: Durable.Copy & { readonly runner: string }
) => {
  if (ExecutionTable.find(prepare, to.execution) !== undefined) return false
  // What a line's workflow is called with; the run is a part of it.
  const call = JSON.parse(from.payload) as object
  ExecutionTable.insert(prepare, {
    id: to.execution,
    workflow: from.workflow,
    payload: JSON.stringify({ ...call, run: to.run }),
    parent: null,
    runner: to.runner
  })
  for (const [table, rest] of [
    ["activities", "attempt, result"],
    ["deferreds", "exit"]
  ] as const) {
    for (const name of namesIn(prepare, table, from.id)) {
      if (!to.isKept(name)) continue
      prepare(
        `insert into ${table} (execution, name, ${rest}) select ?, name, ${rest} from ${table} where execution = ? and name = ?`
      ).run(to.execution, from.id, name)
    }
  }
  return true
}
