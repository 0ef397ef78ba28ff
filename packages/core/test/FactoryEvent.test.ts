import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as FactoryEvent from "../src/FactoryEvent.ts"
import * as Journal from "../src/Journal.ts"

const event: FactoryEvent.FactoryEvent = {
  version: FactoryEvent.version,
  seq: 1,
  at: 0,
  line: null,
  run: null,
  item: null,
  stage: null,
  actor: { _tag: "Host" },
  fact: { _tag: "LineResumed" }
}

describe("FactoryEvent", () => {
  it.effect.prop(
    "is the same after it was written and read, whatever the fact",
    [FactoryEvent.FactoryEvent],
    ([each]) =>
      Effect.gen(function* () {
        const text = yield* Schema.encodeEffect(Journal.Json)(each)
        const read = yield* Schema.decodeUnknownEffect(Journal.Json)(text)
        // JSON has no -0.
        assert.deepStrictEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(each)))
        assert.strictEqual(
          yield* Schema.encodeEffect(Journal.Json)(read),
          text,
          "and is written the same a second time"
        )
      }),
    { arbitrary: { runs: 300 } }
  )

  it.effect.each([
    ["a later version", { ...event, version: 2 }, "version"],
    ["no version", { ...event, version: undefined }, "version"],
    ["a fact that this version does not know", { ...event, fact: { _tag: "MoonLanded" } }, "fact"],
    ["a fact without its fields", { ...event, fact: { _tag: "Commented", item: "i" } }, "body"],
    ["a seq that is no number of a place", { ...event, seq: -1 }, "seq"]
  ] as const)("refuses %s and names what is wrong", ([_, each, named]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Schema.decodeUnknownEffect(Journal.Json)(JSON.stringify(each)))
      assert.include(error.message, named)
    })
  )

  it("has no fact whose name is another's", () => {
    const names = Object.keys(FactoryEvent.Fact.cases)
    assert.strictEqual(new Set(names.map((name) => name.toLowerCase())).size, names.length)
  })
})
