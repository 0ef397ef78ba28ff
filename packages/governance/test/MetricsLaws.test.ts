import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Metrics from "../src/Metrics.ts"
import * as Window from "../src/Window.ts"
import * as History from "./MetricsHistory.ts"

const whole = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

const authors = ["agent", "human", "mixed", "unknown"] as const
const kinds = ["edit", "review", "takeover", "pickup"] as const

/** What becomes of one item, by a few small numbers. All times are quarters of an hour. */
const drawnItem = Arbitrary.all([
  whole(0, 1_200),
  Arbitrary.array(whole(1, 40), { minLength: 6, maxLength: 6 }),
  whole(0, 5),
  whole(0, 3),
  whole(0, 7),
  whole(0, 4)
])

const told = (
  [begin, lengths, end, author, touched, wrong]: typeof drawnItem extends Arbitrary.Arbitrary<infer A> ? A : never,
  at: number
): ReadonlyArray<History.Told> => {
  const item = History.of(`item-${at}`)
  let now = begin / 4
  const pass = (step: number) => (now += (lengths[step] ?? 1) / 4)
  const implement = [now, pass(0)] as const
  const review = [now, pass(1)] as const
  const asked = now
  const answered = pass(2)
  const over = pass(3)
  const spent = { usd: 0, tokens: 0, unpriced: 0 }
  return [
    History.started(item, implement[0]),
    { ...item, hours: implement[0], fact: { _tag: "AttemptBegun", part: "rework", attempt: 1, spent } },
    ...History.stage(item, implement, { name: "implement", usd: author === 0 ? null : (lengths[4] ?? 1) / 8 }),
    ...History.stage(item, review, { name: "review", role: "Review", usd: 0.1 }),
    ...(touched === 7
      ? [
          {
            ...item,
            hours: review[1],
            fact: { _tag: "AttemptRefused" as const, part: "rework", attempt: 1, failures: [], repeated: 0, spent }
          }
        ]
      : []),
    ...(touched % 3 === 1 ? History.gate(item, [asked, answered], { active: touched > 3 ? 12.5 : null }) : []),
    ...(touched % 4 === 2
      ? [History.intervened(item, asked, { id: `git:${at}`, kind: kinds[author] ?? "edit", active: touched })]
      : []),
    ...(touched === 5 ? History.gate(item, [asked, undefined], { name: "spec" }) : []),
    ...(end === 0 ? [] : end === 1 ? [History.parked(item, over)] : [History.finished(item, over)]),
    ...(end > 2 ? [History.shipped(item, over, `pr-${at}`, authors[author] ?? "agent")] : []),
    ...(end > 2 && wrong === 1 ? [History.defect(over + (lengths[5] ?? 1) * 20, `bug-${at}`, `pr-${at}`)] : []),
    ...(wrong === 2 ? [History.defect(over, `incident-${at}`, null, "incident")] : [])
  ]
}

const items = Arbitrary.array(drawnItem, { minLength: 0, maxLength: 8 })
const made = (drawn: ReadonlyArray<Parameters<typeof told>[0]>) => drawn.map((item, at) => told(item, at))
const read = (told: ReadonlyArray<History.Told>, state = Metrics.empty) =>
  History.journal(told).reduce(Metrics.step, state)

const rate = 30
const worth = () => 10
const window = Window.make(History.at(0), History.at(14 * 24))
const figuresOf = (state: Metrics.State, more: Partial<Metrics.Options> = {}) =>
  Metrics.of(state, { window, rate, worth, ...more }).figures

