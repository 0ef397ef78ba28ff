import { assert, describe, it } from "@effect/vitest"
import * as Usage from "../src/Usage.ts"

describe("Usage", () => {
  it.prop(
    "is a sum: zero changes nothing, order and grouping do not matter",
    [Usage.Usage, Usage.Usage, Usage.Usage],
    ([a, b, c]) => {
      assert.deepStrictEqual(Usage.add(a, Usage.zero), a)
      assert.deepStrictEqual(Usage.add(Usage.zero, a), a)
      const sane = Usage.total(a) + Usage.total(b) + Usage.total(c) <= Number.MAX_SAFE_INTEGER
      if (!sane) return
      assert.deepStrictEqual(Usage.add(a, b), Usage.add(b, a))
      assert.deepStrictEqual(Usage.add(Usage.add(a, b), c), Usage.add(a, Usage.add(b, c)))
      assert.strictEqual(Usage.total(Usage.add(a, b)), Usage.total(a) + Usage.total(b))
    }
  )

  it("keeps a price that nobody knows apart from one that is 0", () => {
    const usage = { input: 1, cacheRead: 2, cacheWrite: 3, output: 4 }
    const bill = [Usage.known(0.5), Usage.unknown("no table"), Usage.known(0)].reduce(
      (sum, cost) => Usage.charge(sum, { usage, cost }),
      Usage.emptyBill
    )
    assert.deepStrictEqual(bill, {
      usd: 0.5,
      calls: 3,
      unpriced: 1,
      usage: { input: 3, cacheRead: 6, cacheWrite: 9, output: 12 }
    })
    assert.strictEqual(Usage.total(bill.usage), 30)
  })
})
