/**
 * A **symptom**: what a kind of person met, as somebody who may not know the scenario hears of it. Kinds and words are a
 * closed list. Nothing that a judge wrote can stand in one, so nothing of a scenario can.
 */
import * as Schema from "effect/Schema"
import * as Scenario from "../Scenario.ts"

const words = {
  "could-not-start": "could not begin with what they came for",
  "could-not-finish": "began, and could not finish what they came for",
  "wrong-result": "came to an end with a result that is wrong",
  "lost-work": "lost what they had done",
  "saw-error": "was shown an error",
  "took-too-long": "had to wait for too long",
  "did-not-understand": "did not understand what to do, or what had happened",
  forbidden: "met something that must not happen"
} as const

/** What a person met. */
export const Kind = Schema.Literals([
  "could-not-start",
  "could-not-finish",
  "wrong-result",
  "lost-work",
  "saw-error",
  "took-too-long",
  "did-not-understand",
  "forbidden"
])
/** What a person met. */
export type Kind = typeof Kind.Type

/** How many kinds there are. */
export const kinds = Kind.literals.length

/** What a kind of person met. */
export const Symptom = Schema.Struct({ persona: Scenario.Persona, kind: Kind })
/** What a kind of person met. */
export type Symptom = typeof Symptom.Type

/** A symptom in one sentence. */
export const say = ({ kind, persona }: Symptom): string => `A ${persona.replaceAll("-", " ")} ${words[kind]}.`
