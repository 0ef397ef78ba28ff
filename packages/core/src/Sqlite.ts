/**
 * The SQLite seam: one file that holds the journal and the engine's own tables, so that a stage's result and its facts
 * are written in one transaction. With the files of the store in `internal/`, the only ones of the package that touch
 * `node:sqlite`.
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
import type { StatementSync } from "node:sqlite"
import * as GroupCommit from "./internal/GroupCommit.ts"
import * as Topics from "./internal/Topics.ts"
import { isBusy, isSqliteError, toError } from "./internal/SqliteFailure.ts"
import * as StoreFile from "./internal/StoreFile.ts"
import * as StoreTables from "./internal/StoreTables.ts"
import type * as Journal from "./Journal.ts"

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
  /**
   * Looks through the whole file when it is opened: `full` also compares tables with their indexes. By default that is
   * done when whoever had the store last did not close it, and before an older store is brought forward. `none` also
   * opens a store whose log is damaged, and goes on from the last commit before the damage.
   */
  readonly check?: "quick" | "full" | "none"
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
export const schemaVersion: number = StoreTables.current

export {
  /**
   * Whether somebody alive holds the lock at a path. It only reads, so that two who ask at once do not see each other.
   */
  isLocked,
  /** A lock that the kernel gives back when the process dies; `undefined` when somebody alive holds it. */
  tryLock
} from "./internal/KernelLock.ts"

/**
 * Opens a store: makes its tables when it is new, brings them forward when it is older (after a back-up beside it), and
 * refuses it when it is newer or damaged.
 */
export const layer = (options: Options): Layer.Layer<Sqlite, Journal.JournalError> =>
  Layer.effect(Sqlite, make(options))

const make = Effect.fnUntraced(function* (options: Options) {
  const attempt = <A>(run: () => A) => Effect.try({ try: run, catch: (cause) => toError(options.path, cause) })
  const db = yield* Effect.acquireRelease(
    Effect.retry(
      attempt(() => StoreFile.open(options)),
      patience
    ),
    (db) => Effect.sync(() => db.close()),
    { interruptible: true }
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

/** After so many looks in which nothing had changed, it is quiet. */
const patienceInQuiet = 20

/** A store that is locked is tried again for half a minute: a run that gave up would stand still. */
const patience = {
  while: (error: Journal.JournalError) => error.isRetryable,
  schedule: Schedule.spaced(Duration.millis(50)),
  times: 25
}
