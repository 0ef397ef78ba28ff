import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as OrderedMap from "../src/internal/OrderedMap.ts"

const Keys = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })))

describe("OrderedMap", () => {
  it.prop(
    "is what a map is that is copied for each change, and what it was made of stays as it was",
    [Keys],
    ([drawn]) => {
      let ours = new OrderedMap.OrderedMap<number>()
      let theirs: ReadonlyMap<string, number> = new Map()
      const versions: Array<readonly [ReadonlyMap<string, number>, ReadonlyMap<string, number>]> = [[ours, theirs]]
      for (const [value, key] of drawn.entries()) {
        ours = ours.with(String(key), value)
        theirs = new Map(theirs).set(String(key), value)
        versions.push([ours, theirs])
      }
      for (const [one, other] of versions) {
        assert.deepStrictEqual([...one], [...other])
        assert.deepStrictEqual([...one.keys()], [...other.keys()])
        assert.deepStrictEqual([...one.values()], [...other.values()])
        assert.strictEqual(one.size, other.size)
        for (const key of "0123456789") {
          assert.strictEqual(one.get(key), other.get(key))
          assert.strictEqual(one.has(key), other.has(key))
        }
        const gone: Array<unknown> = []
        one.forEach((value, key) => gone.push([key, value]))
        assert.deepStrictEqual(gone, [...other])
        assert.deepStrictEqual([...OrderedMap.from(other)], [...other], "a plain map loses its order")
      }
    }
  )
})
