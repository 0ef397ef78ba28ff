import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as ModalSandbox from "../../src/adapters/ModalSandbox.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import * as Double from "../doubles/Double.ts"
import * as Faults from "../doubles/Faults.ts"
import { key } from "../doubles/Machine.ts"
import { lengthy } from "../Requires.ts"

const double = await Double.start("modal")

// The SDK takes the address from its own settings only. It warns of every machine that is reached without TLS.
process.env["MODAL_SERVER_URL"] = double.url
process.env["MODAL_LOGLEVEL"] = "error"

const layer = (secret: string, patience: number) =>
  Layer.provide(
    ModalSandbox.layer({ tokenId: "ak-double", tokenSecret: Redacted.make(secret), patience }),
    NodeServices.layer
  )

// On the same relay as that of E2B, which always runs.
lengthy("modal", () => SandboxTest.suite("modal", layer(key, 20_000), { timeout: 180_000 }))

Faults.suite({
  name: "modal",
  double,
  key,
  layer,
  requests: { create: "SandboxCreateV2", find: "SandboxGetFromNameV2", run: "TaskExecStart" }
})
