/** The engine's tables in a store: executions, finished activities, answered deferreds, clocks. */
import * as BlobTable from "./BlobTable.ts"
import * as StoredSize from "./StoredSize.ts"
import type * as Sqlite from "../Sqlite.ts"

/** Whether an execution was asked to stop: not at all, where it waits next, or at once. */
export type Interrupted = 0 | 1 | 2

/** One execution of a workflow, as it is stored. */
export interface Row {
  readonly id: string
  readonly workflow: string
  readonly payload: string
  readonly parent: string | null
  readonly runner: string | null
  readonly status: "running" | "suspended" | "complete"
  /** Grows with every wake, so that a run can tell whether it slept through one. */
  readonly wake: number
  readonly interrupted: Interrupted
  readonly result: string | null
}

const row = (prepare: Sqlite.Prepare, found: Record<string, unknown> | undefined): Row | undefined => {
  // The columns are what the table's definition says.
  const stored = found as Row | undefined
  if (stored === undefined) return undefined
  const payload = BlobTable.resolve(prepare, stored.payload)
  return { ...stored, payload, result: stored.result === null ? null : BlobTable.resolve(prepare, stored.result) }
}

/** The execution with this id. */
export const find = (prepare: Sqlite.Prepare, id: string): Row | undefined =>
  row(prepare, prepare("select * from executions where id = ?").get(id))

/** Makes an execution that is not there yet. Answers whether it did. */
export const insert = (
  prepare: Sqlite.Prepare,
  fresh: Pick<Row, "id" | "workflow" | "payload" | "parent" | "runner">
): boolean => {
  StoredSize.refuseTooLarge(fresh.payload, `What a run of ${fresh.workflow} is started with`)
  const payload = BlobTable.refer(prepare, fresh.id, fresh.payload)
  return (
    prepare(
      "insert into executions (id, workflow, payload, parent, runner, status) values (?, ?, ?, ?, ?, 'running') on conflict do nothing"
    ).run(fresh.id, fresh.workflow, payload, fresh.parent, fresh.runner).changes === 1
  )
}

/** A process, as the owner of executions. */
export interface Owner {
  readonly runner: string
  readonly isAlive: (runner: string) => boolean
}

/** Takes an execution that nobody alive runs, or that this runner has already. Answers with it when that worked. */
export const claim = (prepare: Sqlite.Prepare, id: string, by: Owner): Row | undefined => {
  const found = find(prepare, id)
  if (found === undefined || found.status === "complete") return undefined
  if (found.runner !== by.runner && found.runner !== null && by.isAlive(found.runner)) return undefined
  prepare("update executions set runner = ?, status = 'running' where id = ?").run(by.runner, id)
  return { ...found, runner: by.runner, status: "running" }
}

/** Executions of a workflow that have something to do: they ran or were woken. */
export const adoptable = (prepare: Sqlite.Prepare, workflow: string): ReadonlyArray<string> =>
  prepare(
    "select id from executions where workflow = ? and (status = 'running' or status = 'suspended' and wake > 0) order by id"
  )
    .all(workflow)
    .map(({ id }) => String(id))

/** Runners that are gone and left executions behind. */
export const gone = (prepare: Sqlite.Prepare, by: Owner): ReadonlyArray<string> =>
  prepare("select distinct runner from executions where runner > '' and runner <> ?")
    .all(by.runner)
    .flatMap(({ runner }) => (by.isAlive(String(runner)) ? [] : [String(runner)]))

/** Takes the executions of a workflow that wait and were another runner's: whoever wakes one finds it here. */
export const inherit = (
  prepare: Sqlite.Prepare,
  workflow: string,
  { by, from }: { readonly from: string; readonly by: string }
): void => {
  prepare("update executions set runner = ? where runner = ? and status = 'suspended' and workflow = ?").run(
    by,
    from,
    workflow
  )
}

/** Executions of this runner that have something to do. */
export const running = (
  prepare: Sqlite.Prepare,
  runner: string
): ReadonlyArray<Pick<Row, "id" | "wake" | "interrupted">> =>
  // The columns are what the query names.
  prepare("select id, wake, interrupted from executions where runner = ? and status = 'running'").all(
    runner
  ) as unknown as ReadonlyArray<Pick<Row, "id" | "wake" | "interrupted">>

/** Stores that a run stopped to wait, unless it was woken since it began. Answers whether it did. */
export const suspend = (prepare: Sqlite.Prepare, id: string, wake: number): boolean =>
  prepare("update executions set status = 'suspended', wake = 0 where id = ? and wake = ?").run(id, wake).changes === 1

/** Stores the result of an execution. */
export const complete = (prepare: Sqlite.Prepare, id: string, result: string): void => {
  StoredSize.refuseTooLarge(result, `The result of the execution ${id}`)
  prepare("update executions set status = 'complete', result = ?, runner = null where id = ?").run(
    BlobTable.refer(prepare, id, result),
    id
  )
  prepare("delete from clocks where execution = ?").run(id)
}

/**
 * Wakes an execution. One that is suspended has something to do again, for its runner to see. Answers with it unless it
 * is over.
 */
