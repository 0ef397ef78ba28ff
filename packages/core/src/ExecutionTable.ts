/** The engine's tables in a store: executions, finished activities, answered deferreds, clocks. */
import type * as Sqlite from "./Sqlite.ts"

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
  readonly interrupted: number
  readonly result: string | null
}

const row = (found: Record<string, unknown> | undefined): Row | undefined =>
  // The columns are what the table's definition says.
  found as Row | undefined

/** The execution with this id. */
export const find = (prepare: Sqlite.Prepare, id: string): Row | undefined =>
  row(prepare("select * from executions where id = ?").get(id))

/** Makes an execution that is not there yet. */
export const insert = (
  prepare: Sqlite.Prepare,
  fresh: Pick<Row, "id" | "workflow" | "payload" | "parent" | "runner">
): void => {
  prepare(
    "insert into executions (id, workflow, payload, parent, runner, status) values (?, ?, ?, ?, ?, 'running') on conflict do nothing"
  ).run(fresh.id, fresh.workflow, fresh.payload, fresh.parent, fresh.runner)
}

/** Takes an execution that nobody alive runs, or that this runner has already. Answers with it when that worked. */
export const claim = (
  prepare: Sqlite.Prepare,
  id: string,
  by: { readonly runner: string; readonly isAlive: (runner: string) => boolean }
): Row | undefined => {
  const found = find(prepare, id)
  if (found === undefined || found.status === "complete") return undefined
  if (found.runner !== by.runner && found.runner !== null && by.isAlive(found.runner)) return undefined
  prepare("update executions set runner = ?, status = 'running' where id = ?").run(by.runner, id)
  return { ...found, runner: by.runner, status: "running" }
}

/** Executions of a workflow that have something to do: they ran, were woken, or wait for a clock. */
export const adoptable = (prepare: Sqlite.Prepare, workflow: string): ReadonlyArray<Row> =>
  prepare(
    `select * from executions e where workflow = ? and status <> 'complete'
     and (status = 'running' or wake > 0 or exists (select 1 from clocks c where c.execution = e.id)) order by id`
  )
    .all(workflow)
    .flatMap((found) => row(found) ?? [])

/** Executions of this runner that were woken while they were suspended. */
export const woken = (prepare: Sqlite.Prepare, runner: string): ReadonlyArray<Row> =>
  prepare("select * from executions where runner = ? and status = 'suspended' and wake > 0")
    .all(runner)
    .flatMap((found) => row(found) ?? [])

/** Stores that a run stopped to wait, unless it was woken since it began. Answers whether it did. */
export const suspend = (prepare: Sqlite.Prepare, id: string, wake: number): boolean =>
  prepare("update executions set status = 'suspended', wake = 0 where id = ? and wake = ?").run(id, wake).changes === 1

/** Stores the result of an execution. */
export const complete = (prepare: Sqlite.Prepare, id: string, result: string): void => {
  prepare("update executions set status = 'complete', result = ?, runner = null where id = ?").run(result, id)
  prepare("delete from clocks where execution = ?").run(id)
}

/** Wakes an execution that may be suspended. */
export const wake = (prepare: Sqlite.Prepare, id: string): void => {
  prepare("update executions set wake = wake + 1 where id = ? and status <> 'complete'").run(id)
}

/** Asks an execution to stop where it waits next. */
export const interrupt = (prepare: Sqlite.Prepare, id: string): void => {
  prepare("update executions set interrupted = 1, wake = wake + 1 where id = ? and status <> 'complete'").run(id)
}

/** The stored result of an attempt of an activity. */
export const activity = (prepare: Sqlite.Prepare, key: readonly [execution: string, name: string, attempt: number]) =>
  text(
    prepare("select result from activities where execution = ? and name = ? and attempt = ?").get(...key)?.["result"]
  )

/** Stores the result of an attempt of an activity. */
export const finish = (
  prepare: Sqlite.Prepare,
  key: readonly [execution: string, name: string, attempt: number],
  result: string
): void => {
  prepare("insert into activities values (?, ?, ?, ?) on conflict do nothing").run(...key, result)
}

/** The stored answer of a deferred. */
export const deferred = (prepare: Sqlite.Prepare, execution: string, name: string) =>
  text(prepare("select exit from deferreds where execution = ? and name = ?").get(execution, name)?.["exit"])

/** Stores the answer of a deferred; the first one stands. Answers whether this was the first. */
export const answer = (
  prepare: Sqlite.Prepare,
  key: readonly [execution: string, name: string],
  exit: string
): boolean => {
  const isFirst =
    prepare("insert into deferreds values (?, ?, ?) on conflict do nothing").run(...key, exit).changes === 1
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

/** Takes a clock away that went off. */
export const unschedule = (prepare: Sqlite.Prepare, clock: Clock): void => {
  prepare("delete from clocks where execution = ? and name = ?").run(clock.execution, clock.name)
}

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)
