/**
 * Carries the runs of a store in SQLite over to PostgreSQL, where runners of a cluster go on with them: no finished stage
 * runs again, open gates can be answered there, clocks go off at the time that they were set to, and what is stalled
 * waits there to be resumed.
 *
 * Everything is written in one transaction, or nothing is; so what was interrupted is just done again, and a second time
 * changes nothing. Afterwards the store has another name, and no process takes its runs up by mistake.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import * as Digest from "./Digest.ts"
import * as StoreContents from "./internal/StoreContents.ts"
import * as Journal from "./Journal.ts"
import * as JournalTable from "./internal/JournalTable.ts"
import { patiently, Postgres } from "./Postgres.ts"
import * as PostgresTable from "./internal/PostgresTable.ts"
import * as Sqlite from "./Sqlite.ts"
import * as Status from "./Status.ts"

/** What was carried over. */
export interface Summary {
  readonly events: number
  /** Runs that go on, or wait for a person. */
  readonly going: number
  /** Runs that stay stalled until they are resumed. */
  readonly stalled: number
  /** Results of stages that are not made again. */
  readonly results: number
  /** It had been carried over before, and nothing was written now. */
  readonly isRepeated: boolean
}

/** Where a store lies once its runs are elsewhere. */
export const carriedName = (store: string): string => `${store}.carried-over`

/**
 * Carries a store over to the database, which must have no journal yet. Fails while a runner is alive on the store: end
 * its processes first.
 */
export const run = Effect.fnUntraced(function* (store: string) {
  const moved = carriedName(store)
  const isThere = existsSync(store)
  if (!isThere && !existsSync(moved)) {
    return yield* new Journal.JournalError({
      reason: "NotWritable",
      message: `There is no store ${store}. Name the file of the factory that shall be carried over.`
    })
  }
  yield* nobodyRuns(store)
  const summary = yield* Effect.scoped(Effect.provide(carry, Sqlite.layer({ path: isThere ? store : moved })))
  if (isThere) {
    yield* nobodyRuns(store)
    yield* Effect.sync(() => {
      renameSync(store, moved)
      for (const rest of [`${store}-runners`, `${store}-wal`, `${store}-shm`]) {
        rmSync(rest, { recursive: true, force: true })
      }
    })
  }
  return summary
})

/** Fails while a living process has a runner on the store. */
const nobodyRuns = (store: string): Effect.Effect<void, Journal.JournalError> =>
  Effect.suspend(() => {
    const locks = `${store}-runners`
    const alive = existsSync(locks)
      ? readdirSync(locks).filter((file) => file.endsWith(".lock") && Sqlite.isLocked(join(locks, file)))
      : []
    return alive.length === 0
      ? Effect.void
      : Effect.fail(
          new Journal.JournalError({
            reason: "Busy",
            message:
              `${alive.length} process${alive.length === 1 ? " runs" : "es run"} lines of the store ${store}. ` +
              `End them, and carry it over again; nothing was changed.`
          })
        )
  })

