/** Our adapters, as the bench uses them. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import type { SandboxSpec } from "@millwright/sandbox/SandboxSpec"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Adapters from "../../examples/12-sandbox-exec/adapters.ts"

type Spawner = ChildProcessSpawner["Service"]

/** Runs `true` to its end, and waits until all of it is gone. */
export const command = (spawner: Spawner): Effect.Effect<void, unknown> =>
  Effect.scoped(
    Effect.gen(function* () {
      const handle = yield* spawner.spawn(ChildProcess.make("true", [], { stdin: "ignore" }))
      const code = yield* handle.exitCode
      if (code !== 0) return yield* Effect.fail(new Error(`true ended with ${code}`))
    })
  )

/** The spawner of an open sandbox. */
export const spawnerOf = ({ services }: Sandbox.Opened): Spawner => Context.get(services, ChildProcessSpawner)

/** A checkout of a repository, by id. */
export const checkout = (repository: string, id: string): SandboxSpec => ({
  id,
  workspace: { _tag: "Checkout", repository, base: "HEAD", branch: `bench/${id}` }
})

/** Opens sandboxes of an adapter while it is used. */
export const using = async <A>(
  adapter: string,
  use: (sandbox: Sandbox.Sandbox["Service"], host: Spawner) => Effect.Effect<A, unknown>
): Promise<A> => {
  const layer = await Adapters.load(adapter)
  return await Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        return yield* use(yield* Sandbox.Sandbox, yield* ChildProcessSpawner)
      }).pipe(Effect.provide(Layer.provideMerge(layer, NodeServices.layer)))
    )
  )
}
