/** The journal's table in PostgreSQL: what the journal and the engine write facts with, in whose transaction it may be. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import { randomUUID } from "node:crypto"
import * as FactoryEvent from "../FactoryEvent.ts"
import * as Journal from "../Journal.ts"
import * as JournalTable from "./JournalTable.ts"

/** Entries as they are stored. Each has a key, so that an append whose answer was lost can be sent again. */
export interface Texts {
  readonly keys: ReadonlyArray<string>
  /** Empty for a fact outside of a run: an array that holds only nulls has no type. */
  readonly runs: ReadonlyArray<string>
  readonly events: ReadonlyArray<string>
}

/** A stored event. Its number stands beside it and not in its text. */
export interface Row {
  readonly seq: bigint | number | string
  readonly event: string
}

/** A text without what PostgreSQL can not store: NUL and halves of surrogate pairs. Different texts stay different. */
export const text = (value: string): string => JSON.stringify(value).slice(1, -1)

/** Entries as they are stored. Fails for a fact that does not fit its schema. */
export const encode = (entries: ReadonlyArray<FactoryEvent.Entry>): Effect.Effect<Texts, Journal.JournalError> =>
  Effect.try({
    try: () => ({
      keys: entries.map(({ key }) => (key === undefined ? `~${randomUUID()}` : text(key))),
      runs: entries.map(({ run }) => (run === null ? "" : text(run))),
      events: entries.map(({ key: _, ...rest }) =>
        JournalTable.stored({ version: FactoryEvent.version, seq: 0, ...rest })
      )
    }),
    // It throws nothing else.
    catch: (error) => error as Journal.JournalError
  })

/** Appends entries, in the transaction that is open. Answers with the event that stands for each, and whether it is new. */
export const append = (
  sql: SqlClient.SqlClient,
  { events, keys, runs }: Texts
): Effect.Effect<ReadonlyArray<Row & { readonly is_new: boolean }>, SqlError.SqlError> =>
  sql.unsafe("select seq, event, is_new from millwright_append($1::text[], $2::text[], $3::text[])", [
    keys,
    runs,
    events
  ])

/** Reads at most `limit` stored events of a range. */
export const readAfter = (
  sql: SqlClient.SqlClient,
  { after = 0, outputs = false, run }: Journal.Range,
  limit: number
): Effect.Effect<ReadonlyArray<Row>, SqlError.SqlError> => {
  const inRun = run === undefined ? sql`true` : sql`run = ${text(run)}`
  const which = outputs ? sql`true` : sql`not starts_with(key, ${Journal.outputPrefix})`
  return sql<Row>`select seq, event from millwright_journal where ${inRun} and seq > ${after} and ${which} order by seq limit ${limit}`
}

/** Decodes stored events. */
export const decode = (
  rows: ReadonlyArray<Row>
): Effect.Effect<ReadonlyArray<FactoryEvent.FactoryEvent>, Journal.JournalError> =>
  Effect.map(JournalTable.parse(rows.map(({ event }) => event)), (events) =>
    events.map((event, index) => ({ ...event, seq: Number(rows[index]?.seq) }))
  )
