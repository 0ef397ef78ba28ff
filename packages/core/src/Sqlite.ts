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
import * as GroupCommit from "./internal/GroupCommit.ts"
import * as Topics from "./internal/Topics.ts"
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
  /**
   * How often another process's writes are looked for. Default 50 ms. In a store where nothing happens it is five times
   * as long: what wakes an execution is told to its process at once.
   */
  readonly poll?: Duration.Input
}

/** An open store. */
export class Sqlite extends Context.Service<
  Sqlite,
  {
    readonly path: string
    /**
     * Runs statements as one transaction, all or nothing. Writes of one turn of the event loop share a commit; the answer
     * comes when it is on the disk.
     */
    readonly write: <A>(run: (prepare: Prepare) => A) => Effect.Effect<A, Journal.JournalError>
    readonly read: <A>(run: (prepare: Prepare) => A) => Effect.Effect<A, Journal.JournalError>
    /** Says inside of a `write` what it changes, for those who wait for that. */
    readonly touch: (topic: string) => void
    /**
     * Waits until a look finds something. It looks at once, after each change of the topic, and after every change of
     * another process. Whoever has seen all there was at a `version` need not look again at once.
     */
    readonly until: <A>(
      topic: string,
      look: (prepare: Prepare, version: number) => A | undefined,
      seen?: number
    ) => Effect.Effect<A, Journal.JournalError>
    /** Looks now whether another process wrote, and not only at the next poll. */
    readonly refresh: Effect.Effect<void>
    /** Grows with every change, of this process or of another. Read it before you look, then wait for it to grow. */
    readonly version: Effect.Effect<number>
    readonly awaitPast: (version: number) => Effect.Effect<void>
    /** Fails when something could not be written, for whoever waits for what will now not come. */
    readonly failure: Effect.Effect<never, Journal.JournalError>
  }
>()("@millwright/core/Sqlite") {}

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

const make = Effect.fnUntraced(function* (options: Options) {
  const attempt = <A>(run: () => A) => Effect.try({ try: run, catch: (cause) => toError(options.path, cause) })
  const db = yield* Effect.acquireRelease(
    attempt(() => open(options)),
    (db) => Effect.sync(() => db.close())
  )
  yield* Effect.retry(
    attempt(() => prepareStore(db, options)),
    patience
  )

  const statements = new Map<string, StatementSync>()
  const prepare: Prepare = (sql) => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = db.prepare(sql)
    statements.set(sql, statement)
    return statement
  }

  const topics = Topics.make()
  let touched = new Set<string>()
  const group = GroupCommit.make(db, {
    // What was written is told to all who wait, also when whoever wrote it is being interrupted.
    committed: () => {
      if (isBroken) broken = Deferred.makeUnsafe()
      isBroken = false
      grow()
      const changed = touched
      touched = new Set()
      topics.change(changed)
    },
    isBusy
  })
  yield* Effect.addFinalizer(() => Effect.sync(group.flush))
  let broken = Deferred.makeUnsafe<never, Journal.JournalError>()
  let isBroken = false
  let version = 0
  let next = Deferred.makeUnsafe<void>()
  const grow = () => {
    version++
    const passed = next
    next = Deferred.makeUnsafe<void>()
    Deferred.doneUnsafe(passed, Effect.void)
  }
  const fail = (error: Journal.JournalError) =>
    Effect.suspend(() => {
      isBroken = true
      return Deferred.fail(broken, error)
    })
  const dataVersion = () => prepare("pragma data_version").get()?.["data_version"]
  let seen = dataVersion()
  const refresh = Effect.sync(() => {
    const now = dataVersion()
    if (now === seen) return
    seen = now
    grow()
    topics.changeAll()
  })
  const poll = Duration.toMillis(Duration.fromInputUnsafe(options.poll ?? 50))
  yield* Effect.gen(function* () {
    let quiet = 0
    while (true) {
      const before = version
      yield* Effect.sleep(quiet < patienceInQuiet ? poll : poll * 5)
      yield* refresh
      quiet = version === before ? quiet + 1 : 0
    }
  }).pipe(Effect.forkScoped)

  return Sqlite.of({
    path: options.path,
    write: (run) =>
      Effect.catch(
        group.write(() => run(prepare)),
        (cause) => {
          const error = toError(options.path, cause)
          // A fact that does not fit its schema breaks nothing but itself.
          return isSqliteError(error.cause) ? Effect.andThen(fail(error), Effect.fail(error)) : Effect.fail(error)
        }
      ),
    read: (run) => attempt(() => run(prepare)),
    touch: (topic) => void touched.add(topic),
    until: (topic, look, seen) =>
      Effect.callback((resume) => {
        const isFound = () => {
          try {
            const found = look(prepare, version)
            if (found === undefined) return false
            resume(Effect.succeed(found))
          } catch (cause) {
            resume(Effect.fail(toError(options.path, cause)))
          }
          return true
        }
        return seen !== version && isFound() ? undefined : Effect.sync(topics.listen(topic, isFound))
      }),
    refresh,
    version: Effect.sync(() => version),
    awaitPast: (past) => Effect.suspend(() => (version > past ? Effect.void : Deferred.await(next))),
    failure: Effect.suspend(() => Deferred.await(broken))
  })
})

