/** **Mender** mends one fault of a repository. Which agent does it is not its business. */
import * as Role from "@millwright/agents/Role"
import * as Skill from "@millwright/agents/Skill"
import * as Tainted from "@millwright/core/Tainted"
import * as Schema from "effect/Schema"

export const Outcome = Schema.TaggedUnion({
  Mended: { summary: Schema.NonEmptyString, files: Schema.NonEmptyArray(Schema.NonEmptyString) },
  Blocked: { missing: Schema.NonEmptyString }
})
export type Outcome = typeof Outcome.Type

const skill = Skill.parse(
  `---
name: mender
description: Mends one fault of a repository.
---
Find the cause of the fault, mend it there, and see that the tests of the repository pass. Change nothing else. Where you can not
know what would be right, say what is missing and change nothing.
`,
  "inline"
)

export const Mender = Role.make("Mender", {
  input: Schema.Struct({ report: Tainted.text("the report of a user") }),
  outcome: Outcome,
  skill,
  grants: ["read", "grep", "edit", "write", "bash"],
  tier: "standard",
  maxTurns: 40
})
