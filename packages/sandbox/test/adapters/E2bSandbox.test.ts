import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as E2bSandbox from "../../src/adapters/E2bSandbox.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import * as Double from "../doubles/Double.ts"
import * as Faults from "../doubles/Faults.ts"
import { key } from "../doubles/Machine.ts"

const double = await Double.start("e2b")

const layer = (apiKey: string, patience: number) =>
  Layer.provide(
    E2bSandbox.layer({ apiKey: Redacted.make(apiKey), apiUrl: double.url, sandboxUrl: double.url, patience }),
    NodeServices.layer
  )

SandboxTest.suite("e2b", layer(key, 20_000), { timeout: 180_000 })

Faults.suite({
  name: "e2b",
  double,
  key,
  layer,
  requests: { create: "POST /v2/sandboxes", find: "GET /v2/sandboxes", run: "POST /process.Process/Start" }
})
