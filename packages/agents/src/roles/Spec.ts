/** **Spec** writes down what shall be built, for a human to approve before anybody builds it. */
import * as WorkItem from "@millwright/core/WorkItem"
import * as Schema from "effect/Schema"
import * as Role from "../Role.ts"
import * as Skill from "../Skill.ts"
import * as Clauses from "./Clauses.ts"

/** What is specified. `feedback` is why an earlier version was not approved. */
export const Input = Schema.Struct({
  item: WorkItem.WorkItem,
  repository: Schema.String,
  why: Schema.String,
  feedback: Schema.NullOr(Schema.String)
})

/** A specification, or the questions that stand in its way. */
export const Outcome = Schema.TaggedUnion({
  /** `product` and `tech` are Markdown: what and why for users, and where and how in the code. */
  Specified: {
    product: Schema.NonEmptyString,
    tech: Schema.NonEmptyString,
    clauses: Schema.Array(Clauses.Proposed).check(Schema.isMinLength(1))
  },
  NeedsInfo: {
    questions: Schema.Array(Schema.Struct({ question: Schema.NonEmptyString, reason: Schema.NonEmptyString })).check(
      Schema.isMinLength(1),
      Schema.isMaxLength(5)
    )
  }
})
/** A specification, or the questions that stand in its way. */
export type Outcome = typeof Outcome.Type

/** The role, with another skill than the one that comes with this package. */
export const make = (skill: Role.Options<typeof Input, typeof Outcome>["skill"]) =>
  Role.make("Spec", { input: Input, outcome: Outcome, skill, grants: ["read", "grep"], tier: "large" })

/** The role, with the skill that comes with this package. */
export const Spec = make(Skill.bundled("spec"))
