/** The sandbox over bubblewrap for tests; where the machine has none, they are skipped and say why. */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as BubblewrapSandbox from "@millwright/sandbox/adapters/BubblewrapSandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** The sandbox on the services of Node. */
export const layer = Layer.provide(BubblewrapSandbox.layer, NodeServices.layer)

const lacking = await Effect.runPromise(
  Effect.match(Effect.scoped(Layer.build(layer)), { onFailure: ({ message }) => message, onSuccess: () => undefined })
)

const isPromised = (process.env["MILLWRIGHT_REQUIRES"] ?? "").split(" ").includes("bwrap")

/** Registers tests that need it. */
export const suite = (name: string, tests: () => void): void => {
  describe(name, () => {
    if (lacking === undefined) return tests()
    it("bwrap is there", (context) => {
      assert.isFalse(isPromised, `bwrap was installed, but: ${lacking}`)
      context.skip(lacking)
    })
  })
}
