/**
 * **Back-up** of a store while it is used, and its way back. A back-up is one file, checked before it gets its name; it
 * is a store itself, and opens like any other.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { existsSync, linkSync, renameSync, rmSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { backup, type DatabaseSync } from "node:sqlite"
import * as Fault from "./Fault.ts"
import * as DraftFile from "./internal/DraftFile.ts"
import { toError } from "./internal/SqliteFailure.ts"
import * as StoreCheck from "./internal/StoreCheck.ts"
import * as StoreFile from "./internal/StoreFile.ts"
import * as WriteAheadLog from "./internal/WriteAheadLog.ts"
import type * as Journal from "./Journal.ts"

/** A back-up that can not be made or brought back. A file that can not be read or written is a `JournalError`. */
export class BackupError extends Fault.Class<BackupError>()("BackupError", {
  /** There is a file of that name already. */
  Exists: false,
  /** There is no store at that path. */
  NoSuchStore: false,
  /** A living process has the store open that would be replaced. */
  InUse: true
}) {}

/** How a back-up is made. */
export interface Options {
  /** Is told how many pages are copied, of how many, about every two megabytes. */
  readonly onProgress?: (progress: { readonly done: number; readonly of: number }) => void
}

/** A back-up that was made. `bytes` is the size of the file. */
export interface Made {
  readonly path: string
  readonly bytes: number
}

/** A store that was brought back. `kept` is where the store is that it replaced, `undefined` when there was none. */
export interface Restored {
  readonly path: string
  readonly kept: string | undefined
}

const pagesPerStep = 256

/**
 * Copies a store as it is at this moment, while lines run on it and write. The file `to` is there when it is whole and
 * on the disk, and not before; an interrupted back-up leaves nothing. It never replaces a file.
 */
export const make = (
  from: string | { readonly path: string },
  to: string,
  options: Options = {}
): Effect.Effect<Made, BackupError | Journal.JournalError> =>
  Effect.gen(function* () {
    const source = typeof from === "string" ? from : from.path
    yield* Effect.suspend(() => (existsSync(to) ? exists(to) : Effect.void))
    yield* DraftFile.within(to, (draft) =>
      Effect.gen(function* () {
        yield* copy(source, draft, options)
        // Of two back-ups to one name, the first to be whole gets it.
        yield* attempt(to, () => linkSync(draft, to)).pipe(
          Effect.catchIf(
            () => existsSync(to),
            () => exists(to)
          )
        )
        yield* attempt(to, () => DraftFile.flushFolder(dirname(to)))
      })
    )
    return { path: to, bytes: yield* attempt(to, () => statSync(to).size) }
  })

/**
 * Puts a store in the place of another: a back-up, or any file that is a store of this version or an older one. What it
 * replaces stays beside it. Refuses while anybody has the store open. Lines that were under way when the back-up was
 * made go on from there, so what they did outside since then may be done again.
 */
export const restore = (
  from: string,
  to: string,
  options: Options = {}
): Effect.Effect<Restored, BackupError | Journal.JournalError> =>
  DraftFile.within(to, (draft) =>
    Effect.gen(function* () {
      yield* copy(from, draft, options)
      if (StoreFile.isRun(to)) return yield* inUse(to)
      return yield* Effect.acquireUseRelease(
        hold(to),
        () =>
          attempt(to, () => {
            // The name stands for one of the two at any moment, also when this process is killed in between.
            const kept = existsSync(to) ? DraftFile.settle(to, `${to}.replaced`) : undefined
            // A log is read with the file that it was written for, and with no other.
            if (existsSync(`${to}-wal`)) {
              DraftFile.settle(`${to}-wal`, `${kept ?? `${to}.replaced`}-wal`)
              rmSync(`${to}-wal`)
            }
            rmSync(`${to}-shm`, { force: true })
            renameSync(draft, to)
            DraftFile.flushFolder(dirname(to))
            return { path: to, kept }
          }),
        (held) => Effect.sync(() => held?.close())
      )
    })
  )

/** Copies a store to a file that nobody knows yet, looks through it, and makes sure that it is on the disk. */
const copy = (source: string, draft: string, options: Options) =>
  Effect.gen(function* () {
    if (!existsSync(source)) {
      return yield* new BackupError({
        reason: "NoSuchStore",
        message: `There is no store at ${source}. Check the path; nothing was made.`
      })
    }
    yield* Effect.acquireUseRelease(
      attempt(source, () => snapshot(source)),
      (db) =>
        Effect.callback<void, Journal.JournalError>((resume, signal) => {
          const copied = backup(db, draft, {
            rate: pagesPerStep,
            progress: ({ remainingPages, totalPages }) => {
              // What the callback throws ends the copying; there is no other way to end it.
              if (signal.aborted) throw new Error("interrupted")
              options.onProgress?.({ done: totalPages - remainingPages, of: totalPages })
            }
          }).then(
            () => resume(Effect.void),
            (cause) => resume(Effect.fail(toError(draft, cause)))
          )
          // The connection must not be closed under it.
          return Effect.promise(() => copied)
        }),
      (db) => Effect.sync(() => db.close())
    )
    yield* attempt(draft, () => {
      const db = StoreCheck.connect(draft)
      try {
        StoreCheck.refuseDamaged(db, source, "full")
        // A single file, which can be opened where nothing can be written.
        db.exec("pragma journal_mode = delete")
      } finally {
        db.close()
      }
      DraftFile.flush(draft)
    })
  })

/** A connection that sees the store as it is now, whatever is written meanwhile. */
const snapshot = (source: string): DatabaseSync => {
  StoreFile.refuseDamagedLog(source)
  const db = StoreCheck.connect(source)
  try {
    db.exec("begin")
    if (StoreCheck.versionOf(db, source) === undefined) throw new Error(`The file ${source} is no store: it is empty`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/**
 * Holds a store so that nobody can open it: only the last connection can make it a single file without a log. What
 * nobody can open, because it is damaged, is not held, and stays as it is.
 */
const hold = Effect.fnUntraced(function* (path: string) {
  if (!existsSync(path) || WriteAheadLog.damage(`${path}-wal`) !== undefined) return undefined
  const held = yield* Effect.result(attempt(path, () => alone(path)))
  if (Result.isSuccess(held)) return held.success
  if (held.failure.reason === "Corrupt") return undefined
  return yield* held.failure.reason === "Busy" ? inUse(path) : Effect.fail(held.failure)
})

const alone = (path: string): DatabaseSync => {
  const db = StoreCheck.connect(path)
  try {
    db.exec("pragma journal_mode = delete; begin exclusive")
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

const attempt = <A>(path: string, run: () => A) => Effect.try({ try: run, catch: (cause) => toError(path, cause) })

const exists = (to: string) =>
  Effect.fail(
    new BackupError({
      reason: "Exists",
      message: `There is a file ${to} already. Name another one; it was not changed.`
    })
  )

const inUse = (to: string) =>
  Effect.fail(
    new BackupError({
      reason: "InUse",
      message: `The store ${to} is open in a living process. End it and try again; nothing was changed.`
    })
  )
