/** Opens the ids of a repository one after the other, keeps them open, says so, and waits until it is killed. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as WorktreeSandbox from "../../src/adapters/WorktreeSandbox.ts"
import * as Sandbox from "../../src/Sandbox.ts"
import * as SandboxSpec from "../../src/SandboxSpec.ts"
import * as Fixture from "../../src/testing/Fixture.ts"

const [mode, repository = "", ...ids] = process.argv.slice(2)

const open = (id: string) =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    const { services } = yield* sandbox.open(
      SandboxSpec.checkout({ id, repository, base: "main", branch: `change/${id}` })
    )
    if (mode === "once")
      return yield* Effect.provideContext(Fixture.output("cat file.txt; git status --porcelain"), services)
    const stray = Fixture.script("setsid sh -c 'sleep 86400 > /dev/null 2>&1 < /dev/null & echo $!'; sleep 86400")
    const { line } = yield* Effect.provideContext(Fixture.firstLine(stray), services)
    return line
  })

NodeRuntime.runMain(
  Effect.scoped(
    Effect.gen(function* () {
      const lines = yield* Effect.forEach(ids, open, { concurrency: "unbounded" })
      yield* Effect.sync(() => process.stdout.write(`open ${lines.join()}\n`))
      if (mode !== "once") yield* Effect.never
    })
  ).pipe(Effect.provide(Layer.provide(WorktreeSandbox.layer, NodeServices.layer)))
)
