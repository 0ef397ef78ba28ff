import { assert, describe, it } from "@effect/vitest"
import * as ToolListing from "@millwright/context/ToolListing"

describe("ToolListing", () => {
  it("takes a plain tool as it is", () => {
    const { quarantined, tools } = ToolListing.parse([
      {
        name: "read_file",
        description: "Reads a file.\nAll of it.",
        inputSchema: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
        annotations: { readOnlyHint: true }
      }
    ])
    assert.deepStrictEqual(quarantined, [])
    assert.strictEqual(tools[0]?.description, "Reads a file.\nAll of it.")
  })
})
