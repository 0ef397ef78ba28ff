/** Opens a container, runs a command in it, says so, and waits until it is killed. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ContainerSandbox from "../../src/adapters/ContainerSandbox.ts"
import * as Sandbox from "../../src/Sandbox.ts"
import * as SandboxSpec from "../../src/SandboxSpec.ts"
import * as Fixture from "../../src/testing/Fixture.ts"

const [image = "", repository = ""] = process.argv.slice(2)

NodeRuntime.runMain(
  Effect.scoped(
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { services } = yield* sandbox.open(
        SandboxSpec.checkout({ id: "work-1", repository, base: "main", branch: "change/work-1" })
      )
      const script = "echo left > left.txt; setsid sleep 1000 > /dev/null 2>&1 & echo on; sleep 1000"
      yield* Effect.provideContext(Fixture.firstLine(Fixture.script(script)), services)
      yield* Effect.sync(() => process.stdout.write("open\n"))
      yield* Effect.never
    })
  ).pipe(
    Effect.provide(Layer.provide(ContainerSandbox.layerWith({ image, engine: "/usr/bin/podman" }), NodeServices.layer))
  )
)
