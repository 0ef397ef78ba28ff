import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@millwright/core/Actor"
import type * as Intervention from "@millwright/core/Intervention"
import type * as Schema from "effect/Schema"
import * as Autonomy from "../src/Autonomy.ts"

type Met = Parameters<typeof Autonomy.of>[0][number]
const met = (kind: Intervention.Kind, answer: Schema.Json = null): Met => ({
  kind,
  answered: { by: Actor.human("ada"), at: 2, answer, waited: 1, activeMinutes: null }
})

describe("Autonomy", () => {
  it("is the highest that any intervention was", () => {
    const cases: ReadonlyArray<readonly [Autonomy.Level, ...ReadonlyArray<Met>]> = [
      ["zero-touch"],
      ["approved", met("approve", { approved: true, note: "" })],
      ["steered", met("approve", { approved: false, note: "Smaller." })],
      ["steered", met("approve"), met("answer")],
      ["steered", met("ask")],
      ["steered", met("steer")],
      ["steered", met("interrupt")],
      ["steered", met("pickup")],
      ["steered", met("review")],
      ["edited", met("approve"), met("edit"), met("steer")],
      ["taken over", met("takeover"), met("edit")]
    ]
    for (const [level, ...all] of cases) {
      assert.strictEqual(Autonomy.of(all, true), level)
      assert.strictEqual(Autonomy.of(all.toReversed(), true), level, "the order makes no difference")
      assert.strictEqual(Autonomy.of([...all, ...all], true), level, "a repetition makes no difference")
    }
  })

  it("counts a gate whose time ran out, since a human was needed, and none that was withdrawn before anybody answered", () => {
    const { answered, kind } = met("approve")
    assert.strictEqual(Autonomy.of([{ kind, answered: answered && { ...answered, timedOut: true } }], true), "approved")
    assert.strictEqual(Autonomy.of([{ kind, answered: null }], true), "approved", "asked and not answered yet")
    assert.strictEqual(Autonomy.of([{ kind, answered: null, withdrawn: true }], true), "zero-touch")
    assert.strictEqual(Autonomy.of([{ kind, answered, withdrawn: true }], true), "approved")
  })

  it("is found among more interventions than a call may have arguments", () => {
    assert.strictEqual(
      Autonomy.of([...Array.from({ length: 300_000 }, () => met("steer")), met("edit")], true),
      "edited"
    )
  })

  it("is unknown where not all was observed, unless nothing could raise it", () => {
    assert.strictEqual(Autonomy.of([], false), "unknown")
    assert.strictEqual(Autonomy.of([met("edit")], false), "unknown")
    assert.strictEqual(Autonomy.of([], true, "unknown"), "unknown")
    assert.strictEqual(Autonomy.of([met("takeover")], false, "unknown"), "taken over")
  })

  it("is not lowered by who is said to be the author, and raised by a human's lines that nobody saw being written", () => {
    assert.strictEqual(Autonomy.of([met("edit")], true, "agent"), "edited")
    assert.strictEqual(Autonomy.of([], true, "mixed"), "edited")
    assert.strictEqual(Autonomy.of([met("approve")], true, "human"), "taken over")
  })
})
