/** Makes the tables of a new store, and brings those of an older one forward: as one transaction, after a back-up. */
import { rmSync } from "node:fs"
import type { DatabaseSync } from "node:sqlite"
import * as DraftFile from "./DraftFile.ts"
import * as SqliteFailure from "./SqliteFailure.ts"
import * as StoreCheck from "./StoreCheck.ts"
import * as StoreTables from "./StoreTables.ts"

/**
 * Makes the tables of a new store. Pages of 8 KB hold results of 2 KB with less waste; pruning gives pages back in
 * steps. Both can be said of a new file only.
 */
export const create = (db: DatabaseSync, path: string): void => {
  db.exec("pragma page_size = 8192; pragma auto_vacuum = incremental; pragma journal_mode = wal")
  transaction(db, () => {
    if (StoreCheck.versionOf(db, path) === undefined) run(db, 0)
  })
}

/** Brings an older store forward, or leaves it as it was. Of several processes that try, one does it. */
export const bringForward = (db: DatabaseSync, path: string): void => {
  let copy: string | undefined
  try {
    transaction(db, () => {
      const found = StoreCheck.versionOf(db, path) ?? 0
      if (found === StoreTables.current) return
      copy = keepCopy(path, found)
      run(db, found)
    })
  } catch (error) {
    if (copy !== undefined) rmSync(copy, { force: true })
    throw error
  }
}

const run = (db: DatabaseSync, from: number) => {
  for (const version of StoreTables.versions.slice(from)) db.exec(version)
  db.prepare("insert or replace into meta values ('schema', ?)").run(String(StoreTables.current))
}

/** Whoever calls holds the lock for writing, so the copy is what will be changed, and nobody else makes it. */
const keepCopy = (path: string, version: number): string => {
  const draft = `${path}.v${version}.partial`
  DraftFile.discard(draft)
  const reader = StoreCheck.connect(path)
  try {
    reader.prepare("vacuum into ?").run(draft)
    DraftFile.flush(draft)
    return DraftFile.settle(draft, `${path}.v${version}.backup`)
  } catch (error) {
    throw SqliteFailure.toError(`${path} (its back-up ${draft})`, error)
  } finally {
    reader.close()
    DraftFile.discard(draft)
  }
}

const transaction = (db: DatabaseSync, run: () => void): void => {
  db.exec("begin immediate")
  try {
    run()
    db.exec("commit")
  } catch (error) {
    // A failed commit may have rolled back by itself.
    if (db.isTransaction) db.exec("rollback")
    throw error
  }
}
