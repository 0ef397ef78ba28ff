/**
 * Files and git of the host, as those use them who make workspaces: every failure is one of a sandbox, and says what was done.
 *
 * An opening looks at a hundred small files of this machine. Each is asked for by a plain call, which takes microseconds:
 * handing it over to another thread, as Effect's file system does, takes ten times as long, and the processor with it.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync
} from "node:fs"
import * as Git from "../Git.ts"
import { SandboxError } from "../Sandbox.ts"

/** Files and git of the host. */
export type HostFiles = Effect.Success<typeof make>

/** Takes them from the services of the host. */
export const make = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner

  const attempt = <A, R>(doing: string, effect: Effect.Effect<A, Error, R>): Effect.Effect<A, SandboxError, R> =>
    Effect.mapError(effect, (cause) => failed(doing, cause))

  /** What is at a path, links not followed. */
  const kind = (file: string) => Effect.sync(() => kindOf(file))

  const program = (command: string, args: ReadonlyArray<string>) =>
    Effect.orElseSucceed(
      spawner.exitCode(ChildProcess.make(command, args, { stdin: "ignore", stdout: "ignore", stderr: "ignore" })),
      () => 127
    )

  /** Removes a file, or a folder with everything in it, also where commands took the rights to enter it away. */
  const remove = (file: string): Effect.Effect<void, SandboxError> => {
    const attempted = fs.remove(file, { recursive: true, force: true })
    const anyway = Effect.catch(attempted, () =>
      Effect.andThen(program("chmod", ["-R", "u+rwX", "--", file]), attempt(`Removing ${file}`, attempted))
    )
    return Effect.suspend(() => (isGone(file) ? Effect.void : anyway))
  }

  const makeFolder = (folder: string) => now(`Making ${folder}`, () => void mkdirSync(folder, { recursive: true }))
  /** Writes a file anew: a link or a pipe in its place is removed, and never written to. */
  const write = (file: string, text: string) =>
    now(`Writing ${file}`, () => {
      if (!isGone(file)) rmSync(file, { force: true })
      writeFileSync(file, text, { flag: "wx" })
    })

  /** Writes a file so that it is there whole or not at all. */
  const replace = (file: string, text: string) => Effect.andThen(write(`${file}~`, text), rename(`${file}~`, file))

  return {
    fs,
    path,
    spawner,
    git: Git.make(spawner),
    attempt,
    kind,
    program,
    remove,
    makeFolder,
    write,
    replace,
    exists: (file: string) => Effect.map(kind(file), (is) => is !== undefined),
    list: (folder: string) => Effect.sync(() => namesIn(folder)),
    /** None where there is no file, or one of more bytes. */
    read: (file: string, most = Infinity) => Effect.sync(() => textOf(file, most)),
    rename,
    real: (file: string) => Effect.try({ try: () => realpathSync.native(file), catch: asError })
  }
})

const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)))

const failed = (doing: string, cause: Error) =>
  new SandboxError({
    reason: "SetupFailed",
    message: `${doing} failed: ${cause.message}. Mend that and open the sandbox again.`,
    cause
  })

const now = <A>(doing: string, run: () => A): Effect.Effect<A, SandboxError> =>
  Effect.try({ try: run, catch: (cause) => failed(doing, asError(cause)) })

const rename = (from: string, to: string) => now(`Moving ${from} to ${to}`, () => renameSync(from, to))

const typeOf = (info: Stats): FileSystem.File.Type => {
  if (info.isFile()) return "File"
  if (info.isDirectory()) return "Directory"
  if (info.isSymbolicLink()) return "SymbolicLink"
  if (info.isFIFO()) return "FIFO"
  if (info.isSocket()) return "Socket"
  return info.isBlockDevice() ? "BlockDevice" : info.isCharacterDevice() ? "CharacterDevice" : "Unknown"
}

const kindOf = (file: string): FileSystem.File.Type | undefined => {
  try {
    const info = lstatSync(file, { throwIfNoEntry: false })
    return info && typeOf(info)
  } catch {
    return undefined
  }
}

/** Whether it is certain that nothing is there. */
const isGone = (file: string): boolean => {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

const namesIn = (folder: string): ReadonlyArray<string> => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

// A pipe that somebody has put there is not waited for.
const textOf = (file: string, most: number): string | undefined => {
  try {
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const info = fstatSync(descriptor)
      return info.isFile() && info.size <= most ? readFileSync(descriptor, "utf8") : undefined
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return undefined
  }
}
