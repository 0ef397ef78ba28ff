/**
 * Reference values are from SciPy and exact fractions (`fixtures/statistics.py`). What is said of intervals and of early
 * stopping is simulated with seeds.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import * as Distribution from "../src/internal/Distribution.ts"
import * as Judge from "../src/Judge.ts"
import * as Proportion from "../src/Proportion.ts"
import * as Satisfaction from "../src/Satisfaction.ts"
import * as TrialPlan from "../src/TrialPlan.ts"

const Numbers = Schema.Array(Schema.Number)
const Reference = Schema.Struct({
  interval: Schema.Array(
    Schema.Struct({
      hits: Schema.Number,
      of: Schema.Number,
      confidence: Schema.Number,
      wilson: Numbers,
      exact: Numbers
    })
  ),
  normalQuantile: Schema.Array(Schema.Tuple([Schema.Number, Schema.Number])),
  beta: Schema.Array(Schema.Tuple([Schema.Number, Schema.Number, Schema.Number, Schema.Number])),
  betaQuantile: Schema.Array(Schema.Tuple([Schema.Number, Schema.Number, Schema.Number, Schema.Number])),
  logGamma: Schema.Array(Schema.Tuple([Schema.Number, Schema.Number])),
  pass: Schema.Array(
    Schema.Struct({ hits: Schema.Number, of: Schema.Number, k: Schema.Number, all: Schema.Number, any: Schema.Number })
  ),
  mcNemar: Schema.Array(Schema.Tuple([Schema.Number, Schema.Number, Schema.Number])),
  kappa: Schema.Array(
    Schema.Struct({
      table: Schema.Tuple([Schema.Tuple([Schema.Number, Schema.Number]), Schema.Tuple([Schema.Number, Schema.Number])]),
      kappa: Schema.Number
    })
  ),
  corrected: Schema.Array(
    Schema.Struct({
      count: Schema.Tuple([Schema.Number, Schema.Number]),
      sensitivity: Schema.Tuple([Schema.Number, Schema.Number]),
      specificity: Schema.Tuple([Schema.Number, Schema.Number]),
      confidence: Schema.Number,
      rate: Schema.Number,
      low: Schema.Number,
      high: Schema.Number
    })
  ),
  halfWidth: Schema.Array(
    Schema.Struct({ rate: Schema.Number, halfWidth: Schema.Number, confidence: Schema.Number, n: Schema.Number })
  ),
  difference: Schema.Array(
    Schema.Struct({
      from: Schema.Number,
      to: Schema.Number,
      alpha: Schema.Number,
      power: Schema.Number,
      n: Schema.Number
    })
  ),
  pairs: Schema.Array(
    Schema.Struct({
      difference: Schema.Number,
      discordant: Schema.Number,
      alpha: Schema.Number,
      power: Schema.Number,
      n: Schema.Number
    })
  )
})
const reference = Schema.decodeUnknownSync(Schema.fromJsonString(Reference))(
  readFileSync(new URL("fixtures/statistics.json", import.meta.url), "utf8")
)

/** What is not as the reference has it. */
const apart = (what: string, actual: number | undefined, expected: number | undefined): ReadonlyArray<string> =>
  actual !== undefined &&
  expected !== undefined &&
  Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected))
    ? []
    : [`${what} is ${actual}, and the reference says ${expected}`]

/** Numbers from 0 up to below 1, the same for the same seed (mulberry32). */
const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
}

