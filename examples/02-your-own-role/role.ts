/** **ReleaseNotes** tells users what changed for them between two commits, or that nothing did. */
import * as Role from "@millwright/agents/Role"
import type * as Skill from "@millwright/agents/Skill"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Commits have numbers here, so that the role never has to copy an id; the host knows which is which. */
const Input = Schema.Struct({
  commits: Schema.Array(Schema.Struct({ number: Schema.Int, subject: Schema.String })),
  diff: Schema.String
})

const Note = Schema.Struct({
  kind: Schema.Literals(["added", "changed", "fixed", "removed"]),
  text: Schema.NonEmptyString,
  commits: Schema.NonEmptyArray(Schema.Int)
})

export const Outcome = Schema.TaggedUnion({
  Written: { notes: Schema.NonEmptyArray(Note), breaking: Schema.Boolean },
  Nothing: { why: Schema.NonEmptyString }
})
export type Outcome = typeof Outcome.Type

export const make = (skill: Skill.Skill) =>
  Role.make("ReleaseNotes", {
    input: Input,
    outcome: Outcome,
    skill: Effect.succeed(skill),
    grants: [],
    tier: "small"
  })
