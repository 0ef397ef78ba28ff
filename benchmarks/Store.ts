/** A **store** for one measurement: a file on the disk of this checkout, and raw SQLite beside ours. */
import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { root } from "../scripts/Command.ts"
import * as Cleanup from "./Cleanup.ts"

/** Gives a path in a new folder, and takes the folder away after. Not in the temporary folder: that may be memory. */
export const inFolder = async <A>(work: (path: string) => Promise<A>): Promise<A> => {
  const parent = join(root, ".millwright")
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, "bench-"))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const forget = Cleanup.add(remove)
  try {
    return await work(join(folder, "bench.db"))
  } finally {
    forget()
    remove()
  }
}

/** The bytes of all files of a folder. */
export const sizeOf = (folder: string): number =>
  globSync("**/*", { cwd: folder })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, found) => sum + (found.isFile() ? found.size : 0), 0)

/** The bytes of a store, which may be in use, when what is in its log is in its file: of a copy that is closed. */
export const settledSize = (path: string): number => {
  const copy = `${path}-copy`
  for (const suffix of ["", "-wal"]) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix)
  const db = new DatabaseSync(copy)
  db.exec("pragma wal_checkpoint(truncate)")
  db.close()
  const { size } = statSync(copy)
  rmSync(copy)
  return size
}

/** Opens raw SQLite with the settings of core's store. */
export const open = (path: string, synchronous: "FULL" | "NORMAL"): DatabaseSync => {
  const db = new DatabaseSync(path)
  db.exec(`pragma journal_mode = wal; pragma synchronous = ${synchronous}; pragma journal_size_limit = 67108864`)
  return db
}
