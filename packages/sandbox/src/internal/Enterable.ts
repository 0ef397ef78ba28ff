/** Whether a folder of the host can be entered by who shall work in it. */
import * as Effect from "effect/Effect"
import { accessSync, constants, type Stats, statSync } from "node:fs"
import { dirname } from "node:path"
import { SandboxError } from "../Sandbox.ts"

/** Fails with `BadSpec` when this process can not enter a folder. */
export const byProcess = (folder: string): Effect.Effect<void, SandboxError> =>
  check(folder, () => accessSync(folder, constants.X_OK))

/**
 * Fails with `BadSpec` when commands can not enter a folder. They run as the user of this process, without what lets
 * root past the rights of others.
 */
export const byCommands = (folder: string): Effect.Effect<void, SandboxError> =>
  process.getuid?.() !== 0
    ? byProcess(folder)
    : check(folder, () => {
        if (!isOpen(statSync(folder))) throw new Error("its mode does not let them in")
      })

/** The folders on the way to one, outermost first. */
export const above = (folder: string): ReadonlyArray<string> => {
  const outer = dirname(folder)
  return outer === folder ? [] : [...above(outer), outer]
}

const isOpen = ({ gid, mode, uid }: Stats): boolean => {
  if (uid === 0) return (mode & 0o100) !== 0
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])]
  return (mode & (groups.includes(gid) ? 0o010 : 0o001)) !== 0
}

const check = (folder: string, look: () => void): Effect.Effect<void, SandboxError> =>
  Effect.try({ try: look, catch: (cause) => refused(folder, cause) })

const refused = (folder: string, cause: unknown): SandboxError => {
  const info = statSync(folder, { throwIfNoEntry: false })
  const whose = info && `, of user ${info.uid} and group ${info.gid} with mode ${(info.mode & 0o7777).toString(8)}`
  return new SandboxError({
    reason: "BadSpec",
    message: `Commands can not enter the folder ${JSON.stringify(folder)}${whose ?? ""}: they run as user ${process.getuid?.()}, with no more rights than its own. Give that user the right to enter it (chmod, chown), or take a folder of its own.`,
    cause
  })
}
