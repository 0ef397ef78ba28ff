import * as SandboxTest from "../src/testing/SandboxTest.ts"
import * as StandIn from "./standIn.ts"

SandboxTest.suite("a stand-in that copies", StandIn.layer("copying", false))
