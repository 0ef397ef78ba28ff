/** **Stocktaker** counts what an inventory says and remembers it, with tools that it first has to find. */
import * as Role from "@millwright/agents/Role"
import * as Skill from "@millwright/agents/Skill"
import * as Schema from "effect/Schema"

export const Outcome = Schema.TaggedUnion({
  Counted: { total: Schema.Int, remembered: Schema.Boolean },
  Blocked: { why: Schema.NonEmptyString }
})

const skill = Skill.parse(
  `---
name: stocktaker
description: Counts what an inventory says and remembers the count.
---
Read the inventory, add up what it says, and remember the total as an observation about "inventory".
Try the long operation of the server everything as well. A tool that fails is no reason to stop: say what it was.
`,
  "inline"
)

/** Of the browser and of GitLab it may see what reads, and of GitLab nothing that deletes. */
export const Stocktaker = Role.make("Stocktaker", {
  input: Schema.Struct({ inventory: Schema.String }),
  outcome: Outcome,
  skill,
  grants: [],
  tools: ["files/*", "memory/*", "everything/*", "browser/*", "gitlab/*", "!gitlab/delete_*"],
  tier: "small",
  maxTurns: 12
})
