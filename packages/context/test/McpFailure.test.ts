import { assert, describe, it } from "@effect/vitest"
import * as McpFailure from "../src/internal/McpFailure.ts"

describe("a failure of an MCP server", () => {
  it("is read in no time, however long its message is", () => {
    // Each "tool" is where "tool … not found" could begin: 32 MB of them would take ten seconds.
    const thrown = { code: -32_602, message: "tool ".repeat(6_000_000) }
    assert.strictEqual(McpFailure.read(thrown).reason, "Protocol")
    assert.isBelow(McpFailure.messageOf(thrown).length, 20_000)
  })
})
