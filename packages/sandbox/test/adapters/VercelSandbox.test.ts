import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as VercelSandbox from "../../src/adapters/VercelSandbox.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import * as Double from "../doubles/Double.ts"
import * as Faults from "../doubles/Faults.ts"
import { key } from "../doubles/Machine.ts"
import { lengthy } from "../Requires.ts"

const double = await Double.start("vercel")

// The SDK knows one address only; its requests go to the double, with all else as they are.
const toDouble: typeof fetch = (input, init) => {
  const { pathname, search } = new URL(input instanceof Request ? input.url : input)
  return fetch(`${double.url}${pathname}${search}`, init)
}

const layer = (token: string, patience: number) =>
  Layer.provide(
    VercelSandbox.layer({
      ...{ token: Redacted.make(token), teamId: "team", projectId: "project" },
      ...{ patience, fetch: toDouble }
    }),
    NodeServices.layer
  )

// On the same relay as that of E2B, which always runs.
lengthy("vercel", () => SandboxTest.suite("vercel", layer(key, 20_000), { timeout: 180_000 }))

Faults.suite({
  name: "vercel",
  double,
  key,
  layer,
  requests: { create: "POST /api/v3/sandboxes", find: "GET /api/v2/sandboxes", run: "/cmd" }
})
