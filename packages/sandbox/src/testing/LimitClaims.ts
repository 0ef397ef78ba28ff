/** What the port promises about the limits of commands. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { type Claim, claim, exitCode, expect, inside, repository, script } from "./Fixture.ts"

/** The claims. */
export const claims: ReadonlyArray<Claim> = [
  claim(
    "a command that `limits.wall` ended says so, and keeps what it wrote",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const ends = (trap: string) =>
          Effect.gen(function* () {
            const spawner = yield* ChildProcessSpawner
            const handle = yield* spawner.spawn(script(`${trap}; echo out; echo err >&2; while :; do sleep 0.1; done`))
            const [out, err] = yield* Effect.all(
              [Stream.mkString(Stream.decodeText(handle.stdout)), Stream.mkString(Stream.decodeText(handle.stderr))],
              { concurrency: "unbounded" }
            )
            yield* expect(
              // A shell may add how the command ended that it waited for.
              out === "out\n" && err.startsWith("err\n"),
              `What it wrote should be kept, but is ${JSON.stringify([out, err])}`
            )
            const exit = yield* Effect.exit(handle.exitCode)
            const told = Exit.isFailure(exit) ? String(exit.cause) : `${exit.value}`
            yield* expect(
              told.includes("TimedOut") && told.includes("limits.wall"),
              `exitCode of "${trap}" should fail with TimedOut and name the limit, but answered ${told}`
            )
          }).pipe(Effect.scoped)
        yield* inside(
          spec({ limits: { wall: 3_000 } }),
          // One that is ended by the signal, one that takes it for its end, and one that does not listen.
          Effect.forEach([":", "trap 'exit 0' TERM", "trap '' TERM"], ends, { concurrency: "unbounded", discard: true })
        )
        yield* inside(
          spec({ limits: { wall: 60_000 } }),
          Effect.flatMap(exitCode("exit 3"), (code) =>
            expect(Number(code) === 3, `A command in time should answer with its own 3, but answered ${code}`)
          )
        )
      })
    )
  )
]
