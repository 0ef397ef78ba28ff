/**
 * A **scenario**: what a person of some kind does with the product, what has to come of it, and what must not. One whose
 * author can not see it is a **holdout**; one that was seen is **burnt**, and from then on one to train with.
 */
import * as Contract from "@millwright/core/Contract"
import * as Fault from "@millwright/core/Fault"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { randomBytes } from "node:crypto"
import * as Step from "./Step.ts"

/** Scenarios that can not be used. Messages name them by their ids, and say nothing of what they hold. */
export class ScenarioError extends Fault.Class<ScenarioError>()("ScenarioError", {
  /** There is none. */
  Empty: false,
  /** Two have one id. */
  Duplicate: false,
  /** A weight is no number above 0. */
  Weight: false,
  /** It does not have the shape of a scenario. */
  Malformed: false
}) {}

/** The name of a scenario. It is drawn, so that it says nothing. */
export const ScenarioId = Schema.String.check(Schema.isPattern(/^SCN-[0-9a-f]{16}$/))

/** A kind of person, as workers may hear of it: `first-time-buyer`. */
export const Persona = Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/), Schema.isMaxLength(40))

/** Who may see a scenario: authors (`train`), nobody but its judge (`holdout`), authors since it leaked (`burnt`). */
export const Part = Schema.Literals(["train", "holdout", "burnt"])

/** One scenario. */
export const Scenario = Schema.Struct({
  id: ScenarioId,
  persona: Persona,
  /** How the product is met. */
  kind: Schema.optionalKey(Contract.Kind),
  story: Schema.NonEmptyString,
  /** How it is gone through, where that is known step by step. */
  steps: Schema.optionalKey(Schema.Array(Step.Step)),
  /** All of them have to hold. */
  criteria: Schema.NonEmptyArray(Schema.NonEmptyString),
  /** None of them may be seen, whatever else holds. */
  antiPatterns: Schema.Array(Schema.NonEmptyString),
  /** How much it counts beside others, above 0. */
  weight: Schema.Finite.check(Schema.isGreaterThan(0)),
  part: Part,
  /** A word that stands nowhere else. Who is shown the scenario is shown it too, so that a leak is told by it. */
  canary: Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/))
})
/** One scenario. */
export type Scenario = typeof Scenario.Type

/** A scenario before it has an id. `weight` is 1 and `part` is `holdout` where they are left out. */
export type Draft = Omit<Scenario, "id" | "canary" | "weight" | "part"> & Partial<Pick<Scenario, "weight" | "part">>

/** Gives a scenario an id and a canary. Both are random: do it once, and seal what comes of it. */
export const make = (draft: Draft): Effect.Effect<Scenario> =>
  Effect.sync(() => ({
    weight: 1,
    part: "holdout",
    ...draft,
    id: `SCN-${randomBytes(8).toString("hex")}`,
    canary: randomBytes(16).toString("hex")
  }))

/** All that is said in a scenario, one text for each thing. */
export const texts = ({ antiPatterns, criteria, steps = [], story }: Scenario): ReadonlyArray<string> => [
  story,
  ...criteria,
  ...antiPatterns,
  ...steps.map((step) => JSON.stringify(step))
]

const isScenario = Schema.is(Scenario)

/** Scenarios that can be tried together: at least one, no id twice, every weight a number above 0. */
export const checked = (
  scenarios: ReadonlyArray<Scenario>
): Result.Result<readonly [Scenario, ...ReadonlyArray<Scenario>], ScenarioError> => {
  const refuse = (reason: typeof ScenarioError.Type.reason, message: string) =>
    Result.fail(new ScenarioError({ reason, message }))
  const [first, ...rest] = scenarios
  if (first === undefined) return refuse("Empty", "There is no scenario to try. Seal some that are holdouts.")
  const seen = new Set<string>()
  for (const [at, { id, weight }] of scenarios.entries()) {
    if (seen.has(id)) return refuse("Duplicate", `Two scenarios have the id ${id}. Make each with \`Scenario.make\`.`)
    seen.add(id)
    if (!(weight > 0 && weight < Infinity)) {
      return refuse("Weight", `The scenario ${id} has the weight ${weight}. Give it a number above 0, or leave it out.`)
    }
    if (!isScenario(scenarios[at])) {
      return refuse(
        "Malformed",
        `The scenario ${id} lacks something, or has something of another kind. Look at its schema.`
      )
    }
  }
  return Result.succeed([first, ...rest])
}
