/**
 * The PostgreSQL seam: one pool of connections to a database that holds the journal and the cluster engine's tables. An
 * adapter gives the connections; here is what the journal and the engine do with them.
 *
 * A server that can not be reached is waited for, for as long as the store's `patience`: a statement that was cut off is
 * sent again, so it has to be one that may run twice.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import type * as Stream from "effect/Stream"
import * as Journal from "./Journal.ts"

/** A database with the tables of this package. */
export class Postgres extends Context.Service<
  Postgres,
  {
    /** Host, port and database, for messages. Holds no secret. */
    readonly server: string
    readonly sql: SqlClient.SqlClient
    /**
     * The payloads of a channel's notifications, and first an empty one when it begins to listen: what was notified before
     * went by. Fails when its connection is lost.
     */
    readonly listen: (channel: string) => Stream.Stream<string, SqlError.SqlError>
    /** How long a server that can not be reached, or has no room, is waited for. */
    readonly patience: Duration.Duration
  }
>()("@millwright/core/Postgres") {}

/** The version of the tables that this package reads and writes. */
export const schemaVersion = 1

/**
 * Appends are numbered under one lock, so that a reader never sees a number before a smaller one. A key that stands is
 * answered with its event and takes no number.
 */
const schema = [
  `create table millwright_head (seq bigint not null, version integer not null)`,
  `insert into millwright_head values (0, ${schemaVersion})`,
  `create table millwright_journal (
    seq bigint primary key, key text collate "C" not null unique, run text collate "C", event text not null
  )`,
  `create index millwright_journal_run on millwright_journal (run, seq) where run is not null`,
  `create table millwright_signals (
    execution text collate "C", name text collate "C", workflow text not null, body text not null,
    due timestamptz not null, primary key (execution, name)
  )`,
  `create table millwright_results (
    execution text collate "C", name text collate "C", attempt integer, result text not null,
    primary key (execution, name, attempt)
  )`,
  `create table millwright_imports (store text primary key, at timestamptz not null default now())`,
  `create function millwright_append(keys text[], runs text[], events text[])
  returns table (seq bigint, event text, is_new boolean) language plpgsql as $$
  #variable_conflict use_column
  declare
    head bigint;
    standing record;
  begin
    select h.seq into head from millwright_head h for update;
    for i in 1 .. cardinality(keys) loop
      select j.seq, j.event into standing from millwright_journal j where j.key = keys[i];
      if found then
        return query select standing.seq, standing.event, false;
      else
        head := head + 1;
        insert into millwright_journal (seq, key, run, event) values (head, keys[i], nullif(runs[i], ''), events[i]);
        perform pg_notify('millwright_journal', case when octet_length(runs[i]) < 1000 then runs[i] else '' end);
        return query select head, events[i], true;
      end if;
    end loop;
    update millwright_head set seq = head;
  end $$`
]

/** Makes the tables in a new database, and refuses tables that a newer version made. */
export const prepare = (postgres: Postgres["Service"]): Effect.Effect<void, Journal.JournalError> => {
  const { server, sql } = postgres
  return sql
    .withTransaction(
      Effect.gen(function* () {
        // Processes that start at once make the tables once.
        yield* sql`select pg_advisory_xact_lock(hashtext('millwright'))`
        const [table] = yield* sql<{ name: string | null }>`select to_regclass('millwright_head')::text as name`
        if (table?.name === null) {
          for (const statement of schema) yield* sql.unsafe(statement).raw
          return
        }
        const [head] = yield* sql<{ version: number }>`select version from millwright_head`
        if (head?.version === schemaVersion) return
        return yield* new Journal.JournalError({
          reason: "Newer",
          message:
            `The database ${server} has tables of version ${head?.version}; this Millwright knows ${schemaVersion}. ` +
            `Upgrade @millwright/core, or use another database; nothing was changed.`
        })
      })
    )
    .pipe(Effect.catchTag("SqlError", (error) => Effect.fail(toError(server, error))))
}

/** Runs statements that may run twice, for as long as the server can not be reached or has no room. */
export const patiently =
  (postgres: Postgres["Service"]) =>
  <A, R>(effect: Effect.Effect<A, SqlError.SqlError, R>): Effect.Effect<A, Journal.JournalError, R> =>
    Effect.retry(effect, {
      while: isPassing,
      schedule: Schedule.spaced("250 millis").pipe(Schedule.upTo({ duration: postgres.patience }))
    }).pipe(Effect.mapError((error) => toError(postgres.server, error)))

/** Whether a failure goes away without a change of the statement: a lost connection, a full disk, a restart. */
export const isPassing = (error: SqlError.SqlError): boolean => {
  const code = codeOf(error)
  return error.reason.isRetryable || (code === undefined ? isClosed(error) : /^(53|57P|58)/.test(code))
}

/** What a failure of the server is to whoever uses the journal. The cause is left out: a driver may put anything there. */
export const toError = (server: string, error: SqlError.SqlError): Journal.JournalError => {
  const detail = detailOf(error)
  const fail = (reason: Journal.JournalError["reason"], mend: string) =>
    new Journal.JournalError({ reason, message: `The database ${server} can not be used: ${detail}. ${mend}` })
  const code = codeOf(error) ?? ""
  switch (error.reason._tag) {
    case "AuthenticationError":
      return fail("NotWritable", "Check the user and the password in the connection URL.")
    case "AuthorizationError":
      return fail("NotWritable", "Grant this user the right to make and write tables in the database.")
    case "SqlSyntaxError":
      return fail("Corrupt", "Its tables are not those of this package. Restore them from a back-up or use another.")
    default:
  }
  if (code === "3D000") return fail("NotWritable", "Make the database with `createdb`, or name another.")
  if (code.startsWith("53")) return fail("NotWritable", "Make room on the server; what is stored is kept.")
  return isPassing(error)
    ? fail("Unreachable", "Check that the server runs and can be reached from here.")
    : fail("NotWritable", "Check the server's log.")
}

/** The five characters with which PostgreSQL names an error. */
const codeOf = (error: SqlError.SqlError): string | undefined => {
  const { cause } = error.reason
  return typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined
}

const detailOf = ({ reason }: SqlError.SqlError): string =>
  reason.cause instanceof Error && reason.cause.message !== "" ? reason.cause.message : (reason.message ?? reason._tag)

/** A connection that is closed while a statement runs on it is told in words only. */
const isClosed = (error: SqlError.SqlError) => /closed|terminat|ECONN|EPIPE|socket/i.test(detailOf(error))
