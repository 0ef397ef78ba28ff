import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as E2bSandbox from "../../src/adapters/E2bSandbox.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import * as Double from "../doubles/Double.ts"
import { key } from "../doubles/Machine.ts"

const double = await Double.start("e2b")

const layer = Layer.provide(
  E2bSandbox.layer({ apiKey: Redacted.make(key), apiUrl: double.url, sandboxUrl: double.url, patience: 20_000 }),
  NodeServices.layer
)

SandboxTest.suite("e2b", layer)
