/** Tells a store from what is none, which version its tables have, and whether it is whole. Changes nothing. */
import { DatabaseSync } from "node:sqlite"
import * as Journal from "../Journal.ts"
import * as StoreTables from "./StoreTables.ts"

/** How thoroughly a store is looked through. */
export type Check = "quick" | "full" | "none"

/** A connection that waits a second for a lock before it fails. */
export const connect = (path: string, options: { readonly readOnly?: boolean } = {}): DatabaseSync =>
  new DatabaseSync(path, { ...options, timeout: 1_000 })

/** Fails for a store that is not whole. */
export const refuseDamaged = (db: DatabaseSync, path: string, check: Check): void => {
  if (check === "none") return
  const pragma = check === "full" ? "integrity_check" : "quick_check"
  const found = db.prepare(`pragma ${pragma}(1)`).get()?.[pragma]
  if (found === "ok") return
  throw new Journal.JournalError({
    reason: "Corrupt",
    message:
      `The store ${path} is damaged: ${String(found).replaceAll("\n", " ")}. Nothing was changed. Restore it from a ` +
      `back-up, or move it away.`
  })
}

/** The version of the store's tables, `undefined` for a new file. Fails for what is no store of this package. */
export const versionOf = (db: DatabaseSync, path: string): number | undefined => {
  const tables = db
    .prepare("select name from sqlite_master")
    .all()
    .map(({ name }) => String(name))
  if (tables.length === 0) return undefined
  if (!StoreTables.landmarks.every((table) => tables.includes(table))) {
    throw new Journal.JournalError({
      reason: "Corrupt",
      message: `The file ${path} is a database of something else. Name another file; nothing was changed.`
    })
  }
  const found = Number(db.prepare("select value from meta where key = 'schema'").get()?.["value"])
  if (found > StoreTables.current) {
    throw new Journal.JournalError({
      reason: "Newer",
      message:
        `The store ${path} was written by a newer Millwright (tables of version ${found}; this one knows ` +
        `${StoreTables.current}). Upgrade @millwright/core, or use another store; nothing was changed.`
    })
  }
  if (!Number.isInteger(found) || found < 1) {
    throw new Journal.JournalError({
      reason: "Corrupt",
      message: `The store ${path} does not say which version its tables have. Restore it from a back-up or move it away.`
    })
  }
  return found
}
