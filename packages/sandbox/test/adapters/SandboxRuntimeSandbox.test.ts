import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Layer from "effect/Layer"
import * as SandboxRuntimeSandbox from "../../src/adapters/SandboxRuntimeSandbox.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import { lengthy } from "../Requires.ts"

const layer = Layer.provide(SandboxRuntimeSandbox.layerWith({ asRoot: true }), NodeServices.layer)

lengthy("sandbox-runtime", () => SandboxTest.suite("sandboxRuntime", layer))