const open = (options: Options): DatabaseSync => {
  mkdirSync(dirname(options.path), { recursive: true })
  return new DatabaseSync(options.path, { timeout: 1_000 })
}

/** After so many looks in which nothing had changed, it is quiet. */
const patienceInQuiet = 20

/** A store that is locked is tried again for half a minute: a run that gave up would stand still. */
const patience = {
  while: (error: Journal.JournalError) => error.isRetryable,
  schedule: Schedule.spaced(Duration.millis(50)),
  times: 25
}

/** Looks before it changes anything, so that a store that is refused stays as it was. */
const prepareStore = (db: DatabaseSync, options: Options) => {
  const isEmpty = checkVersion(db, options.path) === undefined
  db.exec(`
    pragma journal_mode = wal; pragma synchronous = ${options.synchronous ?? "FULL"};
    pragma foreign_keys = on; pragma journal_size_limit = 67108864;
  `)
  if (!isEmpty) return
  transaction(db, () => {
    if (checkVersion(db, options.path) === undefined) db.exec(schema)
  })
}

/** The version of the store's tables, `undefined` for a new file. Fails for what is no store of this package. */
const checkVersion = (db: DatabaseSync, path: string): number | undefined => {
  const tables = db
    .prepare("select name from sqlite_master")
    .all()
    .map(({ name }) => String(name))
  if (tables.length === 0) return undefined
  if (!["meta", "journal", "executions"].every((table) => tables.includes(table))) {
    throw new Journal.JournalError({
      reason: "Corrupt",
      message: `The file ${path} is a database of something else. Name another file; nothing was changed.`
    })
  }
  const found = Number(db.prepare("select value from meta where key = 'schema'").get()?.["value"])
  if (found > schemaVersion) {
    throw new Journal.JournalError({
      reason: "Newer",
      message:
        `The store ${path} was written by a newer Millwright (tables of version ${found}; this one knows ` +
        `${schemaVersion}). Upgrade @millwright/core, or use another store; nothing was changed.`
    })
  }
  if (found !== schemaVersion) {
    throw new Journal.JournalError({
      reason: "Corrupt",
      message: `The store ${path} does not say which version its tables have. Restore it from a back-up or move it away.`
    })
  }
  return found
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
  1: { reason: "Corrupt", mend: "Its tables are not those of a store. Restore it from a back-up or move it away." },
  5: { reason: "Busy", mend: "Another process keeps it locked. End that process, or try again." },
  8: {
    reason: "NotWritable",
    mend: "The file is read-only for this user. Give write permission to it and to its folder."
  },
  10: { reason: "NotWritable", mend: "The device reports an input/output error. Check the disk." },
  11: { reason: "Corrupt", mend: "The file is damaged. Restore it from a back-up or move it away." },
  13: { reason: "NotWritable", mend: "The disk is full. Make room and run again; the last complete step is kept." },
  14: {
    reason: "NotWritable",
    mend: "The file can not be opened or made. Check that its folder exists and is writable."
  },
  26: { reason: "Corrupt", mend: "The file is not an SQLite database. Name another file or move it away." }
}

const isSqliteError = (cause: unknown): cause is { readonly errcode: number } =>
  typeof cause === "object" && cause !== null && "errcode" in cause && typeof cause.errcode === "number"

const toError = (path: string, cause: unknown): Journal.JournalError => {
  if (cause instanceof Journal.JournalError) return cause
  const code = isSqliteError(cause) ? cause.errcode & 0xff : -1
  const detail = cause instanceof Error ? cause.message : String(cause)
  const known = codes[code] ?? {
    reason: "NotWritable" as const,
    mend: "Check that the path is a file on a disk with room, in a writable folder."
  }
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
    if (isBusy(error)) return undefined
    throw error
  }
}

/** Whether somebody alive holds the lock at `path`. It only reads, so that two who ask at once do not see each other. */
export const isLocked = (path: string): boolean => {
  if (!existsSync(path)) return false
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    db.prepare("select name from sqlite_master").get()
    return false
  } catch (error) {
    if (isBusy(error)) return true
    throw error
  } finally {
    db.close()
  }
}

const isBusy = (error: unknown): boolean => isSqliteError(error) && (error.errcode & 0xff) === 5
