import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Metrics from "../src/Metrics.ts"
import * as Window from "../src/Window.ts"
import * as History from "./MetricsHistory.ts"

const { of } = History
const read = (...told: ReadonlyArray<ReadonlyArray<History.Told>>) =>
  History.journal(told.flat()).reduce(Metrics.step, Metrics.empty)
const window = (from: number, to: number) => Window.make(History.at(from), History.at(to))
const figuresOf = (state: Metrics.State, days = 7) =>
  Metrics.of(state, { window: window(0, days * 24), rate: 60 }).figures

const sum = { kind: "approve", cause: "plan", count: 3, activeMinutes: 90, unmeasured: 1 }
const steered = { kind: "steer", cause: "steered", count: 2, activeMinutes: 0, unmeasured: 2 }
const pruned = (more: object, hours = 200, item = "a"): History.Told => ({
  ...of(item),
  hours,
  fact: { _tag: "RunPruned", title: "t", facts: 9, ...more }
})
const known = { interventions: [sum, steered], began: History.at(10), ended: History.at(20) }
const numbers = ({ numerator, unknown }: { readonly numerator: number; readonly unknown: number }) => [
  numerator,
  unknown
]
const byName = ({ parts }: { readonly parts: ReadonlyArray<{ readonly name: string; readonly numerator: number }> }) =>
  parts.map(({ name, numerator }) => [name, numerator])

describe("The people of a run that was pruned", () => {
  it("are counted at its end, by kind and cause", () => {
    const state = read([pruned(known)])
    const { humanHours, interventions, interventionsByCause, interventionsByStage } = figuresOf(state)
    assert.deepStrictEqual(numbers(humanHours), [1.5, 3])
    assert.deepStrictEqual(interventions.numerator, 5)
    assert.deepStrictEqual(byName(interventions), [
      ["approve", 3],
      ["steer", 2]
    ])
    assert.deepStrictEqual(byName(interventionsByCause), [
      ["plan", 3],
      ["steered", 2]
    ])
    assert.deepStrictEqual(byName(interventionsByStage), [["(pruned)", 5]])
    assert.strictEqual(Metrics.window(state)?.from, History.at(10), "all that happened begins with the run")
  })

  it("are in one window, and one before it knows less", () => {
    const state = read([pruned(known)])
    const at = (from: number, to: number) => Metrics.of(state, { window: window(from, to), rate: 60 }).figures
    assert.deepStrictEqual([numbers(at(0, 20).humanHours), at(0, 20).interventions.numerator], [[0, 1], 0])
    assert.deepStrictEqual([numbers(at(20, 21).humanHours), at(20, 21).interventions.numerator], [[1.5, 3], 5])
    assert.deepStrictEqual([numbers(at(21, 300).humanHours), at(21, 300).interventions.numerator], [[0, 0], 0])
  })

  it("are unknown where that was not written down, and none where nobody was needed", () => {
    assert.deepStrictEqual(numbers(figuresOf(read([pruned({})]), 30).humanHours), [0, 1])
    assert.deepStrictEqual(numbers(figuresOf(read([pruned({ ...known, interventions: [] })])).humanHours), [0, 0])
  })

  it("count once, with some of its facts, all of them, or read twice", () => {
    const gate = History.gate(of("a"), [12, 13], { active: 30 })
    for (const told of [
      [...gate, pruned(known)],
      [pruned(known), pruned(known, 201)]
    ]) {
      const figures = figuresOf(read(told))
      assert.deepStrictEqual([numbers(figures.humanHours), figures.interventions.numerator], [[1.5, 3], 5])
    }
    const { humanHours, interventions } = figuresOf(read([History.started(of("a"), 10), ...gate, pruned(known)]))
    assert.deepStrictEqual([numbers(humanHours), interventions.numerator], [[0.5, 0], 1], "its facts were read")
  })

  const whole = (minimum: number, maximum: number) =>
    Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))
  const drawn = Arbitrary.array(Arbitrary.all([whole(0, 99), whole(0, 4), whole(0, 600)]), { maxLength: 8 })

  it.prop("add up over windows that follow each other", [drawn, whole(1, 99)], ([runs, middle]) => {
    const state = read(
      runs.map(([ended, count, activeMinutes], at) =>
        pruned({ ended: History.at(ended), interventions: [{ ...sum, count, activeMinutes }] }, 100 + at, `item-${at}`)
      )
    )
    const of = (from: number, to: number) => Metrics.of(state, { window: window(from, to), rate: 60 }).figures
    const [all, first, second] = [of(0, 100), of(0, middle), of(middle, 100)]
    for (const name of ["humanHours", "interventions", "interventionsByCause"] as const) {
      assert.closeTo(first[name].numerator + second[name].numerator, all[name].numerator, 1e-6, name)
    }
    assert.strictEqual(
      all.interventions.numerator,
      runs.reduce((total, [, count]) => total + count, 0)
    )
  })

  it("do not hide what is found in the run after it was pruned", () => {
    const found = History.intervened(of("a"), 210, { id: "git:1", kind: "edit", active: 30 })
    const { humanHours, interventions } = figuresOf(read([pruned(known), found]), 30)
    assert.deepStrictEqual([numbers(humanHours), interventions.numerator], [[2, 3], 6])
  })

  it("do not hide those of another run", () => {
    const other = [History.started(of("b"), 1), ...History.gate(of("b"), [2, 3], { active: 30 })]
    const { humanHours, interventions } = figuresOf(read(other, [pruned(known)]))
    assert.deepStrictEqual([numbers(humanHours), interventions.numerator], [[2, 3], 6])
  })
})