describe("equal to the reference, to 1e-9", () => {
  it("distributions", () => {
    const { beta, betaQuantile, logGamma, normalQuantile } = reference
    const wrong = [
      ...normalQuantile.flatMap(([p, is]) => apart(`quantile ${p}`, Distribution.normalQuantile(p), is)),
      ...beta.flatMap(([x, a, b, is]) => apart(`beta ${x} ${a} ${b}`, Distribution.beta(x, a, b), is)),
      ...betaQuantile.flatMap(([p, a, b, is]) => apart(`quantile ${p}`, Distribution.betaQuantile(p, a, b), is)),
      ...logGamma.flatMap(([x, is]) => apart(`log gamma ${x}`, Distribution.logGamma(x), is))
    ]
    assert.deepStrictEqual(wrong, [])
  })

  it("intervals", () => {
    const wrong = reference.interval.flatMap(({ confidence, exact, hits, of, wilson }) => {
      const [w, e] = [Proportion.wilson, Proportion.exact].map((interval) => interval({ hits, of }, { confidence }))
      const what = `${hits} of ${of} at ${confidence}`
      return [
        ...apart(`Wilson's low of ${what}`, w?.low, wilson[0]),
        ...apart(`Wilson's high of ${what}`, w?.high, wilson[1]),
        ...apart(`the exact low of ${what}`, e?.low, exact[0]),
        ...apart(`the exact high of ${what}`, e?.high, exact[1])
      ]
    })
    assert.deepStrictEqual(wrong, [])
  })

  it("pass^k and pass@k", () => {
    const wrong = reference.pass.flatMap(({ all, any, k, ...count }) => [
      ...apart(`pass^${k} of ${count.hits} of ${count.of}`, Proportion.passAll(count, k), all),
      ...apart(`pass@${k} of ${count.hits} of ${count.of}`, Proportion.passAny(count, k), any)
    ])
    assert.deepStrictEqual(wrong, [])
  })

  it("McNemar's test, kappa and the corrected rate", () => {
    const count = ([hits, of]: readonly [number, number]) => ({ hits, of })
    const wrong = [
      ...reference.mcNemar.flatMap(([b, c, p]) => apart(`McNemar of ${b} and ${c}`, Satisfaction.mcNemar(b, c), p)),
      ...reference.kappa.flatMap(({ kappa, table }) => apart(`kappa of ${table}`, Judge.kappa(table), kappa)),
      ...reference.corrected.flatMap(({ confidence, high, low, rate, ...counts }) => {
        const [sensitivity, specificity] = [count(counts.sensitivity), count(counts.specificity)]
        const judge = { sensitivity, specificity, kappa: undefined }
        const corrected = Judge.correct(judge, count(counts.count), { confidence })
        return [
          ...apart(`the corrected rate of ${counts.count}`, corrected?.rate, rate),
          ...apart(`the corrected low of ${counts.count}`, corrected?.interval.low, low),
          ...apart(`the corrected high of ${counts.count}`, corrected?.interval.high, high)
        ]
      })
    ]
    assert.deepStrictEqual(wrong, [])
  })

  it("sample sizes", () => {
    const { difference, halfWidth, pairs } = reference
    const wrong = [
      ...halfWidth.flatMap(({ n, ...plan }) => apart(JSON.stringify(plan), TrialPlan.forHalfWidth(plan), n)),
      ...difference.flatMap(({ n, ...plan }) => apart(JSON.stringify(plan), TrialPlan.forDifference(plan), n)),
      ...pairs.flatMap(({ n, ...plan }) => apart(JSON.stringify(plan), TrialPlan.forPairs(plan), n))
    ]
    assert.deepStrictEqual(wrong, [])
  })
})

describe("of nothing, and of what is no count", () => {
  it.each([
    { hits: 0, of: 0 },
    { hits: 2, of: 1 },
    { hits: -1, of: 3 },
    { hits: Number.NaN, of: 3 },
    { hits: 1, of: Number.POSITIVE_INFINITY }
  ])("there is no rate and no interval: %o", (count) => {
    for (const answer of [
      Proportion.rate(count),
      Proportion.wilson(count),
      Proportion.exact(count),
      Proportion.passAll(count, 1),
      Proportion.passAny(count, 1),
      Judge.correct(Judge.calibrate([]), count)
    ])
      assert.isUndefined(answer)
    assert.strictEqual(TrialPlan.decide({ bad: 0.5, good: 0.9 }, count), "go on")
  })

  it("fewer than k trials say nothing of k, and 0 is no k", () => {
    for (const k of [0, -1, 1.5, 6, Number.NaN]) {
      assert.isUndefined(Proportion.passAll({ hits: 5, of: 5 }, k), `pass^${k} of 5 trials`)
      assert.isUndefined(Proportion.passAny({ hits: 5, of: 5 }, k), `pass@${k} of 5 trials`)
    }
  })

  it("a confidence, a half-width or a difference that can not be one is not planned with", () => {
    for (const confidence of [0, 1, -1, 2, Number.NaN]) {
      assert.isUndefined(Proportion.wilson({ hits: 1, of: 2 }, { confidence }))
      assert.isUndefined(Proportion.exact({ hits: 1, of: 2 }, { confidence }))
      assert.isUndefined(TrialPlan.forHalfWidth({ halfWidth: 0.1, confidence }))
    }
    for (const halfWidth of [0, 1, -0.1, Number.NaN]) assert.isUndefined(TrialPlan.forHalfWidth({ halfWidth }))
    assert.isUndefined(TrialPlan.forDifference({ from: 0.5, to: 0.5 }))
    assert.isUndefined(TrialPlan.forDifference({ from: 0.5, to: 1.5 }))
    assert.isUndefined(TrialPlan.forPairs({ difference: 0.3, discordant: 0.2 }), "more than can differ")
    assert.isUndefined(TrialPlan.forPairs({ difference: 0, discordant: 0.2 }))
  })

  it("a judge that was not calibrated, or is no better than chance, corrects nothing", () => {
    assert.deepStrictEqual(Judge.calibrate([]), {
      sensitivity: { hits: 0, of: 0 },
      specificity: { hits: 0, of: 0 },
      kappa: undefined
    })
    const coin = { sensitivity: { hits: 5, of: 10 }, specificity: { hits: 5, of: 10 }, kappa: 0 }
    assert.isUndefined(Judge.correct(coin, { hits: 5, of: 10 }))
    assert.isUndefined(
      Judge.kappa([
        [5, 0],
        [0, 0]
      ]),
      "both always say the same, so chance explains it"
    )
  })
})

