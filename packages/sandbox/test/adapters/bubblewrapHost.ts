/**
 * A host of its own: opens a sandbox over a folder and runs commands in it, one argument each, and writes what they wrote
 * as JSON. With `hold` first, it leaves a process behind, says so, and waits until it is killed.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as BubblewrapSandbox from "../../src/adapters/BubblewrapSandbox.ts"
import * as Sandbox from "../../src/Sandbox.ts"
import * as Fixture from "../../src/testing/Fixture.ts"

const [mode, path = "", limits = "{}", ...texts] = process.argv.slice(2)

const program = Effect.gen(function* () {
  const sandbox = yield* Sandbox.Sandbox
  const { services } = yield* sandbox.open({
    id: "host",
    workspace: { _tag: "Folder", path },
    limits: JSON.parse(limits) as Record<string, number>
  })
  return yield* Effect.gen(function* () {
    if (mode === "hold") {
      const [token] = texts
      yield* Fixture.firstLine(
        Fixture.script(`setsid sh -c 'echo; sleep ${token} > /dev/null 2>&1 < /dev/null & wait' & sleep ${token}`)
      )
      process.stdout.write("held\n")
      return yield* Effect.never
    }
    const said: Array<string> = []
    for (const text of texts) said.push(yield* Fixture.output(`{ ${text}\n} 2>&1`))
    process.stdout.write(JSON.stringify({ limits: sandbox.supports.limits, said }))
  }).pipe(Effect.provideContext(services))
})

Effect.runPromise(
  Effect.scoped(program).pipe(Effect.provide(Layer.provide(BubblewrapSandbox.layer, NodeServices.layer)))
).then(
  () => process.exit(0),
  (cause: unknown) => {
    process.stderr.write(String(cause))
    process.exit(1)
  }
)
