import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, it } from "@effect/vitest"
import * as Layer from "effect/Layer"
import * as ContainerSandbox from "../../src/adapters/ContainerSandbox.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import * as Image from "./image.ts"

if (Image.missing !== undefined) {
  describe("Sandbox: container", () => it.skip(`skipped: ${Image.missing}`, () => {}))
} else {
  const image = Image.make()
  SandboxTest.suite(
    "container",
    Layer.provide(ContainerSandbox.layerWith({ image, engine: "/usr/bin/podman" }), NodeServices.layer),
    { timeout: 240_000 }
  )
}
