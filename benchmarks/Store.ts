/** A **store** for one measurement: a file on the disk of this checkout, and raw SQLite beside ours. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { root } from "../scripts/Command.ts"

/** Gives a path in a new folder, and takes the folder away after. Not in the temporary folder: that may be memory. */
export const inFolder = async <A>(work: (path: string) => Promise<A>): Promise<A> => {
  const parent = join(root, ".millwright")
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, "bench-"))
  try {
    return await work(join(folder, "bench.db"))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Opens raw SQLite with the settings of core's store. */
export const open = (path: string, synchronous: "FULL" | "NORMAL"): DatabaseSync => {
  const db = new DatabaseSync(path)
  db.exec(`pragma journal_mode = wal; pragma synchronous = ${synchronous}; pragma journal_size_limit = 67108864`)
  return db
}