describe("coverage in 10,000 simulations", () => {
  const holds = (interval: Proportion.Interval | undefined, p: number) =>
    interval !== undefined && interval.low <= p && p <= interval.high

  /** How often intervals of `of` trials hold the rate that the trials are made with. */
  const coverage = (p: number, of: number, interval: typeof Proportion.wilson) => {
    const next = random(Math.round(p * 1_000) * 10_007 + of)
    const known = new Map<number, boolean>()
    let held = 0
    for (let run = 0; run < 10_000; run++) {
      let hits = 0
      for (let trial = 0; trial < of; trial++) if (next() < p) hits++
      const isHeld = known.get(hits) ?? holds(interval({ hits, of }), p)
      known.set(hits, isHeld)
      if (isHeld) held++
    }
    return held / 10_000
  }
  const rates = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]

  it("Wilson's is 93 to 97 % for each of these rates and numbers of trials", () => {
    // Counts are whole numbers, so it swings around 95 %, the more the fewer trials there are and the nearer the rate is to 0 or
    // 1. Of 50 trials at 0.1 it is 97.0 %, which is why 50 begin at 0.2 here; the next test has all rates.
    const grid = [
      { of: 50, at: rates.slice(1, -1) },
      { of: 100, at: rates },
      { of: 200, at: rates }
    ]
    const found = grid.flatMap(({ at, of }) => at.map((p) => ({ of, p, held: coverage(p, of, Proportion.wilson) })))
    for (const { held, of, p } of found)
      assert.isTrue(held >= 0.93 && held <= 0.97, `of ${of} trials at ${p}, ${held} of the intervals hold the rate`)
    const mean = found.reduce((sum, { held }) => sum + held, 0) / found.length
    assert.closeTo(mean, 0.95, 0.005, "on average")
  })

  it("Wilson's is 93 to 97 % over all rates, also of few trials", () => {
    for (const of of [5, 10, 20, 50, 100]) {
      const next = random(of)
      let held = 0
      for (let run = 0; run < 10_000; run++) {
        const p = next()
        let hits = 0
        for (let trial = 0; trial < of; trial++) if (next() < p) hits++
        if (holds(Proportion.wilson({ hits, of }), p)) held++
      }
      assert.isTrue(held >= 9_300 && held <= 9_700, `of ${of} trials, ${held} of 10,000 hold their rate`)
    }
  })

  it("the exact one never covers less than it says", () => {
    for (const of of [5, 20]) {
      for (const p of [0.02, ...rates, 0.98]) {
        // Three standard deviations of 10,000 simulations below 95 %.
        assert.isAtLeast(coverage(p, of, Proportion.exact), 0.9435, `of ${of} trials at ${p}`)
      }
    }
  })

  it("the one of a corrected rate is 93 to 98 %, the judge's own mistakes included", () => {
    const next = random(7)
    const draw = (p: number, of: number) => {
      let hits = 0
      for (let trial = 0; trial < of; trial++) if (next() < p) hits++
      return { hits, of }
    }
    for (const truth of [0.2, 0.5, 0.8]) {
      let held = 0
      let naive = 0
      for (let run = 0; run < 10_000; run++) {
        const judge = { sensitivity: draw(0.9, 60), specificity: draw(0.85, 60), kappa: undefined }
        const reported = draw(truth * 0.9 + (1 - truth) * 0.15, 100)
        if (holds(Judge.correct(judge, reported)?.interval, truth)) held++
        if (holds(Proportion.wilson(reported), truth)) naive++
      }
      assert.isTrue(held >= 9_300 && held <= 9_800, `at ${truth}, ${held} of 10,000 hold it`)
      assert.isBelow(naive, 9_300, `at ${truth}, not correcting at all would have done`)
    }
  })
})

