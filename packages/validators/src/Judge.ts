/**
 * A **judge** tries one scenario on a change once, and says which criteria held and which anti-patterns were seen. What it
 * answers is not believed to be an answer: {@link read} takes exactly that, and nothing beside it. Prose, keys that nobody
 * asked for, an answer that is given twice, or as many answers as there are no questions, are errors of the judge, and
 * neither a pass nor a fail.
 *
 * How far it can be believed says {@link calibrate}, and {@link correct} takes its mistakes out of a rate.
 *
 * A judge sees scenarios, so it never stands where an author does: give it a sandbox, a session and a journal of its own.
 */
import * as Fault from "@millwright/core/Fault"
import type * as Validator from "@millwright/core/Validator"
import type * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Proportion from "./Proportion.ts"
import type * as Scenario from "./Scenario.ts"
import * as Symptom from "./internal/Symptom.ts"

/** A trial came to nothing. */
export class JudgeError extends Fault.Class<JudgeError>()("JudgeError", {
  /** What is judged does not run, or can not be reached. */
  SubjectUnavailable: true,
  /** The judge itself broke. */
  Broken: true
}) {}

/** One trial. The same `seed` is to give the same trial, as far as the judge can. */
export interface Trial {
  readonly scenario: Scenario.Scenario
  /** A whole number of 32 bits. */
  readonly seed: number
  /** How often the scenario was tried before. */
  readonly number: number
}

/** Tries scenarios. `R` is what it needs for it: a surface, a model. */
export interface Judge<R = never> {
  readonly name: string
  /** Answers with what {@link read} takes: a value, or a text that is nothing but its JSON. */
  readonly observe: (trial: Trial, subject: Validator.Subject) => Effect.Effect<unknown, JudgeError, R>
}

/** What a person met: a closed list, so that nothing which a judge wrote can stand in it. */
export const SymptomKind = Symptom.Kind
/** What a person met. */
export type SymptomKind = Symptom.Kind

/** What was seen in one trial, in the order in which the scenario has its criteria and anti-patterns. */
export const Observation = Schema.Struct({
  criteria: Schema.Array(Schema.Boolean),
  /** `true`: it was seen. */
  antiPatterns: Schema.Array(Schema.Boolean),
  /** What the person met, where something was wrong. */
  symptom: Schema.optionalKey(SymptomKind)
})
/** What was seen in one trial. */
export type Observation = typeof Observation.Type

/** Why a trial is neither satisfied nor not. */
export const Trouble = Schema.Literals(["prose", "malformed", "twice", "incomplete", "timeout", "failed"])
/** Why a trial is neither satisfied nor not. */
export type Trouble = typeof Trouble.Type

const decode = Schema.decodeUnknownResult(Observation, { onExcessProperty: "error" })

/** JSON keeps the last of two fields of one name and says nothing: so a judge could say both. */
const saysTwice = (text: string): boolean =>
  text.includes("\\") || ["criteria", "antiPatterns", "symptom"].some((field) => text.split(`"${field}"`).length > 2)

/** What a judge said of a scenario, or why that is no answer. */
export const read = (
  { antiPatterns, criteria }: Scenario.Scenario,
  answer: unknown
): Result.Result<Observation, Trouble> => {
  let value = answer
  if (typeof answer === "string") {
    try {
      value = JSON.parse(answer)
    } catch {
      return Result.fail("prose")
    }
    if (saysTwice(answer)) return Result.fail("twice")
  }
  const decoded = decode(value)
  if (Result.isFailure(decoded)) return Result.fail("malformed")
  const { antiPatterns: seen, criteria: held } = decoded.success
  return held.length === criteria.length && seen.length === antiPatterns.length
    ? Result.succeed(decoded.success)
    : Result.fail("incomplete")
}

/** An item that somebody labelled, and what the judge said of it. */
export interface Labelled {
  readonly good: boolean
  readonly said: boolean
}

/** What a judge is like. Rates are `undefined` where no item could tell. */
export interface Calibration {
  /** Good items that it calls good, of the good ones. */
  readonly sensitivity: Proportion.Count
  /** Bad items that it calls bad, of the bad ones. */
  readonly specificity: Proportion.Count
  /**
   * Cohen's kappa: agreement beyond chance; 1 is full, 0 is chance. `undefined` of no items, and where both always say the
   * same one thing, so that chance explains all.
   */
  readonly kappa: number | undefined
}

/** What a judge is like by items that were labelled. */
export const calibrate = (items: ReadonlyArray<Labelled>): Calibration => {
  const count = (good: boolean, said: boolean) =>
    items.filter((each) => each.good === good && each.said === said).length
  const both = count(true, true)
  const neither = count(false, false)
  const missed = count(true, false)
  const invented = count(false, true)
  return {
    sensitivity: { hits: both, of: both + missed },
    specificity: { hits: neither, of: neither + invented },
    kappa: kappa([
      [both, missed],
      [invented, neither]
    ])
  }
}

/** Cohen's kappa of a table of two judges and two answers. */
export const kappa = ([[both, first], [second, neither]]: readonly [
  readonly [number, number],
  readonly [number, number]
]): number | undefined => {
  const all = both + first + second + neither
  const chance = ((both + first) * (both + second) + (neither + first) * (neither + second)) / all ** 2
  return all > 0 && chance < 1 ? ((both + neither) / all - chance) / (1 - chance) : undefined
}

/** A rate with the judge's mistakes taken out, from 0 to 1, and its interval. */
export interface Corrected {
  readonly rate: number
  readonly interval: Proportion.Interval
}

const between = (value: number): number => Math.min(1, Math.max(0, value))

/**
 * What the true rate is where the judge reports `count` (Rogan and Gladen), with an interval that also knows how few items the
 * judge was calibrated by (Lang and Reiczigel). `undefined` where there is nothing to correct, or where the judge is no better
 * than chance: no number of trials says anything then.
 */
export const correct = (
  { sensitivity, specificity }: Calibration,
  count: Proportion.Count,
  { confidence = 0.95 }: Proportion.Sureness = {}
): Corrected | undefined => {
  const [reported, se, sp] = [count, sensitivity, specificity].map(Proportion.rate)
  if (reported === undefined || se === undefined || sp === undefined || se + sp <= 1) return undefined
  if (!(confidence > 0 && confidence < 1)) return undefined
  const z = Proportion.deviations(confidence)
  // As many items more, half of them hits, as keep the interval honest near 0 and 1.
  const padded = ({ hits, of: all }: Proportion.Count, more: number) => ({
    n: all + more,
    p: (hits + more / 2) / (all + more)
  })
  const seen = padded(count, z ** 2)
  const good = padded(sensitivity, 2)
  const bad = padded(specificity, 2)
  const gain = good.p + bad.p - 1
  if (gain <= 0) return undefined
  const middle = (seen.p + bad.p - 1) / gain
  const variance = ({ n, p }: { readonly n: number; readonly p: number }) => (p * (1 - p)) / n
  const shift = 2 * z ** 2 * (middle * variance(good) - (1 - middle) * variance(bad))
  const half = (z * Math.sqrt(variance(seen) + middle ** 2 * variance(good) + (1 - middle) ** 2 * variance(bad))) / gain
  return {
    rate: between((reported + sp - 1) / (se + sp - 1)),
    interval: { low: between(middle + shift - half), high: between(middle + shift + half) }
  }
}
