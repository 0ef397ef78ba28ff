import { describe } from "@effect/vitest"
import * as HarnessTest from "../../src/testing/HarnessTest.ts"
import * as Claude from "./ClaudeLab.ts"

// Where npm has no program for this machine, there is none to be tested.
describe.skipIf(Claude.program === undefined)("with the program that npm installs", () => {
  HarnessTest.suite("ClaudeCode over its CLI", (turns) => Claude.before(Claude.played(turns)), Claude.Services)
})
