/** Files that get their name when they are whole and on the disk, and not before. */
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync } from "node:fs"
import { basename, dirname } from "node:path"
import type * as Journal from "../Journal.ts"
import * as KernelLock from "./KernelLock.ts"
import { toError } from "./SqliteFailure.ts"

/**
 * Gives a draft beside `to`, which is gone afterwards, whatever happens. Each has a lock, so that those of killed
 * processes can be told, and are taken away.
 */
export const within = <A, E>(
  to: string,
  use: (draft: string) => Effect.Effect<A, E>
): Effect.Effect<A, E | Journal.JournalError> =>
  Effect.acquireUseRelease(
    Effect.try({
      try: () => {
        mkdirSync(dirname(to), { recursive: true })
        for (const lock of KernelLock.list(dirname(to)).filter(isOf(to))) {
          if (KernelLock.clear(lock)) discard(draftOf(lock))
        }
        const lock = `${to}.${randomUUID()}.lock`
        return { lock, held: KernelLock.take(lock) }
      },
      catch: (cause) => toError(to, cause)
    }),
    ({ lock }) => use(draftOf(lock)),
    ({ held, lock }) =>
      Effect.sync(() => {
        discard(draftOf(lock))
        held.release()
        rmSync(lock, { force: true })
      })
  )

const id = /^\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.lock$/

/** Whether a lock is that of a draft of this file. */
const isOf = (to: string) => (lock: string) =>
  basename(lock).startsWith(basename(to)) && id.test(basename(lock).slice(basename(to).length))

const draftOf = (lock: string) => lock.replace(/lock$/, "partial")

/** Takes a draft away, with what SQLite puts beside it. */
export const discard = (draft: string): void => {
  for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(draft + end, { force: true })
}

/** Gives a file a second name: this one, or with the first number that is free. Replaces nothing. */
export const settle = (file: string, name: string): string => {
  for (let number = 1; ; number++) {
    const free = number === 1 ? name : `${name}-${number}`
    if (existsSync(free)) continue
    linkSync(file, free)
    return free
  }
}

/** Makes sure that a file is on the disk. */
export const flush = (path: string): void => flushAs(path, "r+")

/** Makes sure that the names in a folder are on the disk, where the system can do that. */
export const flushFolder = (path: string): void => {
  if (process.platform !== "win32") flushAs(path, "r")
}

const flushAs = (path: string, mode: "r" | "r+") => {
  const file = openSync(path, mode)
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
