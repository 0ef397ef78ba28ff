/** **Implement** changes the workspace until the contract holds, or says what is missing. The host commits. */
import * as Contract from "@millwright/core/Contract"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Schema from "effect/Schema"
import * as Role from "../Role.ts"
import * as Skill from "../Skill.ts"

/** What is built. `spec` is the approved one, `feedback` why the last attempt was not accepted. */
export const Input = Schema.Struct({
  item: WorkItem.WorkItem,
  contract: Contract.Contract,
  repository: Schema.String,
  spec: Schema.NullOr(Schema.String),
  feedback: Schema.NullOr(Schema.String)
})

/** Built, or not possible as things are. */
export const Outcome = Schema.TaggedUnion({
  /** `tests` are the tests that fail without the change and pass with it. */
  Implemented: { summary: Schema.NonEmptyString, tests: Schema.Array(Schema.String) },
  /** `missing` is the exact precondition without which any code would be a guess. */
  Blocked: { missing: Schema.NonEmptyString }
})
/** Built, or not possible as things are. */
export type Outcome = typeof Outcome.Type

/** The role, with another skill than the one that comes with this package. */
export const make = (skill: Role.Options<typeof Input, typeof Outcome>["skill"]) =>
  Role.make("Implement", {
    input: Input,
    outcome: Outcome,
    skill,
    grants: ["read", "grep", "edit", "write", "bash"],
    tier: "standard",
    maxTurns: 120
  })

/** The role, with the skill that comes with this package. */
export const Implement = make(Skill.bundled("implement"))