const carry = Effect.gen(function* () {
  const sqlite = yield* Sqlite.Sqlite
  const postgres = yield* Postgres
  const { sql } = postgres
  const { answers, clocks, events, executions, results } = yield* sqlite.read(StoreContents.read)
  const stalled = yield* stalledOf(events)
  const isStalled = (id: string) => stalled.has(id)
  const runs = executions.filter(({ parent }) => parent === null)
  const workflowOf = new Map(executions.map(({ id, workflow }) => [id, workflow]))
  const signal = (execution: string, name: string, { body, due }: { readonly body: string; readonly due: number }) => ({
    execution,
    name,
    workflow: workflowOf.get(execution) ?? "",
    body,
    due
  })
  const signals = [
    ...answers.map(({ execution, exit, name }) => signal(execution, name, { body: exit, due: 0 })),
    ...clocks.map(({ due, execution, name }) => signal(execution, name, { body: passed, due })),
    ...executions.flatMap(({ id, interrupted }) =>
      interrupted === 1 ? [signal(id, "Workflow/InterruptSignal", { body: passed, due: 0 })] : []
    ),
    ...runs.map(({ id, payload }) => signal(id, "", { body: payload, due: isStalled(id) ? never : 0 }))
  ]

  const write = Effect.gen(function* () {
    const [mine] = yield* sql`
      insert into millwright_imports (store) values (${identity(events)}) on conflict do nothing returning 1`
    if (mine === undefined) return true
    const [head] = yield* sql<{ seq: number | string }>`select seq from millwright_head for update`
    if (Number(head?.seq) > 0) {
      return yield* new Journal.JournalError({
        reason: "NotWritable",
        message:
          `The database ${postgres.server} holds a journal already, and two can not be told apart in one. ` +
          `Carry the store over to a new database; nothing was changed.`
      })
    }
    for (const part of inParts(events)) {
      yield* sql.unsafe(
        `insert into millwright_journal (seq, key, run, event)
         select seq::bigint, key, nullif(run, ''), event
         from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as t (seq, key, run, event)`,
        columns(part, [
          ({ seq }) => String(seq),
          ({ key }) => (key === null ? `~${randomUUID()}` : PostgresTable.text(key)),
          ({ run }) => PostgresTable.text(run ?? ""),
          ({ event }) => event
        ])
      )
    }
    yield* sql`update millwright_head set seq = ${events.at(-1)?.seq ?? 0}`
    for (const part of inParts(results)) {
      yield* sql.unsafe(
        `insert into millwright_results select execution, name, attempt::integer, result
         from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as t (execution, name, attempt, result)`,
        columns(part, [
          ({ execution }) => execution,
          ({ name }) => name,
          ({ attempt }) => String(attempt),
          ({ result }) => result
        ])
      )
    }
    for (const part of inParts(signals)) {
      yield* sql.unsafe(
        `insert into millwright_signals select execution, name, workflow, body,
           case when due = '${never}' then 'infinity'::timestamptz else to_timestamp(due::bigint / 1000.0) end
         from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as t (execution, name, workflow, body, due)
         on conflict do nothing`,
        columns(part, [
          ({ execution }) => execution,
          ({ name }) => name,
          ({ workflow }) => workflow,
          ({ body }) => body,
          ({ due }) => String(due)
        ])
      )
    }
    return false
  })
  // A journal that stands is no failure of the server, so it must not be taken for one.
  const isRepeated = yield* patiently(postgres)(
    sql.withTransaction(write).pipe(Effect.catchTag("JournalError", (error) => Effect.succeed(error)))
  ).pipe(Effect.flatMap((answer) => (typeof answer === "boolean" ? Effect.succeed(answer) : Effect.fail(answer))))
  const summary: Summary = {
    events: events.length,
    going: runs.filter(({ id }) => !isStalled(id)).length,
    stalled: runs.filter(({ id }) => isStalled(id)).length,
    results: results.length,
    isRepeated
  }
  return summary
})

/** Later than every clock. */
const never = -1

/** The exit of a clock that went off. */
const passed = Schema.encodeSync(
  Schema.fromJsonString(Schema.toCodecJson(Schema.Exit(Schema.Any, Schema.Any, Schema.Defect())))
)(Exit.succeed(null))

/** What tells this store from any other: its first event names the start of its first run, which is unique. */
const identity = ([first]: ReadonlyArray<StoreContents.Event>): string => Digest.of(first?.event ?? "")

/** The executions that are stalled now. */
const stalledOf = Effect.fnUntraced(function* (stored: ReadonlyArray<StoreContents.Event>) {
  const events = yield* JournalTable.parse(stored.map(({ event }) => event))
  const statuses = new Map<string, Status.Status>()
  for (const event of events) {
    const next = event.run === null ? undefined : Status.step(statuses.get(event.run), event)
    if (event.run !== null && next !== undefined) statuses.set(event.run, next)
  }
  return new Set([...statuses.values()].flatMap(({ _tag, execution }) => (_tag === "Stalled" ? [execution] : [])))
})

/** A statement has room for so many rows without holding all of them in memory twice. */
const inParts = <A>(rows: ReadonlyArray<A>, size = 500): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(rows.length / size) }, (_, index) => rows.slice(index * size, (index + 1) * size))

const columns = <A>(
  rows: ReadonlyArray<A>,
  of: ReadonlyArray<(row: A) => string>
): ReadonlyArray<ReadonlyArray<string>> => of.map((column) => rows.map(column))
