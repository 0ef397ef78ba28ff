/** **Triage** says what kind of work an item is. It looks and tries, and changes nothing. */
import * as WorkItem from "@millwright/core/WorkItem"
import * as Schema from "effect/Schema"
import * as Role from "../Role.ts"
import * as Skill from "../Skill.ts"
import * as Clauses from "./Clauses.ts"

/** What is triaged, and in which repository. `known` are other items, as `id: title`. */
export const Input = Schema.Struct({
  item: WorkItem.WorkItem,
  repository: Schema.String,
  known: Schema.Array(Schema.String)
})

/** What kind of work an item is. */
export const Outcome = Schema.TaggedUnion({
  /** Clear and small enough to be done without a person: what is wrong, how to see it, and what has to hold after. */
  Automatable: {
    summary: Schema.NonEmptyString,
    reproduction: Schema.String,
    clauses: Schema.Array(Clauses.Proposed)
  },
  NeedsSpec: { why: Schema.NonEmptyString },
  /** Questions that only a person can answer, at most five. */
  NeedsInfo: {
    questions: Schema.Array(Schema.Struct({ question: Schema.NonEmptyString, reason: Schema.NonEmptyString })).check(
      Schema.isMinLength(1),
      Schema.isMaxLength(5)
    )
  },
  /** The same as another item, by two independent signals. */
  Duplicate: { of: Schema.NonEmptyString, signals: Schema.Array(Schema.NonEmptyString).check(Schema.isMinLength(2)) },
  Park: { reason: Schema.NonEmptyString }
})
/** What kind of work an item is. */
export type Outcome = typeof Outcome.Type

/** The role, with another skill than the one that comes with this package. */
export const make = (skill: Role.Options<typeof Input, typeof Outcome>["skill"]) =>
  Role.make("Triage", { input: Input, outcome: Outcome, skill, grants: ["read", "grep", "bash"], tier: "standard" })

/** The role, with the skill that comes with this package. */
export const Triage = make(Skill.bundled("triage"))
