import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import * as SandboxTest from "@millwright/sandbox/testing/SandboxTest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Machines from "../machines.ts"
import * as MachineSandbox from "../sandbox.ts"

const over = (key: string) =>
  Layer.unwrap(
    Effect.map(Machines.start("right"), ({ url }) => MachineSandbox.layer({ url, key: Redacted.make(key) }))
  ).pipe(Layer.provide(NodeServices.layer))

SandboxTest.suite("machines", over("right"))

describe("11-your-own-sandbox", () => {
  it.live("a key that the provider does not know is Unauthorized, and is not told", () =>
    Effect.gen(function* () {
      const { open } = yield* Sandbox.Sandbox
      const error = yield* Effect.flip(Effect.scoped(open({ id: "one", workspace: { _tag: "Empty" } })))
      assert.strictEqual(error.reason, "Unauthorized")
      assert.notInclude(error.message, "wrong-key")
    }).pipe(Effect.provide(over("wrong-key")))
  )

  it("brings a commit to the repository, and leaves no machine behind", () => {
    const main = fileURLToPath(new URL("../main.ts", import.meta.url))
    const said = execFileSync(process.execPath, [main], { encoding: "utf8" })
    assert.include(said, "Hello, world")
    assert.include(said, "The machine is gone")
  })
})
