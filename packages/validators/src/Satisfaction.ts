/**
 * **Satisfaction**: in how many of the trials that could be observed people got what they came for. A scenario counts by its
 * weight, however often it was tried. Trials that errored are in neither number, and are said beside them.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Judge from "./Judge.ts"
import * as Proportion from "./Proportion.ts"
import * as Scenario from "./Scenario.ts"
import * as Symptom from "./internal/Symptom.ts"

/** What one trial came to. */
export const Outcome = Schema.TaggedUnion({
  Satisfied: {},
  /** `conflict`: every criterion held, and an anti-pattern was seen all the same. */
  Unsatisfied: { symptom: Symptom.Kind, conflict: Schema.Boolean },
  Errored: { trouble: Judge.Trouble }
})
/** What one trial came to. */
export type Outcome = typeof Outcome.Type

/** What one trial of a scenario came to. */
export interface Tried {
  readonly scenario: string
  readonly outcome: Outcome
}

/** What an observation comes to: satisfied where every criterion held and no anti-pattern was seen. */
export const outcomeOf = ({ antiPatterns, criteria, symptom }: Judge.Observation): Outcome => {
  const held = criteria.every(Boolean)
  const seen = antiPatterns.some(Boolean)
  if (held && !seen) return { _tag: "Satisfied" }
  return { _tag: "Unsatisfied", symptom: symptom ?? (seen ? "forbidden" : "could-not-finish"), conflict: held && seen }
}

/** What the trials of one scenario came to. */
export const Tally = Schema.Struct({
  scenario: Scenario.ScenarioId,
  weight: Schema.Finite,
  satisfied: Schema.Natural,
  observed: Schema.Natural,
  errored: Schema.Natural,
  /** Trials in which every criterion held and an anti-pattern was seen. */
  conflicts: Schema.Natural
})
/** What the trials of one scenario came to. */
export type Tally = typeof Tally.Type

/** What all trials came to. It names scenarios, so it is for the house and not for authors. */
export const Satisfaction = Schema.Struct({
  /** Trials, of all scenarios. */
  satisfied: Schema.Natural,
  observed: Schema.Natural,
  errored: Schema.Natural,
  /** By the weight of scenarios. Left out where nothing was observed, as is the interval. */
  rate: Schema.optionalKey(Schema.Finite),
  /** Wilson's, of as many trials as the weighted ones are worth. */
  interval: Schema.optionalKey(Proportion.Interval),
  /** pass^k, by the weight of scenarios. Left out where a scenario was observed less than `k` times. */
  passAll: Schema.optionalKey(Schema.Struct({ k: Schema.Natural, rate: Schema.Finite })),
  seed: Schema.Int,
  scenarios: Schema.Array(Tally),
  /** Scenarios with no trial that could be observed: nothing is known of them. */
  unobserved: Schema.Array(Scenario.ScenarioId),
  /** How many trials errored, by what the trouble was. */
  troubles: Schema.Record(Schema.String, Schema.Natural)
})
/** What all trials came to. */
export type Satisfaction = typeof Satisfaction.Type

/** Adds up trials. `k` is that of pass^k, default 1; `seed` is what they were drawn with. */
export const of = (
  scenarios: ReadonlyArray<Scenario.Scenario>,
  tried: ReadonlyArray<Tried>,
  { confidence = 0.95, k = 1, seed }: Proportion.Sureness & { readonly k?: number; readonly seed: number }
): Result.Result<Satisfaction, Scenario.ScenarioError> =>
  Result.map(Scenario.checked(scenarios), (all) => {
    const tallies = all.map(({ id, weight }) => tally(id, weight, tried))
    const seen = tallies.filter(({ observed }) => observed > 0)
    const weights = seen.reduce((sum, { weight }) => sum + weight, 0)
    const weighted = (value: (tally: Tally) => number) =>
      seen.reduce((sum, each) => sum + (each.weight / weights) * value(each), 0)
    const rate = weighted(({ observed, satisfied }) => satisfied / observed)
    // The variance of a weighted mean, told as the number of trials that have the same.
    const worth = 1 / seen.reduce((sum, { observed, weight }) => sum + (weight / weights) ** 2 / observed, 0)
    // Rounding must not make it more than all.
    const interval = Proportion.wilson({ hits: Math.min(worth, rate * worth), of: worth }, { confidence })
    const passing = seen.map(({ observed, satisfied }) => Proportion.passAll({ hits: satisfied, of: observed }, k))
    const isEnough = seen.length > 0 && passing.every((each) => each !== undefined)
    const sum = (value: (tally: Tally) => number) => tallies.reduce((total, each) => total + value(each), 0)
    const troubles: Record<string, number> = {}
    for (const { outcome } of tried)
      if (outcome._tag === "Errored") troubles[outcome.trouble] = (troubles[outcome.trouble] ?? 0) + 1
    return {
      satisfied: sum(({ satisfied }) => satisfied),
      observed: sum(({ observed }) => observed),
      errored: sum(({ errored }) => errored),
      ...(interval !== undefined && { rate, interval }),
      ...(isEnough && { passAll: { k, rate: weighted((each) => passing[seen.indexOf(each)] ?? 0) } }),
      seed,
      scenarios: tallies,
      unobserved: tallies.filter(({ observed }) => observed === 0).map(({ scenario }) => scenario),
      troubles
    }
  })

