import { describe } from "@effect/vitest"
import * as HarnessTest from "../../src/testing/HarnessTest.ts"
import * as Claude from "./ClaudeLab.ts"

describe.skipIf(Claude.program === undefined)(Claude.titled("with the program that npm installs"), () => {
  HarnessTest.suite("ClaudeCode over its CLI", (turns) => Claude.before(Claude.played(turns)), Claude.Services)
})
