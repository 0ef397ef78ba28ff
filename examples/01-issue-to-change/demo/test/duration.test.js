import assert from "node:assert/strict"
import { test } from "node:test"
import { format, parse } from "../src/duration.js"

test("parse adds up the parts", () => {
  assert.equal(parse("1h 30m"), 5_400_000)
  assert.equal(parse("250ms"), 250)
})

test("parse refuses what is no duration", () => {
  assert.throws(() => parse("1 fortnight"), /Not a duration: "1"/)
})

test("format writes a single unit", () => {
  assert.equal(format(3_600_000), "1h")
  assert.equal(format(172_800_000), "2d")
  assert.equal(format(250), "250ms")
})

test("format writes nothing as 0ms", () => {
  assert.equal(format(0), "0ms")
})
