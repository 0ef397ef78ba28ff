/**
 * The file of a store: opening it, telling a store from what is none, its version, and whether it is whole. It looks
 * before it changes anything, so that a file that is refused stays as it was.
 */
import { existsSync, mkdirSync, statSync } from "node:fs"
import { dirname } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import * as Journal from "../Journal.ts"
import * as KernelLock from "./KernelLock.ts"
import * as StoreCheck from "./StoreCheck.ts"
import * as StoreMigration from "./StoreMigration.ts"
import * as StoreTables from "./StoreTables.ts"
import * as WriteAheadLog from "./WriteAheadLog.ts"

/** What is needed to open the file. */
export interface Options {
  readonly path: string
  readonly synchronous?: "FULL" | "NORMAL"
  readonly check?: StoreCheck.Check
}

/** Where the locks of a store's runners are. */
export const runnersOf = (path: string): string => `${path}-runners`

/** Whether a living process runs lines on a store. */
export const isRun = (path: string): boolean => KernelLock.list(runnersOf(path)).some(KernelLock.isLocked)

/**
 * Opens a store: makes its tables when it is new, brings it forward when it is older, refuses it when it is newer,
 * damaged or something else. Throws `JournalError` or what SQLite throws; may be tried again.
 */
export const open = (options: Options): DatabaseSync => {
  const { path } = options
  mkdirSync(dirname(path), { recursive: true })
  const check = options.check ?? (wasCut(path) ? "full" : "none")
  // Opening alone may change the log, so it is looked at before.
  if (check !== "none") refuseDamagedLog(path)
  const file = identity(path)
  const found = file === undefined ? undefined : look(path, check)
  const db = StoreCheck.connect(path)
  try {
    if (found === undefined) StoreMigration.create(db, path)
    else if (found < StoreTables.current) {
      refuseRun(path)
      StoreMigration.bringForward(db, path)
    }
    db.exec(`
      pragma journal_mode = wal; pragma synchronous = ${options.synchronous ?? "FULL"};
      pragma foreign_keys = on; pragma journal_size_limit = 67108864;
    `)
    if (file !== undefined && identity(path) !== file) throw replaced(path)
    // What a killed process left. The check is done, so nobody needs to know any more that there was one.
    for (const lock of KernelLock.list(runnersOf(path))) KernelLock.clear(lock)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** The version of a store that is whole. Where there is a log, the last one who may write brings it into the file. */
const look = (path: string, check: StoreCheck.Check): number | undefined => {
  const db = StoreCheck.connect(path, { readOnly: existsSync(`${path}-wal`) })
  try {
    const found = StoreCheck.versionOf(db, path)
    if (found === undefined) return undefined
    StoreCheck.refuseDamaged(db, path, found < StoreTables.current ? "full" : check)
    return found
  } finally {
    db.close()
  }
}

/** Which file a name stands for: a restored store has the name of the one that it replaced. */
const identity = (path: string): bigint | undefined => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino

const replaced = (path: string) =>
  new Journal.JournalError({
    reason: "Busy",
    message: `The store ${path} was replaced while it was being opened. Try again.`
  })

/** Old code that goes on writing to new tables would not find there what new code wrote. */
const refuseRun = (path: string) => {
  if (!isRun(path)) return
  throw new Journal.JournalError({
    reason: "Busy",
    message:
      `The store ${path} has older tables, and a process of an older Millwright runs lines on it. End that process and ` +
      `try again; nothing was changed.`
  })
}

/** Whether whoever had the store last did not close it: a log or the lock of a runner is there, and nobody alive. */
const wasCut = (path: string): boolean => {
  const locks = KernelLock.list(runnersOf(path))
  if (locks.some(KernelLock.isLocked)) return false
  return locks.length > 0 || WriteAheadLog.size(`${path}-wal`) > 0
}

/** Fails for a log with damage that commits follow. What a living process writes to is not looked at. */
export const refuseDamagedLog = (path: string): void => {
  if (isRun(path)) return
  const damage = WriteAheadLog.damage(`${path}-wal`)
  if (damage === undefined) return
  throw new Journal.JournalError({
    reason: "Corrupt",
    message:
      `The log ${path}-wal is damaged: ${damage}. Nothing was changed. Restore the store from a back-up; or copy both ` +
      `files elsewhere and open the store with check: "none", which goes on from the last commit before the damage.`
  })
}
