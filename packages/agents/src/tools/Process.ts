/** One program, run to its end or to its time-out, with bounded output and nothing of it left behind. */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import type * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import * as Output from "./Output.ts"

/** How a program ended. `Full`: it was stopped, since no more of its output would be kept. */
export type End =
  | { readonly _tag: "Exited"; readonly code: number }
  | { readonly _tag: "Signalled"; readonly signal: string }
  | { readonly _tag: "TimedOut" }
  | { readonly _tag: "Full" }

/** What a program said, and how it ended. */
export interface Finished {
  readonly output: Output.Collector
  readonly errors: Output.Collector
  readonly end: End
}

/** Options of a command that reads no input, and that is killed for good when it does not heed. */
export const quiet: ChildProcess.CommandOptions = { stdin: "ignore", forceKillAfter: "2 seconds" }

const signalled = (error: PlatformError.PlatformError): Effect.Effect<End, PlatformError.PlatformError> => {
  const signal = /SIG[A-Z0-9]+/.exec(`${error.message} ${String(error.cause)}`)?.[0]
  return signal === undefined ? Effect.fail(error) : Effect.succeed({ _tag: "Signalled", signal })
}

/**
 * Runs a program. Its whole process group is gone when this answers: a program in its background does not outlive it, and
 * one that holds the output open does not keep the caller waiting.
 */
export const run = Effect.fnUntraced(function* (
  command: ChildProcess.Command,
  options: { readonly keep: Output.Keep; readonly timeout: Duration.Input }
) {
  const spawner = yield* ChildProcessSpawner
  const handle = yield* spawner.spawn(command)
  const output = Output.collector(options.keep)
  const errors = Output.collector({ head: 2_000, tail: 2_000 })
  const full = yield* Deferred.make<End>()
  const drain = Effect.all(
    [
      Stream.runForEach(handle.stdout, (chunk) => {
        output.push(chunk)
        return output.isFull() ? Deferred.succeed(full, { _tag: "Full" }) : Effect.void
      }),
      Stream.runForEach(handle.stderr, (chunk) => Effect.sync(() => errors.push(chunk)))
    ],
    { concurrency: 2, discard: true }
  )
  const drained = yield* Effect.forkScoped(Effect.ignore(drain))
  // Once the program is gone, only a process in its background can hold the output open: wait while bytes still come.
  const quietDown = Effect.gen(function* () {
    let seen = -1
    while (seen !== output.total() + errors.total()) {
      seen = output.total() + errors.total()
      yield* Effect.sleep("300 millis")
    }
  })
  const exited = handle.exitCode.pipe(
    Effect.map((code): End => ({ _tag: "Exited", code })),
    Effect.catch(signalled),
    Effect.tap(() => Effect.raceFirst(Fiber.await(drained), quietDown))
  )
  const end = yield* Effect.timeoutOption(Effect.raceFirst(exited, Deferred.await(full)), options.timeout)
  const finished: Finished = { output, errors, end: Option.getOrElse(end, (): End => ({ _tag: "TimedOut" })) }
  return finished
}, Effect.scoped)
