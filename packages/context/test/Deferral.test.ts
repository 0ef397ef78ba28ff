import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Deferral from "../src/Deferral.ts"

const Size = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: -10_000, maximum: 1_000_000 })),
  Schema.Literals([0, 5_000]),
  Schema.Number
])
const Sizes = Schema.Struct({ definitions: Size, prefix: Size, index: Size, isCached: Schema.Boolean })
const More = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

/** If the one, then the other. */
const assertImplies = (one: boolean, other: boolean, message: string) => assert.isTrue(!one || other, message)

describe("whether to defer", () => {
  it.prop("is no, when there is nothing to save", [Sizes], ([given]) => {
    assertImplies(!(given.definitions > given.index), !Deferral.decide(given), "The index is no smaller")
    assert.isFalse(Deferral.decide({ ...given, definitions: 0 }), "There are no tools")
  })

  it.prop(
    "is no, when a size is not known",
    [Sizes, Schema.Literals(["definitions", "prefix", "index"])],
    ([given, name]) => {
      assert.isFalse(Deferral.decide({ ...given, [name]: Number.NaN }), name)
    }
  )

  it.prop(
    "stays yes with more definitions, a shorter prefix, a smaller index, and a cache",
    [Sizes, More],
    ([given, by]) => {
      const isYes = Deferral.decide(given)
      const stays = (changes: Partial<Deferral.Sizes>, message: string) =>
        assertImplies(isYes, Deferral.decide({ ...given, ...changes }), message)
      stays({ definitions: given.definitions + by }, "more definitions")
      stays({ prefix: given.prefix - by }, "a shorter prefix")
      stays({ index: given.index - by }, "a smaller index")
      stays({ isCached: true }, "a cache")
    }
  )

  it.prop("takes a size below nothing for nothing", [Sizes, More], ([given, by]) => {
    for (const name of ["prefix", "index"] as const) {
      const below = Deferral.decide({ ...given, [name]: -by })
      assert.strictEqual(below, Deferral.decide({ ...given, [name]: 0 }), `${name}: ${-by}`)
    }
  })

  it("is yes for a hundred tools behind a usual prompt, and no for a few", () => {
    for (const isCached of [true, false]) {
      assert.isTrue(Deferral.decide({ definitions: 17_000, index: 2_350, prefix: 10_000, isCached }))
      assert.isFalse(Deferral.decide({ definitions: 3_000, index: 2_350, prefix: 2_000, isCached }))
    }
  })

  it("is yes behind a long prompt only where most of it is read from a cache", () => {
    const sizes = { definitions: 17_000, index: 2_400, prefix: 20_000 }
    assert.isTrue(Deferral.decide({ ...sizes, isCached: true }))
    assert.isFalse(Deferral.decide({ ...sizes, isCached: false }))
  })
})
