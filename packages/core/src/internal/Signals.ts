/**
 * The signals of a store on PostgreSQL: starts and answers that stand in the database with their facts, and wait there
 * until they are delivered to the cluster. Delivering one twice changes nothing, so whoever sees one may do it.
 *
 * What was carried over from another store begins here too: clocks with the time at which they are due, and the starts of
 * stalled runs, which are due when they are resumed.
 */
import * as Effect from "effect/Effect"
import type * as FactoryEvent from "../FactoryEvent.ts"
import type * as Journal from "../Journal.ts"
import { patiently, type Postgres } from "../Postgres.ts"
import * as PostgresTable from "./PostgresTable.ts"

/** A start (its name is empty), or the answer of a deferred. `body` is the JSON of the payload, or of the exit. */
export interface Signal {
  readonly execution: string
  readonly name: string
  readonly workflow: string
  readonly body: string
}

/** For how long a signal is left to the process that wrote it before others deliver it. */
const grace = "2 seconds"

type Result<A> = Effect.Effect<A, Journal.JournalError>

/** Stores a signal together with its facts. Answers `false`, and writes nothing, when the facts of another stand already. */
export const put = Effect.fnUntraced(function* (
  postgres: Postgres["Service"],
  { body, execution, name, workflow }: Signal,
  facts: ReadonlyArray<FactoryEvent.Entry>
) {
  const { sql } = postgres
  const texts = yield* PostgresTable.encode(facts)
  const write = Effect.gen(function* () {
    const standing = yield* PostgresTable.append(sql, texts)
    // Facts that are the very same were written by a try whose answer was lost.
    if (!standing.every(({ event, is_new }, index) => is_new || event === texts.events[index])) return false
    yield* sql`
      insert into millwright_signals (execution, name, workflow, body, due)
      values (${execution}, ${name}, ${workflow}, ${body}, now() + ${grace}::interval) on conflict do nothing`
    return true
  })
  return yield* patiently(postgres)(sql.withTransaction(write))
})

/** The signals that are due, without the starts of workflows that this process has no code for. */
export const due = (postgres: Postgres["Service"], workflows: ReadonlyArray<string>): Result<ReadonlyArray<Signal>> => {
  const { sql } = postgres
  const known = JSON.stringify(workflows)
  return patiently(postgres)(
    sql<Signal>`
      select execution, name, workflow, body from millwright_signals
      where due <= now() and (name <> '' or workflow in (select jsonb_array_elements_text(${known}::jsonb)))
      order by due limit 500`
  )
}

/** Takes away a signal that was delivered. */
export const remove = (postgres: Postgres["Service"], { execution, name }: Signal): Result<void> =>
  patiently(postgres)(
    Effect.asVoid(postgres.sql`delete from millwright_signals where execution = ${execution} and name = ${name}`)
  )

/** Makes the start of a run due that was carried over while it was stalled. Answers whether there was one. */
export const release = (postgres: Postgres["Service"], execution: string): Result<boolean> =>
  patiently(postgres)(
    Effect.map(
      postgres.sql`
        update millwright_signals set due = now() where execution = ${execution} and due = 'infinity' returning 1`,
      ({ length }) => length > 0
    )
  )

/** The results that were carried over with an execution, as JSON of exits by name and attempt. */
export const results = (postgres: Postgres["Service"], execution: string): Result<ReadonlyMap<string, string>> =>
  patiently(postgres)(
    Effect.map(
      postgres.sql<{ name: string; attempt: number; result: string }>`
        select name, attempt, result from millwright_results where execution = ${execution}`,
      (rows) => new Map(rows.map(({ attempt, name, result }) => [`${name}/${attempt}`, result]))
    )
  )
