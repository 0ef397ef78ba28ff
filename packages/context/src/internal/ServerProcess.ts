/**
 * A program that is talked to in lines over its standard input and output, until the scope closes: then its input ends, and
 * what of its process group is left after a moment gets SIGTERM, and then SIGKILL.
 *
 * It is started by the `ChildProcessSpawner` of the context: in a sandbox, that of the sandbox.
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import type * as Spawner from "effect/process/ChildProcessSpawner"
import * as Queue from "effect/Queue"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** What is started. */
export interface Options {
  readonly command: string
  readonly args: ReadonlyArray<string | Redacted.Redacted<string>>
  /** The whole environment. */
  readonly env: Readonly<Record<string, string | Redacted.Redacted<string>>>
  readonly cwd?: string | undefined
  /** Takes what the program writes to its standard output. */
  readonly output: (chunk: Uint8Array) => void
}

/** A program that runs, or ran. */
export interface ServerProcess {
  /** Gives it a text. Nothing comes back when it does not take it any more: `ended` tells. */
  readonly send: (text: string) => void
  /** Waits until it ended, or closed its output, and gives how. */
  readonly ended: Effect.Effect<string>
  /** The last that it wrote to its standard error. */
  readonly said: () => string
}

/** How much of the standard error is kept, in bytes. */
const keptBytes = 4 * 1024

/** How long a program may take to end by itself when its input ended, and how long for what it still has to say, in milliseconds. */
const moment = 300

/** How long after SIGTERM the group is killed, in milliseconds. */
const grace = 1_000

/** Starts it. */
export const start = Effect.fnUntraced(function* ({
  args,
  command,
  cwd,
  env,
  output
}: Options): Effect.fn.Return<ServerProcess, PlatformError.PlatformError, Scope.Scope | Spawner.ChildProcessSpawner> {
  const input = yield* Queue.make<Uint8Array, Cause.Done>()
  const process = yield* ChildProcess.make(command, args, {
    env: { ...env },
    extendEnv: false,
    forceKillAfter: grace,
    ...(cwd === undefined ? {} : { cwd })
  })
  yield* Effect.forkScoped(Effect.ignore(Stream.run(Stream.fromQueue(input), process.stdin)))
  let said = Buffer.alloc(0)
  const errors = yield* Stream.runForEach(process.stderr, (chunk) =>
    Effect.sync(() => {
      said = Buffer.from(Buffer.concat([said, chunk]).subarray(-keptBytes))
    })
  ).pipe(Effect.ignore, Effect.forkScoped)
  const outputs = yield* Stream.runForEach(process.stdout, (chunk) => Effect.sync(() => output(chunk))).pipe(
    Effect.ignore,
    Effect.forkScoped
  )
  const exit = Effect.match(process.exitCode, {
    onFailure: () => "was ended by a signal",
    onSuccess: (code) => `ended with code ${code}`
  })
  // One of both can be without the other: a child of it that holds its output open, or a program that closes its output.
  const ended = yield* Deferred.make<string>()
  yield* Effect.gen(function* () {
    yield* Effect.raceFirst(exit, Fiber.await(outputs))
    yield* Effect.timeoutOption(Effect.andThen(Fiber.await(outputs), Fiber.await(errors)), moment)
    const how = yield* Effect.timeoutOrElse(exit, {
      duration: moment,
      orElse: () => Effect.succeed("closed its output")
    })
    yield* Deferred.succeed(ended, how)
  }).pipe(Effect.forkScoped)
  // Registered last, so done first: a server that is told by the end of its input can put away what it has open.
  yield* Effect.addFinalizer(() => Effect.andThen(Queue.end(input), Effect.timeoutOption(exit, moment)))
  return {
    send: (text) => void Queue.offerUnsafe(input, Buffer.from(text)),
    ended: Deferred.await(ended),
    said: () => said.toString("utf8")
  }
})
