/** What the port promises about the end of commands, and of what they started. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import * as Sandbox from "../Sandbox.ts"
import { type Claim, claim, exitCode, expect, firstLine, inside, repository, script } from "./Fixture.ts"

/** A number that is in the arguments of no other process, to find one by. */
const token = Effect.sync(() => String(100_000 + Math.floor(Math.random() * 1e9)))

/**
 * Ends with 0 when no process of the pid runs with the token in its arguments, as seen from inside. Where each command has
 * a process space of its own, the pid may be that of the one who asks.
 */
const isGone = (pid: string, token: string) =>
  Effect.map(
    exitCode(
      `[ ${pid} = $$ ] && exit 0; kill -0 ${pid} 2>&- || exit 0; { tr '\\0' ' ' < /proc/${pid}/cmdline || ps -o args= -p ${pid}; } 2>&- | grep -q ${token} && exit 1; exit 0`
    ),
    (code) => code === 0
  )

const forever = (token: string) => `sleep ${token} > /dev/null 2>&1 < /dev/null`

/** Ways to leave a process behind; each prints its pid and goes on. */
const left = (token: string) => ({
  "in the background": `${forever(token)} & echo $!; wait`,
  "of a parent that is gone": `(sh -c '${forever(token)} & echo $!'); sleep ${token}`,
  "that ignores signals": `sh -c 'trap "" TERM INT HUP; echo $$; while :; do ${forever(token)}; done'`
})
const escaped = (token: string) => ({
  "in a session of its own": `setsid ${forever(token)} & echo $!; wait`,
  "that forked twice into a session of its own": `setsid sh -c '${forever(token)} & echo $!'; sleep ${token}`,
  "in a session of its own, whose command has ended": `setsid sh -c '${forever(token)} & echo $!'; exit 0`
})

const gone = (how: string, text: string, token: string) =>
  Effect.gen(function* () {
    const { spec } = yield* repository
    const close = (name: string, pid: string) =>
      Effect.flatMap(inside(spec(), isGone(pid, token)), (isGone) =>
        expect(isGone, `A process ${how} should be gone when the scope of the ${name} closes, but ${pid} lives`)
      )
    const ofCommand = yield* inside(
      spec(),
      Effect.gen(function* () {
        const { line } = yield* Effect.scoped(firstLine(script(text)))
        yield* expect(
          yield* isGone(line, token),
          `A process ${how} should be gone when the scope of its command closes`
        )
        return line
      })
    )
    yield* close("command", ofCommand)
    // The command's scope is still open when that of the sandbox closes.
    const ofSandbox = yield* inside(spec(), firstLine(script(text)))
    yield* close("sandbox", ofSandbox.line)
  })

/** The claims. */
export const claims: ReadonlyArray<Claim> = [
  claim(
    "a command that never ends is gone when it times out",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const number = yield* token
        yield* inside(
          spec(),
          Effect.gen(function* () {
            const pid = yield* Deferred.make<string>()
            const spawner = yield* ChildProcessSpawner
            const ended = yield* spawner.streamLines(script(`echo $$; ${forever(number)} & wait; : ${number}`)).pipe(
              Stream.runForEach((line) => Deferred.succeed(pid, line)),
              Effect.as(true),
              // Its time begins when it runs, wherever that is.
              Effect.raceFirst(Effect.as(Effect.andThen(Deferred.await(pid), Effect.sleep(300)), false))
            )
            yield* expect(!ended, "The command should not have ended before it timed out")
            yield* expect(
              yield* isGone(yield* Deferred.await(pid), number),
              "The command should be gone when it has timed out"
            )
          })
        )
      })
    )
  ),

  claim(
    "a scope does not wait for long, also on a command that ignores signals and asks for a minute",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const number = yield* token
        yield* inside(
          spec(),
          Effect.gen(function* () {
            let asked = 0
            yield* Effect.scoped(
              Effect.gen(function* () {
                yield* firstLine(script(left(number)["that ignores signals"], { forceKillAfter: "1 minute" }))
                asked = performance.now()
              })
            )
            const took = Math.round(performance.now() - asked)
            yield* expect(took < 15_000, `The scope should close in a few seconds, but took ${took} ms`)
          })
        )
      })
    )
  ),

  ...Object.keys(left("")).map((how) =>
    claim(
      `no process stays: one ${how}`,
      Effect.scoped(
        Effect.gen(function* () {
          const number = yield* token
          yield* gone(how, new Map(Object.entries(left(number))).get(how) ?? "", number)
        })
      )
    )
  ),

  ...Object.keys(escaped("")).map((how) =>
    claim(
      `no process stays, where \`killsTree\` says so: one ${how}`,
      Effect.scoped(
        Effect.gen(function* () {
          const { supports } = yield* Sandbox.Sandbox
          const number = yield* token
          const ways = new Map(Object.entries(supports.killsTree ? escaped(number) : left(number)))
          // Who does not kill the tree kills the process group all the same.
          yield* gone(how, ways.get(how) ?? left(number)["in the background"], number)
        })
      )
    )
  )
]
