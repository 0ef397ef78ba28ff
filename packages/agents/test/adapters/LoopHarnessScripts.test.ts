import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"
import * as Wire from "./LoopWire.ts"

const Id = Schema.Literals(["same", "", "a", "functions.read:0", "é", "x".repeat(100)])
const Call = Schema.Union([
  Schema.Struct({
    id: Id,
    name: Schema.Literals(["read", "grep", "", "no such tool", "__proto__", "é"]),
    json: Schema.Literals([
      '{"path":"notes"}',
      '{"pattern":"n"}',
      "",
      "{",
      "[]",
      "null",
      '"text"',
      '{"path":5}',
      '{"path":"\\ud800"}',
      '{"__proto__":{"a":1}}'
    ])
  }),
  Schema.Struct({
    id: Id,
    name: Schema.Literal("outcome"),
    json: Schema.Literals(["", "{", '{"outcome":{"_tag":"Done","note":"a"}}', '{"outcome":{"_tag":"Done","note":"b"}}'])
  })
])
const Turn = Schema.Struct({
  text: Schema.optionalKey(Schema.Literals(["", " ", "I look.", "\ud83d half"])),
  calls: Schema.optionalKey(Schema.Array(Call).check(Schema.isMaxLength(5))),
  stop: Schema.optionalKey(Schema.Literals(["length"]))
})
const Script = Schema.Array(Turn).check(Schema.isMaxLength(8))

describe.each(Lab.protocols)("whatever a model says over %s", (protocol) => {
  it.effect.prop(
    "each request is one that the API takes, and begins with the one before it",
    [Script],
    ([script]) =>
      Effect.gen(function* () {
        yield* workspace({ notes: "n\n" })
        const lab = yield* Wire.start(protocol, script)
        const first = yield* Effect.result(lab.run({ maxTurns: 12 }))
        // A person asks further, with an outcome that is none: the session goes on.
        if (first._tag === "Success")
          yield* Effect.result(lab.run({ session: first.success.session, prompt: "Go on." }))
        else assert.include(["NoOutcome", "InACircle"], first.failure.reason, String(first.failure))
        yield* lab.check
        assert.isAtMost(lab.bodies.length, 2 * script.length + 4)
        const results = (yield* lab.facts("ToolCalled")).length
        const made = script.flatMap(({ calls = [], stop }) => (stop === "length" ? [] : calls))
        assert.isAtMost(results, made.filter(({ name }) => name !== "outcome").length, "a call ran twice")
      }).pipe(Effect.scoped, Effect.provide(Lab.Services)),
    { arbitrary: { runs: 60 }, timeout: 120_000 }
  )
})

describe.each(Lab.protocols)("a model that says nothing over %s", (protocol) => {
  it.live("after it was warned: what is said next stands behind the warning", () =>
    Effect.gen(function* () {
      yield* workspace({ notes: "n\n" })
      const call = (id: string) => ({ ...Wire.outcome("b"), id })
      const lab = yield* Wire.start(protocol, [{ stop: "length", calls: ["", "same", "same"].map(call) }, {}])
      yield* lab.run({ maxTurns: 12 })
      yield* lab.check
      assert.strictEqual(lab.bodies.length, 3, "it was warned, said nothing, and was reminded")
    }).pipe(Effect.scoped, Effect.provide(Lab.Services))
  )
})