describe("EarlyStop", () => {
  const plan = { bad: 0.7, good: 0.9 }
  const simulate = (p: number, seed: number) => {
    const next = random(seed)
    let wrongGood = 0
    let wrongBad = 0
    let open = 0
    let trials = 0
    for (let run = 0; run < 10_000; run++) {
      let hits = 0
      let of = 0
      let decision: TrialPlan.Decision = "go on"
      while (decision === "go on" && of < 500) {
        of++
        if (next() < p) hits++
        decision = TrialPlan.decide(plan, { hits, of })
      }
      trials += of
      if (decision === "good") wrongGood++
      else if (decision === "bad") wrongBad++
      else open++
    }
    return { good: wrongGood / 10_000, bad: wrongBad / 10_000, open, mean: trials / 10_000 }
  }

  it("keeps its error bounds although it looks after every trial", () => {
    for (const p of [0.5, 0.65, 0.7]) {
      const { good } = simulate(p, 11)
      assert.isAtMost(good, 0.05, `${good} of the runs called a rate of ${p} good`)
    }
    for (const p of [0.9, 0.95, 0.99]) {
      const { bad } = simulate(p, 12)
      assert.isAtMost(bad, 0.05, `${bad} of the runs called a rate of ${p} bad`)
    }
  })

  it("needs fewer trials than a test of a fixed size", () => {
    const fixed = TrialPlan.forDifference({ from: 0.7, to: 0.9, power: 0.95 }) ?? 0
    for (const p of [0.7, 0.9]) {
      const { mean, open } = simulate(p, 13)
      assert.isBelow(mean, fixed / 2, `at ${p}, ${mean} trials on average`)
      assert.strictEqual(open, 0, "every run came to an end within 500 trials")
    }
  })

  it("decides nothing with a plan that can not be one", () => {
    for (const bad of [
      { bad: 0.9, good: 0.7 },
      { bad: 0, good: 0.9 },
      { bad: 0.5, good: 1 },
      { bad: Number.NaN, good: 0.9 },
      { bad: 0.5, good: 0.9, falseGood: 0 },
      { bad: 0.5, good: 0.9, falseBad: 1 }
    ]) {
      assert.isFalse(TrialPlan.isStop(bad), JSON.stringify(bad))
      assert.strictEqual(TrialPlan.decide(bad, { hits: 1_000, of: 1_000 }), "go on")
    }
  })
})

describe("HeadComparison", () => {
  const heads = (...counts: ReadonlyArray<readonly [hits: number, of: number]>) =>
    new Map(counts.map(([hits, of], at) => [`s${at}`, { hits, of }]))

  it("counts a scenario once, however often it was tried", () => {
    const before = heads([0, 1_000], [1, 1], [1, 1])
    const after = heads([1_000, 1_000], [0, 1], [1, 1])
    assert.deepInclude(Satisfaction.compare(before, after), { better: 1, worse: 1, same: 1 })
  })

  it("says too few where nothing could be told, also when all of them are better", () => {
    const five = Satisfaction.compare(
      heads(...Array.from({ length: 5 }, () => [0, 1] as const)),
      heads(...Array.from({ length: 5 }, () => [1, 1] as const))
    )
    assert.deepInclude(five, { answer: "too few", better: 5 })
    const six = Satisfaction.compare(
      heads(...Array.from({ length: 6 }, () => [0, 1] as const)),
      heads(...Array.from({ length: 6 }, () => [1, 1] as const))
    )
    assert.deepInclude(six, { answer: "better", better: 6, p: 0.03125 })
    assert.strictEqual(Satisfaction.compare(new Map(), new Map()).answer, "too few")
    assert.strictEqual(Satisfaction.compare(heads([1, 2]), heads([2, 4])).answer, "too few", "a tie tells nothing")
  })

  it("leaves out what only one was tried on, and says so", () => {
    const compared = Satisfaction.compare(heads([1, 1], [1, 1], [0, 0]), heads([1, 1]))
    assert.deepInclude(compared, { same: 1, missing: ["s1", "s2"] })
  })

  const count = Arbitrary.map(
    Arbitrary.all([Arbitrary.schema(Schema.Literals([0, 1, 2, 3])), Arbitrary.schema(Schema.Literals([3, 4]))]),
    ([hits, of]) => [hits, of] as const
  )
  it.prop(
    "turns around when the heads do",
    [Arbitrary.array(Arbitrary.all([count, count]), { maxLength: 40 })],
    ([pairs]) => {
      const [before, after] = [heads(...pairs.map(([one]) => one)), heads(...pairs.map(([, other]) => other))]
      const there = Satisfaction.compare(before, after)
      const back = Satisfaction.compare(after, before)
      assert.deepStrictEqual([there.better, there.worse, there.p], [back.worse, back.better, back.p])
      const turned = { better: "worse", worse: "better" } as const
      assert.strictEqual(
        back.answer,
        there.answer === "better" || there.answer === "worse" ? turned[there.answer] : there.answer
      )
    }
  )
})
