import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as DaytonaSandbox from "../../src/adapters/DaytonaSandbox.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import * as Double from "../doubles/Double.ts"
import * as Faults from "../doubles/Faults.ts"
import { key } from "../doubles/Machine.ts"
import { lengthy } from "../Requires.ts"

const double = await Double.start("daytona")

const layer = (apiKey: string, patience: number) =>
  Layer.provide(
    DaytonaSandbox.layer({ apiKey: Redacted.make(apiKey), apiUrl: `${double.url}/api`, patience }),
    NodeServices.layer
  )

// On the same relay as that of E2B, which always runs.
lengthy("daytona", () => SandboxTest.suite("daytona", layer(key, 20_000), { timeout: 180_000 }))

Faults.suite({
  name: "daytona",
  double,
  key,
  layer,
  requests: { create: "POST /api/sandbox", find: "GET /api/sandbox", run: "/process/execute" }
})
