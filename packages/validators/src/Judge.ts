/**
 * A **judge** tries one scenario on a change once, and says which criteria held and which anti-patterns were seen. What it
 * answers is not believed to be an answer: {@link read} takes exactly that, and nothing beside it. Prose, keys that nobody
 * asked for, an answer that is given twice, or as many answers as there are no questions, are errors of the judge, and
 * neither a pass nor a fail.
 *
 * A judge sees scenarios, so it never stands where an author does: give it a sandbox, a session and a journal of its own.
 */
import * as Fault from "@millwright/core/Fault"
import type * as Validator from "@millwright/core/Validator"
import type * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scenario from "./Scenario.ts"
import * as Symptom from "./Symptom.ts"

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

/** What was seen in one trial, in the order in which the scenario has its criteria and anti-patterns. */
export const Observation = Schema.Struct({
  criteria: Schema.Array(Schema.Boolean),
  /** `true`: it was seen. */
  antiPatterns: Schema.Array(Schema.Boolean),
  /** What the person met, where something was wrong. */
  symptom: Schema.optionalKey(Symptom.Kind)
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
