/**
 * The SQLite seam: one file that holds the journal and the engine's own tables, so that a stage's result and its facts
 * are written in one transaction. The only file of the package that touches `node:sqlite`.
 *
 * Several processes may have the file open. What another process wrote is seen through `pragma data_version`, so nobody
 * polls a table.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { existsSync, mkdirSync } from "node:fs"
import { dirname } from "node:path"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import * as Journal from "./Journal.ts"

/** How the store is opened. */
export interface Options {
  /** The file; its folder is made when it is not there. */
  readonly path: string
  /**
   * `FULL` (default) loses nothing when the power goes; `NORMAL` may lose the last commits then, but nothing when a
   * process is killed.
   */
  readonly synchronous?: "FULL" | "NORMAL"
  /** How often another process's writes are looked for. Default 50 ms. */
  readonly poll?: Duration.Input
}

/** An open store. */
export class Sqlite extends Context.Service<Sqlite, {
  readonly path: string
  /** Runs statements in one transaction that takes the write lock at once. What it throws rolls all back. */
  readonly write: <A>(run: (prepare: Prepare) => A) => Effect.Effect<A, Journal.JournalError>
  readonly read: <A>(run: (prepare: Prepare) => A) => Effect.Effect<A, Journal.JournalError>
  /** Grows with every change, of this process or of another. Read it before you look, then wait for it to grow. */
  readonly version: Effect.Effect<number>
  readonly awaitPast: (version: number) => Effect.Effect<void>
  /** Fails when something could not be written, for whoever waits for what will now not come. */
  readonly failure: Effect.Effect<never, Journal.JournalError>
}>()("@millwright/core/Sqlite") {}

/** A prepared statement for an SQL text; prepared once. */
export type Prepare = (sql: string) => StatementSync

/** The version of the tables that this package reads and writes. */
export const schemaVersion = 1

const schema = `
  create table meta (key text primary key, value text not null) strict, without rowid;
  create table journal (seq integer primary key, key text unique, run text, event text not null) strict;
  create index journal_run on journal (run) where run is not null;
  create table executions (
    id text primary key, workflow text not null, payload text not null, parent text, runner text,
    status text not null check (status in ('running', 'suspended', 'complete')),
    wake integer not null default 0, interrupted integer not null default 0, result text
  ) strict, without rowid;
  create index executions_runner on executions (runner, status);
  create table activities (
    execution text not null, name text not null, attempt integer not null, result text not null,
    primary key (execution, name, attempt)
  ) strict;
  create table deferreds (
    execution text not null, name text not null, exit text not null, primary key (execution, name)
  ) strict;
  create table clocks (
    execution text not null, name text not null, due integer not null, primary key (execution, name)
  ) strict, without rowid;
  insert into meta values ('schema', '${schemaVersion}');
`

/** Opens a store, makes its tables when it is new, and refuses one that is newer or damaged. */
export const layer = (options: Options): Layer.Layer<Sqlite, Journal.JournalError> =>
  Layer.effect(Sqlite, make(options))

const make = Effect.fnUntraced(function*(options: Options) {
  const attempt = <A>(run: () => A) => Effect.try({ try: run, catch: (cause) => toError(options.path, cause) })
  const db = yield* Effect.acquireRelease(attempt(() => open(options)), (db) => Effect.sync(() => db.close()))
  yield* attempt(() => migrate(db, options.path))

  const statements = new Map<string, StatementSync>()
  const prepare: Prepare = (sql) => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = db.prepare(sql)
    statements.set(sql, statement)
    return statement
  }

  const broken = Deferred.makeUnsafe<never, Journal.JournalError>()
  let version = 0
  let next = Deferred.makeUnsafe<void>()
  const grow = () => {
    version++
    const passed = next
    next = Deferred.makeUnsafe<void>()
    Deferred.doneUnsafe(passed, Effect.void)
  }
  const dataVersion = () => prepare("pragma data_version").get()?.["data_version"]
  let seen = dataVersion()
  yield* Effect.sync(() => {
    const now = dataVersion()
    if (now === seen) return
    seen = now
    grow()
  }).pipe(Effect.repeat(Schedule.spaced(options.poll ?? Duration.millis(50))), Effect.forkScoped)

  return Sqlite.of({
    path: options.path,
    write: (run) =>
      attempt(() => {
        const result = transaction(db, () => run(prepare))
        grow()
        return result
      }).pipe(Effect.tapError((error) => (error.isRetryable ? Effect.void : Deferred.fail(broken, error)))),
    read: (run) => attempt(() => run(prepare)),
    version: Effect.sync(() => version),
    awaitPast: (past) => Effect.suspend(() => version > past ? Effect.void : Deferred.await(next)),
    failure: Deferred.await(broken)
  })
})

