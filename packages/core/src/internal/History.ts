/** Rewriting what an execution in a store remembers: its finished steps, its answered waits and its end. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Durable from "../Durable.ts"
import * as ExecutionTable from "./ExecutionTable.ts"
import * as JournalTable from "./JournalTable.ts"
import type * as Sqlite from "../Sqlite.ts"
import * as EngineStore from "./EngineStore.ts"
import type * as Ownership from "./Ownership.ts"

/** The histories of a store, as one of its runners may rewrite them. */
export const make = (
  { flush, write }: EngineStore.EngineStore,
  { live, owner, start }: Ownership.Ownership
): Durable.History => {
  const isRun = ({ id, runner, status }: ExecutionTable.Row) =>
    runner === owner.runner ? live.has(id) : status === "running" && runner !== null && owner.isAlive(runner)
  return {
    forget: Effect.fnUntraced(function* (execution, isKept) {
      const written = yield* EngineStore.facts
      const instance = yield* Effect.serviceOption(Durable.WorkflowEngine.WorkflowInstance)
      const isOwn = Option.isSome(instance) && instance.value.executionId === execution
      return yield* write((prepare) => {
        const row = ExecutionTable.find(prepare, execution)
        if (row === undefined || (isRun(row) && !isOwn)) return false
        forget(prepare, execution, isKept)
        // It runs once more: also when this process does not live to do it.
        if (isOwn) ExecutionTable.wake(prepare, execution)
        else ExecutionTable.remind(prepare, execution)
        flush(prepare, written, true)
        return true
      })
    }),
    fork: Effect.fnUntraced(function* (execution, to) {
      const written = yield* EngineStore.facts
      const insert = write((prepare) => {
        const from = ExecutionTable.find(prepare, execution)
        const isTaken = written.outbox?.entries.some(
          ({ key }) => key !== undefined && JournalTable.stands(prepare, key)
        )
        if (from === undefined || isTaken === true) return false
        if (!copy(prepare, from, { ...to, runner: owner.runner })) return false
        flush(prepare, written, true)
        return true
      })
      yield* Effect.uninterruptible(Effect.tap(insert, (isNew) => (isNew ? start(to.execution) : Effect.void)))
    })
  }
}

/** The tables of steps and waits; each has the columns `execution` and `name`. */
const remembered = ["activities", "deferreds", "clocks"] as const

const namesIn = (prepare: Sqlite.Prepare, table: string, execution: string): ReadonlyArray<string> =>
  prepare(`select distinct name from ${table} where execution = ?`)
    .all(execution)
    .map(({ name }) => String(name))

/** Forgets every step and wait but the kept ones, and the end. The execution is suspended then. */
const forget = (prepare: Sqlite.Prepare, execution: string, isKept: (step: string) => boolean): void => {
  for (const table of remembered) {
    for (const name of namesIn(prepare, table, execution)) {
      if (!isKept(name)) prepare(`delete from ${table} where execution = ? and name = ?`).run(execution, name)
    }
  }
  prepare("update executions set status = 'suspended', interrupted = 0, result = null where id = ?").run(execution)
}

/** Makes an execution that remembers the kept steps and answered waits of another one. Answers whether it did. */
const copy = (
  prepare: Sqlite.Prepare,
  from: ExecutionTable.Row,
  to: Durable.Copy & { readonly runner: string }
): boolean => {
  // What a line's workflow is called with; the run is a part of it.
  const call = JSON.parse(from.payload) as object
  const isNew = ExecutionTable.insert(prepare, {
    id: to.execution,
    workflow: from.workflow,
    payload: JSON.stringify({ ...call, run: to.run }),
    parent: null,
    runner: to.runner
  })
  if (!isNew) return false
  prepare("insert into blob_uses select ?, digest from blob_uses where execution = ? on conflict do nothing").run(
    to.execution,
    from.id
  )
  for (const [table, rest] of [
    ["activities", "attempt, result, packed"],
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
