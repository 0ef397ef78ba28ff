import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SeatbeltSandbox from "../../src/adapters/SeatbeltSandbox.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"

const layer = Layer.provide(SeatbeltSandbox.layer, NodeServices.layer)

if (process.platform === "darwin") SandboxTest.suite("seatbelt", layer)
else {
  describe("Sandbox: seatbelt", () => {
    for (const { name } of SandboxTest.claims)
      it.skip(`${name} (skipped: there is no sandbox-exec; it is part of macOS)`, () => {})

    it.live("fails with Unavailable where it is not, and says what to take", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
        assert.strictEqual(error.reason, "Unavailable")
        assert.include(error.message, "bubblewrap")
      })
    )
  })
}
