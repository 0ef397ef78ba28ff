import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ChildProcess from "effect/process/ChildProcess"
import { existsSync, readdirSync } from "node:fs"
import { tmpdir } from "node:os"
import { fileURLToPath } from "node:url"
import * as SandboxRuntimeSandbox from "../../src/adapters/SandboxRuntimeSandbox.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import { lengthy, requires } from "../Requires.ts"

const layer = Layer.provide(SandboxRuntimeSandbox.layerWith({ asRoot: true }), NodeServices.layer)

lengthy("sandbox-runtime", () => SandboxTest.suite("sandboxRuntime", layer))

const lacking = await Effect.runPromise(
  Effect.match(Effect.scoped(Layer.build(layer)), { onFailure: ({ message }) => message, onSuccess: () => undefined })
)

requires("sandbox-runtime", lacking, () => {
  it.live("the folder of a process that was killed is removed by the next one, and its own when it has closed", () =>
    Effect.gen(function* () {
      const owner = fileURLToPath(new URL("../heldFolderOwner.ts", import.meta.url))
      const { handle, line } = yield* Fixture.firstLine(
        ChildProcess.make(process.execPath, [owner, tmpdir()], { stderr: "inherit" })
      ).pipe(Effect.provide(NodeServices.layer))
      assert.isTrue(existsSync(line))
      process.kill(handle.pid, "SIGKILL")
      yield* Effect.exit(handle.exitCode)
      const folders = () =>
        readdirSync(tmpdir()).filter(
          (name) => name.startsWith("mw-runtime-") && name.split(".")[1] === process.pid.toString(36)
        )
      const { spec } = yield* Fixture.repository
      const seen = yield* Fixture.inside(spec(), Effect.sync(folders)).pipe(Effect.provide(layer))
      assert.lengthOf(seen, 1, "an open sandbox has a folder")
      assert.deepStrictEqual([existsSync(line), folders()], [false, []])
    }).pipe(Effect.scoped)
  )
})
