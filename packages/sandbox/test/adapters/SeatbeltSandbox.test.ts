import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SeatbeltSandbox from "../../src/adapters/SeatbeltSandbox.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"

const layer = Layer.provide(SeatbeltSandbox.layer, NodeServices.layer)

const isHere = process.platform === "darwin"

const here = isHere ? describe : describe.skip
here(`on this machine${isHere ? "" : " (skipped: there is no sandbox-exec; it is part of macOS)"}`, () => {
  SandboxTest.suite("seatbelt", layer)
})

const elsewhere = isHere ? describe.skip : describe
elsewhere("where there is no sandbox-exec", () => {
  it.live("fails with Unavailable, and says what to take", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
      assert.strictEqual(error.reason, "Unavailable")
      assert.include(error.message, "bubblewrap")
    })
  )
})
