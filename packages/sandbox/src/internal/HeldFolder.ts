/**
 * Temporary folders whose name says whose they are, so that those of a process that was killed can be told from those of one that
 * lives. Their names are short: a socket can be in them.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import { lstatSync, readdirSync, readlinkSync, rmSync } from "node:fs"
import { join } from "node:path"
import * as HostProcesses from "./HostProcesses.ts"

/** Begins them all. */
const prefix = "mw-"

const short = (number: string | number): string => Number(number).toString(36)

/** The space of processes that this one is in, as a number. None where the system tells of none. */
const space = (): number => {
  try {
    return Number(readlinkSync("/proc/self/ns/pid").replace(/\D/g, ""))
  } catch {
    return 0
  }
}

const ownerOf = (pid: number): string => [space(), pid, HostProcesses.startOf(pid) ?? 0].map(short).join(".")

const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    // Another user's lives as well.
    return cause instanceof Error && "code" in cause && cause.code === "EPERM"
  }
}

/** Whether it can be seen from here that the process is gone: one of another space never is. */
const isDead = (owner: string): boolean => {
  const pid = Number.parseInt(owner.split(".")[1] ?? "", 36)
  if (!(pid > 0) || !owner.startsWith(`${short(space())}.`)) return false
  return !isThere(pid) || owner !== ownerOf(pid)
}

/** Makes one in a folder, until the scope closes. `kind` is a word of its name, and may be empty. */
export const make = (
  fs: FileSystem.FileSystem,
  { directory, kind }: { readonly directory: string; readonly kind: string }
) => fs.makeTempDirectoryScoped({ directory, prefix: `${prefix}${kind}${ownerOf(process.pid)}-` })

/** Removes those in a folder whose owner is dead, and that are this user's. */
export const sweep = (directory: string): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const name of list(directory)) {
      const owner = /^mw-(?:[a-z]+-)?([0-9a-z]+\.[0-9a-z]+\.[0-9a-z]+)-[^/]+$/.exec(name)?.[1]
      if (owner === undefined || !isDead(owner)) continue
      const path = join(directory, name)
      try {
        const found = lstatSync(path)
        if (found.isDirectory() && found.uid === process.getuid?.()) rmSync(path, { recursive: true, force: true })
      } catch {
        // Another one that starts removes it at the same time, or cannot be kept from it.
      }
    }
  })

const list = (directory: string): ReadonlyArray<string> => {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
