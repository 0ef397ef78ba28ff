import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import { requires } from "../Requires.ts"
import * as StandIn from "./standIn.ts"

SandboxTest.suite("a stand-in that copies", StandIn.layer("copying", false))

requires("mount", StandIn.missing, () => SandboxTest.suite("a stand-in that mounts", StandIn.layer("mounting", true)))
