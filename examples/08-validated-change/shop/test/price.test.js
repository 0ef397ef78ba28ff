import assert from "node:assert/strict"
import { test } from "node:test"
import { total } from "../src/price.js"

test("the total is the sum of all items", () => {
  assert.equal(total([{ cents: 600, count: 2 }, { cents: 250, count: 1 }]), 1450)
})

test("nothing costs nothing", () => {
  assert.equal(total([]), 0)
})
