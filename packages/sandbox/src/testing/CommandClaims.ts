/** What the port promises about the commands that run in a sandbox. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import * as Sandbox from "../Sandbox.ts"
import {
  type Claim,
  claim,
  denied,
  exitCode,
  expect,
  firstLine,
  inside,
  output,
  read,
  repository,
  script,
  write
} from "./Fixture.ts"

const minimum = ["PATH", "HOME", "LANG", "TMPDIR", "TERM", "USER"]
/** What a shell sets by itself. */
const ofShell = ["PWD", "OLDPWD", "SHLVL", "_"]

let secrets = 0
/** The value of a variable of the host that no command may see. */
const secret = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const name = `SANDBOX_TEST_SECRET_${++secrets}`
      process.env[name] = `secret-${Math.random()}`
      return name
    }),
    (name) => Effect.sync(() => void delete process.env[name])
  ),
  (name) => process.env[name] ?? ""
)

/** The claims. */
export const claims: ReadonlyArray<Claim> = [
  claim(
    "a command runs in the workspace, and a relative path means one below it",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const sandbox = yield* Sandbox.Sandbox
        const { directory, services } = yield* sandbox.open(spec())
        yield* Effect.gen(function* () {
          const here = yield* output("pwd -P")
          yield* expect(here === directory, `A command without cwd should run in ${directory}, but ran in ${here}`)
          const below = yield* output("pwd -P", { cwd: "sub" })
          yield* expect(
            below === `${directory}/sub`,
            `A command with cwd "sub" should run in ${directory}/sub, but ran in ${below}`
          )
          const absolute = yield* output("pwd -P", { cwd: `${directory}/sub` })
          yield* expect(
            absolute === below,
            `A command with an absolute cwd should run in ${below}, but ran in ${absolute}`
          )
          yield* denied('A command with cwd "../.."', output("pwd -P", { cwd: "../.." }))
        }).pipe(Effect.provideContext(services))
      })
    )
  ),

  claim(
    "a command sees the spec's variables, its own and the minimum, and nothing else of the host",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const value = yield* secret
        yield* inside(
          spec({ env: { FROM_SPEC: "1" } }),
          Effect.gen(function* () {
            for (const options of [
              {},
              { extendEnv: true },
              { env: { OWN: "2" } },
              { env: { OWN: "2" }, extendEnv: true }
            ]) {
              const lines = (yield* output("env", options)).split("\n")
              const names = new Set(lines.map((line) => line.split("=", 1)[0] ?? ""))
              const asked = JSON.stringify(options)
              yield* expect(lines.includes("FROM_SPEC=1"), `A variable of the spec should be seen with ${asked}`)
              yield* expect(
                "env" in options === lines.includes("OWN=2"),
                `A variable of the command should be seen with ${asked}`
              )
              for (const name of minimum) yield* expect(names.has(name), `${name} should be seen with ${asked}`)
              const leaked = Object.entries(process.env).flatMap(([name, value]) =>
                lines.includes(`${name}=${value}`) && ![...minimum, ...ofShell].includes(name) ? [name] : []
              )
              yield* expect(
                leaked.length === 0,
                `These variables of the host should not be seen with ${asked}: ${leaked.join()}`
              )
            }
            const kernel = yield* output("cat /proc/self/environ 2>/dev/null | tr '\\0' '\\n'; true", {
              extendEnv: true
            })
            yield* expect(!kernel.includes(value), "A secret of the host should not be seen in /proc/self/environ")
          })
        )
      })
    )
  ),

  claim(
    "output streams while the command runs, and input reaches it",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        yield* inside(
          spec(),
          Effect.gen(function* () {
            const spawner = yield* ChildProcessSpawner
            const seen = yield* Deferred.make<void>()
            const answer = Stream.fromEffect(Effect.as(Deferred.await(seen), new TextEncoder().encode("go on\n")))
            // The command waits for an answer to its first line: without streaming, it waits for ever.
            const lines = yield* spawner
              .streamLines(script('echo first; read line; echo "$line"', { stdin: answer }))
              .pipe(
                Stream.tap(() => Deferred.succeed(seen, undefined)),
                Stream.runCollect,
                Effect.timeoutOption(10_000)
              )
            yield* expect(
              Option.isSome(lines) && lines.value.join() === "first,go on",
              `The lines should be "first" and, when it is answered, "go on"; but there came ${
                Option.isSome(lines) ? JSON.stringify(lines.value) : "nothing in 10 s"
              }`
            )
          })
        )
      })
    )
  ),

  claim(
    "input of a megabyte arrives whole",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const chunk = new Uint8Array(64 * 1024).fill(120)
        const stdin = Stream.fromIterable(Array.from({ length: 16 }, () => chunk))
        const size = yield* inside(spec(), output("wc -c", { stdin }))
        yield* expect(Number(size) === 16 * chunk.length, `1048576 bytes should arrive, but ${size} did`)
      })
    )
  ),

  claim(
    "an exit code is a result, and a death by a signal no success",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        yield* inside(
          spec(),
          Effect.gen(function* () {
            for (const code of [0, 1, 7, 255]) {
              const is = yield* exitCode(`exit ${code}`)
              yield* expect(is === code, `\`exit ${code}\` should end with ${code}, but ended with ${is}`)
            }
            const killed = yield* Effect.exit(exitCode("kill -KILL $$"))
            yield* expect(
              Exit.isFailure(killed) || killed.value !== 0,
              "A command that was killed should not end with 0"
            )
          })
        )
      })
    )
  ),

  claim(
    "a signal reaches the command, which can end as it likes",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        yield* inside(
          spec(),
          Effect.scoped(
            Effect.gen(function* () {
              const { handle, line } = yield* firstLine(script("trap 'exit 42' INT; echo ready; sleep 1000 & wait"))
              yield* expect(
                line === "ready",
                `The command should say that it is ready, but said ${JSON.stringify(line)}`
              )
              yield* handle.kill({ killSignal: "SIGINT" })
              const code = yield* handle.exitCode
              yield* expect(
                code === 42,
                `A command that catches SIGINT should end with its own code 42, but ended with ${code}`
              )
            })
          )
        )
      })
    )
  ),

  claim(
    "200 MB of output pass a slow reader whole, and do not pile up",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const size = 200_000_000
        yield* inside(
          spec(),
          Effect.gen(function* () {
            const spawner = yield* ChildProcessSpawner
            const before = process.memoryUsage().rss
            let bytes = 0
            let peak = 0
            yield* Effect.scoped(
              Effect.gen(function* () {
                const handle = yield* spawner.spawn(script(`head -c ${size} /dev/zero; touch finished`))
                yield* Stream.runForEach(handle.stdout, (chunk) =>
                  Effect.gen(function* () {
                    // While nobody reads, as many bytes as would have been written twice over go through the same shell.
                    if (bytes === 0) {
                      yield* output(`for i in 1 2; do head -c ${size} /dev/zero | wc -c; done`)
                      const isFinished = (yield* exitCode("test -e finished")) === 0
                      yield* expect(
                        !isFinished,
                        "A command whose output nobody reads should wait, but it wrote 200 MB and ended"
                      )
                    }
                    bytes += chunk.length
                    peak = Math.max(peak, process.memoryUsage.rss())
                  })
                )
              })
            )
            yield* expect(bytes === size, `${size} bytes should arrive, but ${bytes} did`)
            const grown = Math.round((peak - before) / 1e6)
            yield* expect(grown < 150, `Memory should not grow with the output, but grew by ${grown} MB`)
          })
        )
      })
    ),
    "it measures the memory of the process"
  ),

  claim(
    "every side of a pipeline runs inside",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const value = yield* secret
        const sandbox = yield* Sandbox.Sandbox
        const { directory, services } = yield* sandbox.open(spec())
        yield* Effect.gen(function* () {
          const spawner = yield* ChildProcessSpawner
          const side = (name: string) => script(`cat; echo ${name} $(pwd -P); env`, { extendEnv: true })
          const pipelines = {
            "two commands": [ChildProcess.pipeTo(side("a"), side("b")), 2],
            "three commands": [side("a").pipe(ChildProcess.pipeTo(side("b")), ChildProcess.pipeTo(side("c"))), 3],
            "a pipeline on the right": [ChildProcess.pipeTo(side("a"), ChildProcess.pipeTo(side("b"), side("c"))), 3]
          } as const
          for (const [name, [pipeline, sides]] of Object.entries(pipelines)) {
            const text = yield* spawner.string(
              // The first command reads the input of the pipeline, which is nothing.
              ChildProcess.pipeTo(script(":"), pipeline)
            )
            const places = text.split("\n").filter((line) => /^[abc] \//.test(line))
            yield* expect(places.length === sides, `${name}: ${sides} sides should have run, but ${places.length} did`)
            yield* expect(
              places.every((line) => line.slice(2) === directory),
              `${name}: every side should run in ${directory}, but they ran in ${places.join(", ")}`
            )
            yield* expect(!text.includes(value), `${name}: a side should not see the environment of the host`)
          }
        }).pipe(Effect.provideContext(services))
      })
    )
  ),

  claim(
    "what a command writes is seen by the file system, and the other way round",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        yield* inside(
          spec(),
          Effect.gen(function* () {
            yield* write("sub/from-host.txt", "hello")
            const text = yield* output("cat sub/from-host.txt")
            yield* expect(text === "hello", `A command should read what was written, but read ${JSON.stringify(text)}`)
            yield* output("echo hi > sub/from-command.txt")
            const back = yield* read("sub/from-command.txt")
            yield* expect(back === "hi\n", `What a command wrote should be read, but ${JSON.stringify(back)} was`)
          })
        )
      })
    )
  )
]
