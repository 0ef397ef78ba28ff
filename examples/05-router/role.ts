/** **Diagnosis** says what is likely behind a report of a fault, and where to look. */
import * as Role from "@millwright/agents/Role"
import * as Skill from "@millwright/agents/Skill"
import * as Schema from "effect/Schema"

export const Outcome = Schema.TaggedUnion({
  Located: { cause: Schema.NonEmptyString, where: Schema.NonEmptyString },
  NeedsMore: { questions: Schema.NonEmptyArray(Schema.NonEmptyString) }
})
export type Outcome = typeof Outcome.Type

const skill = Skill.parse(
  `---
name: diagnosis
description: Says what is likely behind a report of a fault.
---
Read the report. Say in one sentence what the cause is, and where in the code it has to be looked for. Where the report
does not tell enough, ask for what is missing.
`,
  "inline"
)

/** No tier is held to: which model does it is the router's to say. */
export const Diagnosis = Role.make("Diagnosis", {
  input: Schema.Struct({ report: Schema.NonEmptyString }),
  outcome: Outcome,
  skill,
  grants: [],
  tier: "small",
  maxTurns: 8
})
