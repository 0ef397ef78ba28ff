/** A disk that can be full, for the data of a PostgreSQL that runs as nobody. */
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A small disk in a folder, when this user may mount one. */
export const make = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "small-disk-"))
    const { status } = spawnSync("mount", [
      "-t",
      "tmpfs",
      "-o",
      "size=24m,uid=65534,gid=65534,mode=700",
      "tmpfs",
      folder
    ])
    return { folder, isMounted: status === 0 }
  }),
  ({ folder, isMounted }) =>
    Effect.sync(() => {
      if (isMounted) spawnSync("umount", ["-l", folder])
      rmSync(folder, { recursive: true, force: true })
    })
)

/** Fills a disk, and answers with what makes room there again. */
export const fill = (folder: string) => {
  const ballast = openSync(join(folder, "ballast"), "a")
  try {
    // Others write there too, so what is free now may not be in a moment.
    while (writeSync(ballast, Buffer.alloc(4_096)) > 0);
  } catch (error) {
    if (Object(error).code !== "ENOSPC") throw error
  } finally {
    closeSync(ballast)
  }
  return () => rmSync(join(folder, "ballast"))
}
