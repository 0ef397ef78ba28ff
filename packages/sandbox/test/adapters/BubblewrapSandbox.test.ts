/** The sandbox over bubblewrap: every promise of the port, and what it claims beyond. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Layer from "effect/Layer"
import * as BubblewrapSandbox from "../../src/adapters/BubblewrapSandbox.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"

SandboxTest.suite("bubblewrap", Layer.provide(BubblewrapSandbox.layer, NodeServices.layer))
