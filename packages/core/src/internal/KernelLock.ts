/** Locks that the kernel gives back when their process dies: an exclusive SQLite transaction on a file of its own. */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as SqliteFailure from "./SqliteFailure.ts"

/** `SQLITE_IOERR_FSTAT`: whoever held the lock took its file away after it was opened here. */
const isTakenAway = (error: unknown): boolean => SqliteFailure.isSqliteError(error) && error.errcode === 1_802

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
    if (SqliteFailure.isBusy(error) || isTakenAway(error)) return undefined
    throw error
  }
}

/** Takes a lock under a name that nobody else takes. */
export const take = (path: string): { readonly release: () => void } => {
  while (true) {
    const lock = tryLock(path)
    // Whoever clears the locks of the dead may have taken this file for one between its making and its locking.
    if (lock !== undefined && existsSync(path)) return lock
    lock?.release()
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
    if (SqliteFailure.isBusy(error)) return true
    if (isTakenAway(error)) return false
    throw error
  } finally {
    db.close()
  }
}

/** The lock files in a folder; none when there is no such folder. */
export const list = (folder: string): ReadonlyArray<string> =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(".lock"))
        .map((name) => join(folder, name))
    : []

/**
 * Takes a lock file away when nobody alive holds it. It is held meanwhile, so whoever takes a lock has to look
 * afterwards whether its file is still there.
 */
export const clear = (path: string): boolean => {
  const lock = tryLock(path)
  if (lock === undefined) return false
  rmSync(path, { force: true })
  lock.release()
  rmSync(`${path}-journal`, { force: true })
  return true
}