const open = (options: Options): DatabaseSync => {
  mkdirSync(dirname(options.path), { recursive: true })
  const db = new DatabaseSync(options.path, { timeout: 5_000 })
  db.exec(`
    pragma journal_mode = wal; pragma synchronous = ${options.synchronous ?? "FULL"};
    pragma foreign_keys = on; pragma journal_size_limit = 67108864;
  `)
  return db
}

const migrate = (db: DatabaseSync, path: string) => {
  const stored = () =>
    db.prepare("select name from sqlite_master where name = 'meta'").get() === undefined
      ? undefined
      : Number(db.prepare("select value from meta where key = 'schema'").get()?.["value"])
  const found = stored()
  if (found === undefined) {
    transaction(db, () => {
      if (stored() === undefined) db.exec(schema)
    })
  } else if (found > schemaVersion) {
    throw new Journal.JournalError({
      reason: "Newer",
      message: `The store ${path} was written by a newer Millwright (tables of version ${found}; this one knows ` +
        `${schemaVersion}). Upgrade @millwright/core, or use another store; nothing was changed.`
    })
  } else if (found !== schemaVersion) {
    throw new Journal.JournalError({
      reason: "Corrupt",
      message: `The store ${path} does not say which version its tables have. Restore it from a back-up or move it away.`
    })
  }
}

const transaction = <A>(db: DatabaseSync, run: () => A): A => {
  db.exec("begin immediate")
  try {
    const result = run()
    db.exec("commit")
    return result
  } catch (error) {
    // A failed commit may have rolled back by itself.
    if (db.isTransaction) db.exec("rollback")
    throw error
  }
}

const codes: Record<number, { readonly reason: Journal.JournalError["reason"]; readonly mend: string }> = {
  5: { reason: "Busy", mend: "Another process kept it locked for 5 s. Try again." },
  8: { reason: "NotWritable", mend: "The file is read-only for this user. Give write permission to it and to its folder." },
  10: { reason: "NotWritable", mend: "The device reports an input/output error. Check the disk." },
  11: { reason: "Corrupt", mend: "The file is damaged. Restore it from a back-up or move it away." },
  13: { reason: "NotWritable", mend: "The disk is full. Make room and run again; the last complete step is kept." },
  14: { reason: "NotWritable", mend: "The file can not be opened or made. Check that its folder exists and is writable." },
  26: { reason: "Corrupt", mend: "The file is not an SQLite database. Name another file or move it away." }
}

const toError = (path: string, cause: unknown): Journal.JournalError => {
  if (cause instanceof Journal.JournalError) return cause
  const code = typeof cause === "object" && cause !== null && "errcode" in cause ? Number(cause.errcode) & 0xff : -1
  const detail = cause instanceof Error ? cause.message : String(cause)
  const known = codes[code] ??
    { reason: "NotWritable" as const, mend: "Check that the path is a file on a disk with room, in a writable folder." }
  return new Journal.JournalError({
    reason: known.reason,
    message: `The store ${path} can not be used: ${detail}. ${known.mend}`,
    cause
  })
}

/**
 * A lock that the kernel gives back when the process dies, however it dies: an exclusive SQLite transaction on a file
 * of its own. Answers `undefined` when somebody alive holds it.
 */
export const tryLock = (path: string): { readonly release: () => void } | undefined => {
  mkdirSync(dirname(path), { recursive: true })
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    db.exec("begin exclusive")
    return { release: () => db.close() }
  } catch (error) {
    db.close()
    if (typeof error === "object" && error !== null && "errcode" in error && (Number(error.errcode) & 0xff) === 5) {
      return undefined
    }
    throw error
  }
}

/** Whether somebody alive holds the lock at `path`. */
export const isLocked = (path: string): boolean => {
  if (!existsSync(path)) return false
  const lock = tryLock(path)
  lock?.release()
  return lock === undefined
}
