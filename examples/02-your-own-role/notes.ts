/** What the host makes of an outcome: it checks it, and writes it down for people. */
import type * as Skill from "@millwright/agents/Skill"
import * as Fault from "@millwright/core/Fault"
import type * as Git from "@millwright/core/Git"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import { stripVTControlCharacters } from "node:util"
import type { Outcome } from "./role.ts"

/** The notes can not be used as they are. */
export class NotesError extends Fault.Class<NotesError>()("NotesError", {
  /** A note names a commit that is not there. */
  UnknownCommit: false,
  /** The example did not do what it shall. */
  Unexpected: false
}) {}

const unexpected = (message: string) => new NotesError({ reason: "Unexpected", message })

/** Every note names commits that are there. */
export const verify = Effect.fnUntraced(function* (outcome: Outcome, commits: ReadonlyArray<Git.Commit>) {
  if (outcome._tag === "Nothing") return
  for (const note of outcome.notes) {
    const unknown = note.commits.filter((number) => commits[number - 1] === undefined)
    if (unknown.length === 0) continue
    return yield* new NotesError({
      reason: "UnknownCommit",
      message: `The note "${note.text}" names commit ${unknown.join(", ")}, and there are ${commits.length}. Run it again, or use a larger model.`
    })
  }
})

/** The journal says which skill the role ran with, and what the model cost. */
export const verifyJournal = Effect.fnUntraced(function* (skill: Skill.Skill) {
  const facts = yield* Journal.fold<ReadonlyArray<string>>([], (facts, { fact }) => {
    if (fact._tag === "RoleStarted") return [...facts, `role ${fact.role} with ${fact.skillDigest}`]
    return fact._tag === "ModelCalled" ? [...facts, "model"] : facts
  })
  if (facts[0] !== `role ReleaseNotes with ${skill.digest}` || !facts.includes("model")) {
    return yield* unexpected(`The journal does not tell what ran: ${facts.join("; ") || "nothing"}`)
  }
})

/** In the demo an option was renamed, and a bug was fixed. */
export const verifyDemo = Effect.fnUntraced(function* (outcome: Outcome) {
  if (outcome._tag === "Nothing")
    return yield* unexpected(`The demo has changes that users see, and the role says: ${outcome.why}`)
  const renamed = outcome.notes.find(({ commits }) => commits.includes(1))
  if (!outcome.breaking || renamed === undefined || !renamed.text.includes("--milliseconds")) {
    return yield* unexpected(
      `The demo renames the option --ms, which breaks scripts, and the notes do not say so: ${JSON.stringify(outcome)}`
    )
  }
})

/** The notes as Markdown. What the model wrote is text, and never a line of its own or a sign for a terminal. */
export const markdown = (outcome: Outcome, commits: ReadonlyArray<Git.Commit>): string => {
  const line = (text: string) =>
    stripVTControlCharacters(text)
      .replaceAll(/[\p{Cc}\p{Bidi_Control}\s]+/gu, " ")
      .trim()
  if (outcome._tag === "Nothing") return `Nothing to tell: ${line(outcome.why)}`
  const notes = outcome.notes.map(({ commits: numbers, kind, text }) => {
    const ids = numbers.flatMap((number) => commits[number - 1]?.id.slice(0, 10) ?? [])
    return `- **${kind}**: ${line(text)} (${ids.join(", ")})`
  })
  return [
    "# Release notes",
    ...(outcome.breaking ? ["", "This release can break what worked before."] : []),
    "",
    ...notes
  ].join("\n")
}
