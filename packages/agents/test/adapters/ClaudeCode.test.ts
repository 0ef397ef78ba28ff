import { describe, it } from "@effect/vitest"
import * as HarnessTest from "../../src/testing/HarnessTest.ts"
import * as Claude from "./ClaudeLab.ts"

if (Claude.program === undefined) {
  describe("ClaudeCode over its CLI", () => {
    it("has no program for this machine: @anthropic-ai/claude-code did not install one", (context) => context.skip())
  })
} else {
  HarnessTest.suite("ClaudeCode over its CLI", (turns) => Claude.before(Claude.played(turns)), Claude.Services)
}
