/** A spawner of a function that starts one command: pipelines are put together here, of the streams of their sides. */
import * as Effect from "effect/Effect"
import * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Spawner from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Spawn } from "./InsideTree.ts"

type Handle = Spawner.ChildProcessHandle
type Bytes = Stream.Stream<Uint8Array, PlatformError.PlatformError>

const output = (handle: Handle, from: ChildProcess.PipeFromOption = "stdout"): Bytes => {
  if (from === "stdout" || from === "stderr" || from === "all") return handle[from]
  return handle.getOutputFd(Number(from.slice(2)))
}

/** Makes it. */
export const make = (one: Spawn): Spawner.ChildProcessSpawner["Service"] => {
  const start = (
    command: ChildProcess.Command,
    input?: Bytes
  ): Effect.Effect<Handle, PlatformError.PlatformError, Scope.Scope> =>
    Effect.gen(function* () {
      if (command._tag === "StandardCommand") {
        const { args, options } = command
        return yield* one(
          input === undefined ? command : ChildProcess.make(command.command, args, { ...options, stdin: input })
        )
      }
      const { left, options, right } = command
      if (options.to !== undefined && options.to !== "stdin") {
        return yield* Effect.fail(
          PlatformError.badArgument({
            module: "ChildProcess",
            method: "spawn",
            description: `A pipe into ${options.to} can not be had here; pipe into stdin`
          })
        )
      }
      const first = yield* start(left, input)
      const last = yield* start(right, output(first, options.from))
      return Spawner.makeHandle({
        ...last,
        stdin: first.stdin,
        kill: (how) => Effect.andThen(Effect.ignore(last.kill(how)), Effect.ignore(first.kill(how)))
      })
    })
  return Spawner.make((command) => start(command))
}
