/** Runs the scripts with which a workspace is prepared: `setup` when it is new, `start` at each opening. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { SandboxError } from "./Sandbox.ts"
import type { Phase, SandboxSpec } from "./SandboxSpec.ts"

const usual = 300_000
/** How much of what a phase wrote its error tells, in characters. */
const told = 2_000

/** What they run in. */
export interface Options {
  readonly spawner: ChildProcessSpawner["Service"]
  readonly isNew: boolean
  /** Called when `setup` is over: the workspace is not new any more. */
  readonly finish: Effect.Effect<void, SandboxError>
}

/** Runs them in order. The first fatal one that fails fails the opening; what is not fatal is logged. */
export const run = (
  { setup = [], start = [] }: Pick<SandboxSpec, "setup" | "start">,
  { finish, isNew, spawner }: Options
): Effect.Effect<void, SandboxError> => {
  const all = (phases: ReadonlyArray<Phase>) =>
    Effect.forEach(phases, (phase) => one(phase, spawner), { discard: true })
  return Effect.andThen(Effect.andThen(isNew ? all(setup) : Effect.void, finish), all(start))
}

const one = (phase: Phase, spawner: ChildProcessSpawner["Service"]) => {
  const { fatal = true, name, timeout = usual } = phase
  let output = ""
  return Effect.gen(function* () {
    const handle = yield* spawner.spawn(ChildProcess.make("sh", ["-e", "-c", phase.run], { stdin: "ignore" }))
    yield* handle.all.pipe(
      Stream.decodeText,
      Stream.runForEach((text) => Effect.sync(() => (output = `${output}${text}`.slice(-told))))
    )
    return yield* handle.exitCode
  }).pipe(
    Effect.scoped,
    Effect.mapError((cause) => failed(name, cause.message, output)),
    Effect.timeoutOrElse({
      duration: Duration.millis(timeout),
      orElse: () => Effect.fail(failed(name, `it took longer than ${timeout} ms`, output))
    }),
    Effect.flatMap((code) => (code === 0 ? Effect.void : Effect.fail(failed(name, `it ended with ${code}`, output)))),
    Effect.catch((error) => (fatal ? Effect.fail(error) : Effect.logWarning(error.message)))
  )
}

const failed = (name: string, why: string, output: string) => {
  const wrote = output.trim() === "" ? "It wrote nothing. " : `It wrote last:\n${output.trimEnd()}\n`
  return new SandboxError({
    reason: "SetupFailed",
    message: `The phase ${name} failed: ${why}. ${wrote}Mend the script, or say that it is not fatal.`
  })
}
