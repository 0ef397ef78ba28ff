import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as GatePlan from "../src/GatePlan.ts"

const Millis = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))

describe("GatePlan", () => {
  it.prop(
    "is in order, bounded, has every tier before the end once, and ends with the end",
    [Schema.NullOr(Millis), Schema.Array(Millis), Schema.NullOr(Millis)],
    ([remind, drawn, end]) => {
      const tiers = drawn.slice(0, 5)
      const plan = GatePlan.make(
        {
          ...(remind !== null && { remind }),
          escalate: tiers.map((after, index) => ({ after, to: String(index) }))
        },
        end === null ? undefined : { after: end }
      )
      if (typeof plan === "string") return assert.fail(plan)
      const times = plan.map(({ at }) => at)
      assert.deepStrictEqual(
        times,
        [...new Set(times)].toSorted((a, b) => a - b),
        "two steps at one time, or out of order"
      )
      assert.isAtMost(plan.length, GatePlan.mostReminders + tiers.length + 1)
      assert.strictEqual(plan.filter(({ level }) => level === undefined).length, end === null ? 0 : 1)
      if (end !== null) assert.deepStrictEqual(plan.at(-1), { at: end }, "something is due after the end")
      for (const [index, step] of plan.entries()) {
        if (step.level === undefined) continue
        const passed = tiers.filter((after) => after <= step.at).length
        assert.strictEqual(step.level, passed, `the level after ${step.at} ms`)
        // Wherever a pause ends, the newest step that is due is the one that is told.
        for (const elapsed of [step.at, step.at + 1, step.at + 2_000]) {
          const at = GatePlan.reached(plan, { elapsed, from: index })
          assert.isAtLeast(at, index)
          assert.isTrue((plan[at + 1]?.at ?? Infinity) > elapsed, "a newer step was due")
          assert.isTrue((plan[at]?.at ?? Infinity) <= elapsed, "a step was told before its time")
        }
      }
    }
  )

  it.each(["0 millis", "-1 seconds", "Infinity", Number.NaN] as const)("can not be kept with %s", (after) => {
    assert.isString(GatePlan.make({ remind: after }, undefined))
    assert.isString(GatePlan.make({ escalate: [{ after, to: "lead" }] }, undefined))
    assert.isString(GatePlan.make({}, { after }))
  })

  it("asks whom the route of a severity names, tier by tier, and the last one again", () => {
    const routes = {
      medium: { to: ["team"] },
      high: { to: ["team", "lead"], stale: "1 hour" },
      critical: { to: ["lead", "on call", "director"], stale: "10 minutes", again: 3 }
    } as const
    const told = (severity: GatePlan.Severity) => {
      const plan = GatePlan.make(GatePlan.escalation(routes, severity), undefined)
      return typeof plan === "string" ? plan : plan.map(({ at, level, to }) => [at / 60_000, level, to])
    }
    assert.deepStrictEqual(told("medium"), [
      [240, 1, "team"],
      [480, 2, "team"],
      [720, 3, "team"]
    ])
    assert.deepStrictEqual(told("high"), [
      [60, 1, "team"],
      [120, 2, "lead"],
      [180, 3, "lead"]
    ])
    assert.deepStrictEqual(told("critical"), [
      [10, 1, "lead"],
      [20, 2, "on call"],
      [30, 3, "director"],
      [40, 4, "director"]
    ])
  })

  it.each([
    { again: -1 },
    { again: 0.5 },
    { again: 21 },
    { again: Number.NaN },
    { stale: 0 },
    { stale: "-1 hours" }
  ] as const)("can not keep a route with %j", (part) => {
    const route = { to: ["team"], ...part } as const
    const routes = { medium: route, high: route, critical: route }
    assert.isString(GatePlan.make(GatePlan.escalation(routes, "high"), undefined))
  })

  it("tells a step whose clock is a little early", () => {
    const plan = GatePlan.make({ remind: 100 }, undefined)
    assert.strictEqual(typeof plan === "string" ? plan : GatePlan.reached(plan, { elapsed: 99, from: 0 }), 0)
  })
})
