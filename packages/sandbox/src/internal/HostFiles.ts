/** Files and git of the host, as those use them who make workspaces: every failure is one of a sandbox, and says what was done. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Git from "../Git.ts"
import { SandboxError } from "../Sandbox.ts"

/** Files and git of the host. */
export type HostFiles = Effect.Success<typeof make>

/** Takes them from the services of the host. */
export const make = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner

  const attempt = <A, R>(
    doing: string,
    effect: Effect.Effect<A, PlatformError, R>
  ): Effect.Effect<A, SandboxError, R> =>
    Effect.mapError(
      effect,
      (cause) =>
        new SandboxError({
          reason: "SetupFailed",
          message: `${doing} failed: ${cause.message}. Mend that and open the sandbox again.`,
          cause
        })
    )

  /** What is at a path, links not followed. */
  const kind = (file: string) =>
    Effect.map(Effect.option(fs.lstat(file)), (info) => (info._tag === "Some" ? info.value.type : undefined))

  const program = (command: string, args: ReadonlyArray<string>) =>
    Effect.orElseSucceed(
      spawner.exitCode(ChildProcess.make(command, args, { stdin: "ignore", stdout: "ignore", stderr: "ignore" })),
      () => 127
    )

  /** Removes a file, or a folder with everything in it, also where commands took the rights to enter it away. */
  const remove = (file: string): Effect.Effect<void, SandboxError> => {
    const attempted = fs.remove(file, { recursive: true, force: true })
    return Effect.catch(attempted, () =>
      Effect.andThen(program("chmod", ["-R", "u+rwX", "--", file]), attempt(`Removing ${file}`, attempted))
    )
  }

  const makeFolder = (folder: string) => attempt(`Making ${folder}`, fs.makeDirectory(folder, { recursive: true }))
  /** Writes a file anew: a link or a pipe in its place is removed, and never written to. */
  const write = (file: string, text: string) =>
    attempt(
      `Writing ${file}`,
      Effect.andThen(fs.remove(file, { force: true }), fs.writeFileString(file, text, { flag: "wx" }))
    )

  /** Writes a file so that it is there whole or not at all. */
  const replace = (file: string, text: string) =>
    Effect.andThen(write(`${file}~`, text), attempt(`Writing ${file}`, fs.rename(`${file}~`, file)))

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
    list: (folder: string) => Effect.orElseSucceed(fs.readDirectory(folder), (): Array<string> => []),
    read: (file: string) => Effect.orElseSucceed(fs.readFileString(file), () => undefined),
    rename: (from: string, to: string) => attempt(`Moving ${from} to ${to}`, fs.rename(from, to))
  }
})