describe("Metrics, whatever happened", () => {
  it.prop("have figures that a schema holds, and no value where there is nothing to divide by", [items], ([drawn]) => {
    const metrics = Metrics.of(read(made(drawn).flat()), { window, rate })
    assert.isTrue(Schema.is(Metrics.Metrics)(metrics), JSON.stringify(metrics))
    for (const { denominator, name, parts, value } of Object.values(metrics.figures)) {
      if (denominator === 0) assert.isNull(value, `${name} has a value out of nothing`)
      for (const part of parts) if (part.denominator === 0) assert.isNull(part.value, `${name}, ${part.name}`)
    }
  })

  it.prop("are figures also where clocks go back, or say what can not be", [items, Schema.Natural], ([drawn, odd]) => {
    const events = History.journal(made(drawn).flat())
    const times = events.map(({ at }, n) => (n === odd % events.length ? Number.MAX_SAFE_INTEGER : at)).toReversed()
    const state = events.map((event, n) => ({ ...event, at: times[n] ?? 0 })).reduce(Metrics.step, Metrics.empty)
    for (const each of [window, Metrics.window(state) ?? window]) {
      assert.isTrue(Schema.is(Metrics.Metrics)(Metrics.of(state, { window: each, rate })))
    }
  })

  it.prop("are the same when the journal, or a part of it, is read twice", [items, Schema.Natural], ([drawn, part]) => {
    const events = History.journal(made(drawn).flat())
    const once = events.reduce(Metrics.step, Metrics.empty)
    const again = events.slice(0, part % (events.length + 1))
    assert.deepStrictEqual(figuresOf(again.reduce(Metrics.step, once)), figuresOf(once))
    assert.deepStrictEqual(figuresOf(events.reduce(Metrics.step, once)), figuresOf(once))
  })

  it.prop("do not depend on how runs are interleaved", [items], ([drawn]) => {
    const inTime = figuresOf(read(made(drawn).flat()))
    // One run after the other, the last one first; each has its own order.
    const events = made(drawn)
      .toReversed()
      .flatMap((own) => History.journal(own))
      .map((event, at) => ({ ...event, seq: at + 1 }))
    assert.deepStrictEqual(figuresOf(events.reduce(Metrics.step, Metrics.empty)), inTime)
  })

  it.prop("have parts that add up", [items], ([drawn]) => {
    const figures = figuresOf(read(made(drawn).flat()))
    const { autonomy, escapedDefects, fullyAutomated, interventions, semiAutomated } = figures
    const byHand = autonomy.parts.find(({ name }) => name === "by hand")?.numerator ?? 0
    assert.strictEqual(
      fullyAutomated.numerator + semiAutomated.numerator + byHand + fullyAutomated.unknown,
      fullyAutomated.denominator,
      "every change that shipped was made by agents alone, with people, by hand, or nobody knows"
    )
    const sum = (figure: (typeof figures)[Metrics.Name], of: "numerator" | "denominator") =>
      figure.parts.reduce((sum, part) => sum + part[of], 0)
    for (const figure of [
      autonomy,
      escapedDefects,
      interventions,
      figures.interventionsByCause,
      figures.interventionsByStage
    ]) {
      assert.strictEqual(sum(figure, "numerator"), figure.numerator, figure.name)
    }
    for (const figure of [escapedDefects, figures.firstPass, figures.stageHealth, figures.stageCoverage]) {
      assert.strictEqual(sum(figure, "denominator"), figure.denominator, figure.name)
    }
  })

  const counted = ["fullyAutomated", "semiAutomated", "autonomy", "escapedDefects", "rework"] as const
  const additive = [
    ...counted,
    ...["costPerShipped", "humanHours", "interventions", "validationRuns", "validationTokens"],
    ...[
      "validationTime",
      "validationMoney",
      "cacheRead",
      "stageHealth",
      "firstPass",
      "reworkAttempts",
      "parked",
      "pickedUp"
    ]
  ] as ReadonlyArray<Metrics.Name>

  it.prop("add up over windows that follow each other", [items, whole(1, 14 * 24 - 1)], ([drawn, middle]) => {
    const state = read(made(drawn).flat())
    const whole = figuresOf(state)
    const halves = [Window.make(window.from, History.at(middle)), Window.make(History.at(middle), window.to)].map(
      (window) => figuresOf(state, { window })
    )
    for (const name of additive) {
      for (const part of ["numerator", "denominator"] as const) {
        const sum = halves.reduce((sum, half) => sum + half[name][part], 0)
        assert.closeTo(sum, whole[name][part], 1e-6, `${part} of ${name}`)
      }
    }
    for (const name of counted) {
      const sum = halves.reduce((sum, half) => sum + half[name].unknown, 0)
      assert.strictEqual(sum, whole[name].unknown, `what is not known of ${name}`)
    }
  })

  it.prop("of a window that is over are not changed by what happens later", [items, whole(1, 14)], ([drawn, days]) => {
    const week = Window.make(window.from, History.at(days * 24))
    const events = History.journal(made(drawn).flat())
    const early = events.filter(({ at }) => at < week.to).reduce(Metrics.step, Metrics.empty)
    const late = events.reduce(Metrics.step, Metrics.empty)
    const followUp = "1 hour"
    const then = figuresOf(early, { window: week, asOf: week.to + Window.hour, followUp })
    const now = figuresOf(late, { window: week, asOf: week.to + Window.hour, followUp })
    assert.deepStrictEqual(now, then)
  })
})
