/** Runs a command in an open sandbox, with this process's input, output and signals. */
import * as NodeStream from "@effect/platform-node/NodeStream"
import type { Opened } from "@millwright/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Context from "effect/Context"
import * as Fiber from "effect/Fiber"
import type * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import type { Writable } from "node:stream"
import { type Ending, endingIn } from "./ending.ts"
import type * as Signals from "./signals.ts"

/** Takes a piece of output; the command waits until it is done. */
export type Out = (chunk: Uint8Array) => Effect.Effect<void, Closed>

/** Nobody reads the output any more. */
export class Closed extends Error {}

/** Writes to a stream of this process. */
export const to =
  (writable: Writable): Out =>
  (chunk) =>
    Effect.callback((resume) => {
      writable.write(chunk, (error) => resume(error ? Effect.fail(new Closed()) : Effect.void))
    })

/** How long a command may take to end after a signal, and what it left when it has ended. */
const grace = { asked: "5 seconds", left: "500 millis" } as const

/** Runs it to its end. What it left in the background is ended with it. */
export const run = (
  [program, ...args]: readonly [program: string, ...args: ReadonlyArray<string>],
  { services }: Opened,
  { signals, stderr, stdout }: { readonly signals: Signals.Signals; readonly stdout: Out; readonly stderr: Out }
): Effect.Effect<{ readonly ending: Ending; readonly duration: number }, PlatformError.PlatformError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const spawner = Context.get(services, ChildProcessSpawner)
      const start = performance.now()
      const handle = yield* spawner.spawn(ChildProcess.make(program, args))
      yield* signals.each((killSignal) => Effect.ignore(handle.kill({ killSignal, forceKillAfter: grace.asked })))
      const stdin = NodeStream.fromReadable({ evaluate: () => process.stdin, closeOnDone: false })
      // A command that does not read its input to the end has not failed.
      yield* Effect.forkScoped(Effect.ignore(Stream.run(stdin, handle.stdin)))
      const hangUp = Effect.as(Effect.ignore(handle.kill({ killSignal: "SIGPIPE", forceKillAfter: grace.left })), true)
      const outputs = yield* Effect.forEach(
        [Stream.runForEach(handle.stdout, stdout), Stream.runForEach(handle.stderr, stderr)],
        (output) =>
          Effect.forkScoped(
            Effect.catch(Effect.as(output, false), (error) =>
              error instanceof Closed ? hangUp : Effect.logError(error).pipe(Effect.as(false))
            )
          )
      )
      const ended = yield* Effect.catch(
        Effect.map(handle.exitCode, (code): Ending => ({ code })),
        (error) => {
          const ending = endingIn(error)
          return ending === undefined ? Effect.fail(error) : Effect.succeed(ending)
        }
      )
      const duration = Math.round(performance.now() - start)
      // A process that it left may hold the output open.
      yield* Effect.ignore(handle.kill({ forceKillAfter: grace.left }))
      const isClosed = (yield* Effect.forEach(outputs, Fiber.join)).includes(true)
      return { ending: isClosed ? { signal: "SIGPIPE" } : ended, duration }
    })
  )