export const wake = (prepare: Sqlite.Prepare, id: string): Row | undefined =>
  row(
    prepare,
    prepare(
      "update executions set wake = wake + 1, status = 'running' where id = ? and status <> 'complete' returning *"
    ).get(id)
  )

/** Marks an execution that waits as one that shall go on: whoever takes it over wakes it, if who asked for it does not live to. */
export const remind = (prepare: Sqlite.Prepare, id: string): void => {
  prepare("update executions set wake = wake + 1 where id = ?").run(id)
}

/** Asks an execution to stop. A stronger word stands. Answers with it unless it is over. */
export const interrupt = (prepare: Sqlite.Prepare, id: string, how: Interrupted): Row | undefined => {
  prepare("update executions set interrupted = max(interrupted, ?) where id = ? and status <> 'complete'").run(how, id)
  return wake(prepare, id)
}

/** Whether an execution was asked to stop. */
export const isInterrupted = (prepare: Sqlite.Prepare, id: string): boolean =>
  prepare("select 1 from executions where id = ? and interrupted > 0").get(id) !== undefined

/** The activities of an execution that have a stored result. */
export const finished = (prepare: Sqlite.Prepare, execution: string): ReadonlyArray<string> =>
  prepare("select name, attempt from activities where execution = ?")
    .all(execution)
    .map(({ attempt, name }) => activityKey(String(name), Number(attempt)))

/** One attempt of an activity, as a text. */
export const activityKey = (name: string, attempt: number): string => `${attempt} ${name}`

/** The stored result of an attempt of an activity. */
export const activity = (
  prepare: Sqlite.Prepare,
  key: readonly [execution: string, name: string, attempt: number]
): string | undefined => {
  const found = prepare("select result, packed from activities where execution = ? and name = ? and attempt = ?").get(
    ...key
  )
  return found === undefined ? undefined : BlobTable.unpack(prepare, found)
}

/** Stores the result of an attempt of an activity; the first one stands. Answers whether this was the first. */
export const finish = (
  prepare: Sqlite.Prepare,
  key: readonly [execution: string, name: string, attempt: number],
  result: string
): boolean => {
  StoredSize.refuseTooLarge(result, `The result of the stage "${key[1]}"`)
  const stored = BlobTable.pack(prepare, key[0], result)
  return (
    prepare(
      "insert into activities (execution, name, attempt, result, packed) values (?, ?, ?, ?, ?) on conflict do nothing"
    ).run(...key, stored.result, stored.packed).changes === 1
  )
}

/** The stored answer of a deferred. */
export const deferred = (prepare: Sqlite.Prepare, execution: string, name: string): string | undefined => {
  const found = prepare("select exit from deferreds where execution = ? and name = ?").get(execution, name)
  return found === undefined ? undefined : BlobTable.resolve(prepare, String(found["exit"]))
}

/** Stores the answer of a deferred; the first one stands. Answers whether this was the first. */
export const answer = (
  prepare: Sqlite.Prepare,
  key: readonly [execution: string, name: string],
  exit: string
): boolean => {
  StoredSize.refuseTooLarge(exit, `The answer to "${key[1]}"`)
  const stored = BlobTable.refer(prepare, key[0], exit)
  const isFirst =
    prepare("insert into deferreds values (?, ?, ?) on conflict do nothing").run(...key, stored).changes === 1
  // What a clock would say is said; it must not keep its execution among those that have something to do.
  if (isFirst) prepare("delete from clocks where execution = ? and name = ?").run(...key)
  return isFirst
}

/** Stores when a clock is due, in milliseconds since 1970. The first time stands. */
export const schedule = (
  prepare: Sqlite.Prepare,
  key: readonly [execution: string, name: string],
  due: number
): void => {
  prepare("insert into clocks values (?, ?, ?) on conflict do nothing").run(...key, due)
}

/** A clock of an execution. */
export interface Clock {
  readonly execution: string
  readonly workflow: string
  readonly name: string
  readonly due: number
}

/** The clock of this runner's executions that is due next. */
export const nextClock = (prepare: Sqlite.Prepare, runner: string): Clock | undefined =>
  // The columns are what the query names.
  prepare(
    "select c.execution, e.workflow, c.name, c.due from clocks c join executions e on e.id = c.execution where e.runner = ? order by c.due limit 1"
  ).get(runner) as Clock | undefined

/** The clocks of this runner's executions that are due at a time, the earliest first, at most `limit`. */
export const dueClocks = (
  prepare: Sqlite.Prepare,
  runner: string,
  { limit, time }: { readonly time: number; readonly limit: number }
): ReadonlyArray<Clock> =>
  // The columns are what the query names.
  prepare(
    `select c.execution, e.workflow, c.name, c.due from clocks c join executions e on e.id = c.execution
     where c.due <= ? and e.runner = ? order by c.due limit ?`
  ).all(time, runner, limit) as unknown as ReadonlyArray<Clock>

/** Takes a clock away that went off. */
export const unschedule = (prepare: Sqlite.Prepare, clock: Clock): void => {
  prepare("delete from clocks where execution = ? and name = ?").run(clock.execution, clock.name)
}
