import { assert, describe, it } from "@effect/vitest"
import * as Run from "../src/Run.ts"

describe("Run.numbering", () => {
  it("numbers steps of one name in the order in which they begin", () => {
    const next = Run.numbering()
    assert.deepStrictEqual(["test", "lint", "test", "test"].map(next), ["test", "lint", "test#2", "test#3"])
  })

  it("never gives two steps one key, not even when a name looks like a numbered one", () => {
    const next = Run.numbering()
    const keys = ["fix#2", "fix", "fix", "fix#2", "fix"].map(next)
    assert.strictEqual(new Set(keys).size, keys.length, `two steps share a key: ${keys.join(", ")}`)
  })
})
