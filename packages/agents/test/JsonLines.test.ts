import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as JsonLines from "../src/internal/JsonLines.ts"

const Value = Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Int, Schema.Null]))
const Noise = Schema.Literals(["", "noise", "[1]", "null", "{", '{"half": ', '"{}"', "\r", " "])

describe("lines of JSON", () => {
  it.effect.prop(
    "give the same messages however the bytes are cut, and nothing of what is none",
    [
      Schema.Array(Schema.Union([Value, Noise])),
      Schema.Array(Schema.Int.check(Schema.isGreaterThan(0), Schema.isLessThan(50)))
    ],
    ([lines, cuts]) =>
      Effect.sync(() => {
        const bytes = Buffer.from(
          lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("")
        )
        const read = JsonLines.make(1_000_000)
        const messages: Array<JsonLines.Message> = []
        let from = 0
        for (const cut of cuts) {
          messages.push(...read.push(bytes.subarray(from, from + cut)))
          from += cut
        }
        messages.push(...read.push(bytes.subarray(from)))
        assert.strictEqual(
          JSON.stringify(messages),
          JSON.stringify(
            lines.filter((line) => typeof line !== "string").map((line) => JSON.parse(JSON.stringify(line)))
          )
        )
      })
  )

  it("leave out a line that is too long, and read the next one", () => {
    const read = JsonLines.make(20)
    assert.deepStrictEqual(read.push(Buffer.from(`{"a":"${"x".repeat(30)}"`)), [])
    assert.deepStrictEqual(read.push(Buffer.from(`}\n{"b":1}\n`)), [{ b: 1 }])
  })

  it("are read when they have ended, and not before", () => {
    const read = JsonLines.make(20)
    assert.deepStrictEqual(read.push(Buffer.from('{"a":1}')), [])
    assert.deepStrictEqual(read.push(Buffer.from("\n")), [{ a: 1 }])
  })
})