const tally = (scenario: string, weight: number, tried: ReadonlyArray<Tried>): Tally => {
  const outcomes = tried.filter((each) => each.scenario === scenario).map(({ outcome }) => outcome)
  const count = (fits: (outcome: Outcome) => boolean) => outcomes.filter(fits).length
  const errored = count(({ _tag }) => _tag === "Errored")
  return {
    scenario,
    weight,
    satisfied: count(({ _tag }) => _tag === "Satisfied"),
    observed: outcomes.length - errored,
    errored,
    conflicts: count((outcome) => outcome._tag === "Unsatisfied" && outcome.conflict)
  }
}

/** What trials of one head came to, by scenario. A scenario whose trials all errored has none. */
export type Observed = ReadonlyMap<string, Proportion.Count>

/** What {@link compare} takes: what was observed of each scenario. */
export const observed = ({ scenarios }: Satisfaction): Observed =>
  new Map(
    scenarios.flatMap(({ observed, satisfied, scenario }) =>
      observed === 0 ? [] : [[scenario, { hits: satisfied, of: observed }]]
    )
  )

/** Which head is better. `too few`: however they ended, so few scenarios that end differently could not say. */
export type Answer = "better" | "worse" | "no difference seen" | "too few"

/** A comparison of two heads. */
export interface Comparison {
  readonly answer: Answer
  /** Scenarios that the new head satisfies more often, less often, and as often as the old one. */
  readonly better: number
  readonly worse: number
  readonly same: number
  /** Scenarios that only one of the two has trials of. */
  readonly missing: ReadonlyArray<string>
  /** How likely heads that are the same differ so much or more: the exact test of McNemar, two-sided. */
  readonly p: number
}

/** McNemar's exact test: how likely `one` and `other`, or a greater difference, are where both are as likely. */
export const mcNemar = (one: number, other: number): number => {
  const all = one + other
  let term = 0.5 ** all
  let tail = 0
  // Beyond a thousand the first term is 0, and with it all of them; so each is made as a logarithm.
  let log = all * Math.log(0.5)
  for (let at = 0; at <= Math.min(one, other); at++) {
    tail += all > 1_000 ? Math.exp(log) : term
    term *= (all - at) / (at + 1)
    log += Math.log((all - at) / (at + 1))
  }
  return Math.min(1, 2 * tail)
}

/**
 * Compares two heads, tried on the same scenarios with the same seeds. A scenario counts once, however often it was tried; what
 * only one of them was tried on is missing, and not lost. `alpha` is how often heads that are the same may be told apart.
 * Default 0.05.
 */
export const compare = (
  before: Observed,
  after: Observed,
  { alpha = 0.05 }: { readonly alpha?: number } = {}
): Comparison => {
  const missing: Array<string> = []
  let better = 0
  let worse = 0
  let same = 0
  for (const scenario of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const old = before.get(scenario)
    const now = after.get(scenario)
    if (old === undefined || now === undefined || old.of <= 0 || now.of <= 0) {
      missing.push(scenario)
      continue
    }
    // Whole numbers, so that equal rates are equal.
    const difference = now.hits * old.of - old.hits * now.of
    if (difference > 0) better++
    else if (difference < 0) worse++
    else same++
  }
  const p = mcNemar(better, worse)
  const answer =
    mcNemar(better + worse, 0) > alpha
      ? "too few"
      : p > alpha
        ? "no difference seen"
        : better > worse
          ? "better"
          : "worse"
  return { answer, better, worse, same, missing, p }
}
