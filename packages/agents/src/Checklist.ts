/**
 * A **checklist**: what an author goes over before a change is handed in, and a reviewer before it is accepted. It is data: an item is
 * one statement that holds of the change, or does not apply to it, and either has evidence.
 */
import * as Schema from "effect/Schema"
import * as OneEach from "./internal/OneEach.ts"
import * as Untrusted from "./Untrusted.ts"

/** One thing to go over. Items of one `group` are gone over together. */
export const Item = Schema.Struct({
  /** One word, as `types`. */
  id: Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9-]{0,39}$/)),
  group: Schema.NonEmptyString,
  statement: Schema.NonEmptyString
})
/** One thing to go over. */
export type Item = typeof Item.Type

/** Several, in order. */
export type Checklist = ReadonlyArray<Item>

/** What the repository's own programs say of a change. */
export const selfReview: Checklist = [
  {
    id: "tests",
    group: "checks",
    statement: "Every test passes; the new ones failed before the change, for the right reason."
  },
  { id: "types", group: "checks", statement: "The type check passes, with no new cast, ignore or suppression." },
  { id: "lint", group: "checks", statement: "Lint passes, with no rule switched off for it." },
  { id: "format", group: "checks", statement: "The formatter changes nothing in the files that were touched." }
]

/** How tests are written, and the code that they hold. */
export const hygiene: Checklist = [
  {
    id: "teardown",
    group: "tests",
    statement: "What a test starts or writes is taken down as one, also when it fails or is interrupted."
  },
  {
    id: "setup",
    group: "tests",
    statement: "Each scenario sets up what it needs where it stands, and relies on no other one and no order."
  },
  {
    id: "failure-message",
    group: "tests",
    statement: "When a test fails, its message says what went wrong without a debugger."
  },
  {
    id: "doubles",
    group: "tests",
    statement:
      "Outside services are reached through a facade, and played by typed doubles that refuse what they do not know."
  },
  {
    id: "inputs",
    group: "code",
    statement: "Every input from outside was traced to where it is used, and is checked or escaped before."
  },
  {
    id: "control-flow",
    group: "code",
    statement: "No try and catch steers what is no failure; errors are values, or pass through."
  },
  {
    id: "comments",
    group: "code",
    statement: "Comments say why; none repeats the code, tells of the change or stands in for a name."
  }
]

/** All of it. */
export const preset: Checklist = [...selfReview, ...hygiene]

/** What was found for an item. There is no way to say that one does not hold: it is mended, or nothing is handed in. */
export const Answer = Schema.Struct({
  item: Schema.String,
  status: Schema.Literals(["holds", "not-applicable"]),
  /** A command and what it printed, a place, or why it does not apply. */
  evidence: Schema.NonEmptyString
})
/** What was found for an item. */
export type Answer = typeof Answer.Type

const groups = (checklist: Checklist): ReadonlyArray<readonly [string, Checklist]> => [
  ...Map.groupBy(checklist, ({ group }) => group)
]

/** As a list for a prompt or a skill. */
export const text = (checklist: Checklist): string =>
  checklist.map(({ id, statement }) => `- \`${id}\`: ${statement}`).join("\n")

/** What an author is told when it hands in its work, a group at a time. */
export const followUps = (checklist: Checklist): ReadonlyArray<string> =>
  groups(checklist).map(
    ([group, items]) =>
      `Before this is taken, go over your own work once more (${group}). Look and run, do not remember. Mend what does not hold.\n\n` +
      `${text(items)}\n\nThen give your outcome again, with an entry in \`checklist\` for each of these and those before.`
  )

/** What is wrong with answers: an item that is answered never or twice, or that is none of the list. */
export const problems = (checklist: Checklist, answers: ReadonlyArray<Answer>): ReadonlyArray<string> =>
  OneEach.problems(
    checklist.map(({ id }) => id),
    answers.map(({ item }) => item),
    {
      times: (id, times) => `The item ${id} of the checklist is answered ${times} times, and has to be once`,
      unknown: (id) => `The checklist has no item "${Untrusted.word(id)}"`
    }
  )
