/**
 * **Arbiter** judges the findings of reviewers before anybody acts on them: each is upheld or overruled, with why. It does not know who
 * said what, reads the code for itself, and invents nothing: a ruling on what no reviewer said goes back to it once, and then nothing comes of it.
 */
import * as Contract from "@millwright/core/Contract"
import * as Tainted from "@millwright/core/Tainted"
import * as Schema from "effect/Schema"
import * as Independence from "../Independence.ts"
import * as PanelFindings from "../PanelFindings.ts"
import * as ReviewComment from "../ReviewComment.ts"
import * as Role from "../Role.ts"
import * as Skill from "../Skill.ts"

/** What reviewers found, without their names. */
export const Input = Schema.Struct({
  contract: Contract.Contract,
  patch: Tainted.text("the patch"),
  findings: Schema.NonEmptyArray(
    Schema.Struct({
      id: Schema.NonEmptyString,
      comment: ReviewComment.ReviewComment,
      /** What else was said of the same problem. */
      also: Schema.Array(Schema.String),
      /** How many reviewers said it. */
      reviewers: Schema.Int
    })
  )
})
/** What reviewers found. */
export type Input = typeof Input.Type

/** What stands of it. */
export const Outcome = Schema.TaggedUnion({
  Ruled: {
    summary: Schema.NonEmptyString,
    rulings: Schema.Array(PanelFindings.Ruling).check(Schema.isMaxLength(2_000))
  },
  /** It needs a person; until then every finding stands. */
  Escalate: { why: Schema.NonEmptyString }
})
/** What stands of it. */
export type Outcome = typeof Outcome.Type

/** Makes the role. */
export const make = (tuning: Role.Tuning = {}) =>
  Role.make("Arbiter", {
    tier: "standard",
    skill: Skill.bundled("arbiter"),
    ...tuning,
    input: Input,
    outcome: Outcome,
    grants: ["read", "grep"],
    between: Independence.guard,
    objections: (outcome, { findings }) =>
      outcome._tag === "Escalate"
        ? []
        : PanelFindings.objections(
            findings.map(({ id }) => id),
            outcome.rulings
          )
  })

/** The role. */
export const Arbiter = make()
