import * as NodeServices from "@effect/platform-node/NodeServices"
import { afterAll, describe, it } from "@effect/vitest"
import * as Layer from "effect/Layer"
import * as SshSandbox from "../../src/adapters/SshSandbox.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import * as Sshd from "./sshd.ts"

if (Sshd.missing !== undefined) {
  describe("Sandbox: ssh", () => it.skip(`skipped: ${Sshd.missing}`, () => {}))
} else {
  const machine = await Sshd.start()
  afterAll(machine.stop)
  const options: SshSandbox.Options = {
    host: "127.0.0.1",
    port: machine.port,
    user: "root",
    identity: machine.identity,
    knownHosts: machine.knownHosts,
    config: "none",
    directory: `${machine.folder}/work`
  }
  SandboxTest.suite("ssh", Layer.provide(SshSandbox.layer(options), NodeServices.layer), { timeout: 240_000 })
}
