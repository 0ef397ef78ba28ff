import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Digest from "../src/Digest.ts"

const reversed = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(reversed)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .reverse()
            .map(([key, each]) => [key, reversed(each)])
        )
      : value

describe("Digest", () => {
  it("is SHA-256, of a text as of its UTF-8", () => {
    assert.strictEqual(Digest.of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    assert.strictEqual(Digest.of("größe"), Digest.of(new TextEncoder().encode("größe")))
    assert.strictEqual(Digest.short(Digest.of("")), "e3b0c44298fc")
  })

  it.prop("of JSON does not depend on the order of keys, nor on writing and reading", [Schema.Json], ([json]) => {
    const digest = Digest.ofJson(json)
    assert.isTrue(Schema.is(Digest.Digest)(digest), "a digest as its schema has it")
    assert.strictEqual(Digest.ofJson(reversed(json)), digest)
    assert.strictEqual(Digest.ofJson(JSON.parse(JSON.stringify(json))), digest)
  })

  it("of JSON depends on everything else", () => {
    const values = [
      null,
      0,
      "",
      false,
      [],
      {},
      [[]],
      [{}],
      { a: 1 },
      { a: "1" },
      { b: 1 },
      [1, 2],
      [2, 1],
      "\ud800",
      "\ud801",
      { a: { b: 1 } },
      { a: [] }
    ]
    assert.strictEqual(new Set(values.map(Digest.ofJson)).size, values.length)
    assert.strictEqual(Digest.ofJson(undefined), Digest.ofJson(null), "what JSON can not hold is null")
  })
})
