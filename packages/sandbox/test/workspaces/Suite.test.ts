import { it } from "@effect/vitest"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import * as StandIn from "./standIn.ts"

SandboxTest.suite("a stand-in that copies", StandIn.layer("copying", false))

if (StandIn.canMount) SandboxTest.suite("a stand-in that mounts", StandIn.layer("mounting", true))
else it.skip("a stand-in that mounts: this process may not mount overlays")
