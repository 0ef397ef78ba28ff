import assert from "node:assert/strict"
import { test } from "node:test"
import { total } from "../src/price.js"

test("the total is the sum of all items", () => {
  assert.equal(total([{ cents: 600, count: 2 }, { cents: 250, count: 1 }]), 1450)
})

test("nothing costs nothing", () => {
  assert.equal(total([]), 0)
})

test("an order of 100.00 or more costs a tenth less", () => {
  assert.equal(total([{ cents: 600, count: 20 }]), 10_800)
  assert.equal(total([{ cents: 10_000, count: 1 }]), 9000)
})

test("an order below 100.00 costs what it costs", () => {
  assert.equal(total([{ cents: 9_999, count: 1 }]), 9_999)
})
