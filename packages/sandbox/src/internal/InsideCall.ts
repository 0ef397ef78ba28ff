/**
 * Commands of ours that run inside, on what hostile commands have left there: bounded in time and output, with every value
 * an argument and none a part of a script, and with nothing of git's that a repository can name a program with.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { PlatformError } from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { SandboxError } from "../Sandbox.ts"

/** What spawns inside. */
export type Inside = ChildProcessSpawner["Service"]

/** A command inside. */
export interface Call {
  /** Says in errors what was done. */
  readonly doing: string
  readonly directory: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly stdin?: Stream.Stream<Uint8Array, PlatformError>
  /** In milliseconds. */
  readonly timeout?: number
}

/** What a command inside answered. Texts are trimmed and cut. */
export interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const usual = 120_000
/** Nothing that is asked inside has a longer answer, in bytes. */
const longest = 65_536

const config = {
  "core.hooksPath": "/dev/null",
  "core.fsmonitor": "false",
  "submodule.recurse": "false",
  "checkout.workers": "0",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "advice.detachedHead": "false"
}

const environment = (directory: string): Record<string, string> => ({
  // Named, git does not look for them: not in what lies around the workspace when its own is broken.
  GIT_DIR: `${directory}/.git`,
  GIT_WORK_TREE: directory,
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_GRAFT_FILE: "/nonexistent/grafts",
  GIT_TERMINAL_PROMPT: "0",
  LC_ALL: "C",
  GIT_CONFIG_COUNT: String(Object.keys(config).length),
  ...Object.fromEntries(
    Object.entries(config).flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, key],
      [`GIT_CONFIG_VALUE_${index}`, value]
    ])
  )
})

/** Starts a command inside. */
export const spawn = (inside: Inside, { args, command, directory, stdin }: Call) =>
  inside.spawn(
    // Without a `cwd`, which it would take another command inside to look at. A companion is named in the arguments.
    ChildProcess.make(command, args, {
      env: environment(directory),
      stdin: stdin ?? "ignore",
      forceKillAfter: 200
    })
  )

/** The beginning of a stream as a text; what comes after it is read and forgotten. */
export const beginning = (stream: Stream.Stream<Uint8Array, PlatformError>) => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  return Effect.map(
    Stream.runForEach(stream, (chunk) =>
      Effect.sync(() => {
        if (size < longest) chunks.push(chunk.subarray(0, longest - size))
        size += chunk.length
      })
    ),
    () => new TextDecoder().decode(Buffer.concat(chunks)).trim()
  )
}

/** Runs an effect with commands inside for a bounded time, also where nothing is interrupted any more. */
export const bounded = <A>(
  { doing, timeout = usual }: Pick<Call, "doing" | "timeout">,
  effect: Effect.Effect<A, SandboxError | PlatformError, Scope.Scope>
): Effect.Effect<A, SandboxError> =>
  Effect.scoped(effect).pipe(
    Effect.mapError((cause) =>
      cause._tag === "SandboxError"
        ? cause
        : new SandboxError({ reason: "SetupFailed", message: `${doing} failed: ${cause.message}.`, cause })
    ),
    Effect.interruptible,
    Effect.timeoutOrElse({
      duration: Duration.millis(timeout),
      orElse: () =>
        Effect.fail(
          new SandboxError({
            reason: "SetupFailed",
            message: `${doing} took longer than ${timeout} ms and was ended. Something in its .git may wait for ever, as a pipe does.`
          })
        )
    })
  )

/** Runs a command inside, and answers whatever its exit code is. */
export const run = (inside: Inside, call: Call): Effect.Effect<Answer, SandboxError> =>
  bounded(
    call,
    Effect.gen(function* () {
      const handle = yield* spawn(inside, call)
      const stderr = yield* Effect.forkScoped(beginning(handle.stderr))
      const stdout = yield* beginning(handle.stdout)
      const code = yield* handle.exitCode
      return { code, stdout, stderr: yield* Fiber.join(stderr) }
    })
  )
