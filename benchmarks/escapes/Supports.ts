/** What an adapter says that it can. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import type { Supports } from "@millwright/sandbox/Supports"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Adapters from "../../examples/12-sandbox-exec/adapters.ts"
import { Misuse } from "../../examples/12-sandbox-exec/arguments.ts"
import * as Bench from "../Bench.ts"

/** Asks it. Throws {@link Bench.BadInput} when there is none of that name, or it can not be used here. */
export const of = async (adapter: string): Promise<Supports> => {
  try {
    const layer = Layer.provide(await Adapters.load(adapter), NodeServices.layer)
    return await Effect.runPromise(
      Effect.scoped(
        Effect.provide(
          Effect.map(Sandbox.Sandbox, ({ supports }) => supports),
          layer
        )
      )
    )
  } catch (error) {
    if (error instanceof Misuse || error instanceof Sandbox.SandboxError) throw new Bench.BadInput(error.message)
    throw error
  }
}
