/** **Respond** works through the threads of a review: each is addressed in the code, answered, or left to a person, and none is forgotten. */
import * as Contract from "@millwright/core/Contract"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Schema from "effect/Schema"
import * as ForeignId from "../internal/ForeignId.ts"
import * as OneEach from "../internal/OneEach.ts"
import * as Role from "../Role.ts"
import * as Skill from "../Skill.ts"
import * as Untrusted from "../Untrusted.ts"
import * as Precondition from "./Precondition.ts"

/** A thread of a review, as the forge has it. `path` and `line` are of the file after the change; `null` for one about all of it. */
export const Thread = Schema.Struct({
  id: ForeignId.ForeignId,
  path: Schema.NullOr(Schema.String),
  line: Schema.NullOr(Schema.Natural),
  comments: Schema.Array(
    Schema.Struct({ by: Tainted.text("who wrote a review comment"), body: Tainted.text("a review comment") })
  ).check(Schema.isMinLength(1))
})
/** A thread of a review. */
export type Thread = typeof Thread.Type

/** What is worked through: the threads that are open, and the change that they are about. */
export const Input = Schema.Struct({
  item: WorkItem.WorkItem,
  contract: Contract.Contract,
  repository: Tainted.text("what is known of the repository"),
  patch: Tainted.text("the change that was reviewed"),
  threads: Schema.Array(Thread).check(
    Schema.isMinLength(1),
    Schema.makeFilter((threads: ReadonlyArray<Thread>) =>
      new Set(threads.map(({ id }) => id)).size === threads.length ? undefined : "Two threads have one id"
    )
  )
})
/** What is worked through. */
export type Input = typeof Input.Type

/** What became of a thread. */
export const Resolution = Schema.TaggedUnion({
  /** The code was changed. `where` are places after the change, as `src/a.ts:12`. */
  Addressed: {
    thread: Schema.NonEmptyString,
    how: Schema.NonEmptyString,
    where: Schema.Array(Schema.NonEmptyString).check(Schema.isMinLength(1))
  },
  /** Nothing has to change; the reply says why, for whoever wrote the comment. */
  Answered: { thread: Schema.NonEmptyString, reply: Schema.NonEmptyString },
  /** Only a person can decide it. */
  NeedsHuman: { thread: Schema.NonEmptyString, decision: Schema.NonEmptyString, why: Schema.NonEmptyString }
})
/** What became of a thread. */
export type Resolution = typeof Resolution.Type

/** Worked through, or not possible as things are. */
export const Outcome = Schema.TaggedUnion({
  /** A resolution for each thread that was given. */
  Responded: { summary: Schema.NonEmptyString, resolutions: Schema.Array(Resolution) },
  Blocked: Precondition.fields
})
/** Worked through, or not possible as things are. */
export type Outcome = typeof Outcome.Type

/** What of an outcome does not fit the threads: one without a resolution, with two, or that nobody gave. */
export const problems = (outcome: Outcome, { threads }: Pick<Input, "threads">): ReadonlyArray<string> =>
  outcome._tag === "Blocked"
    ? []
    : OneEach.problems(
        threads.map(({ id }) => id),
        outcome.resolutions.map(({ thread }) => thread),
        {
          times: (id, times) => `The thread "${id}" has ${times} resolutions, and has to have one`,
          unknown: (id) => `No thread "${Untrusted.word(id)}" was given`
        }
      )

/** Makes the role. */
export const make = (tuning: Role.Tuning = {}) =>
  Role.make("Respond", {
    skill: Skill.bundled("respond"),
    tier: "standard",
    maxTurns: 120,
    ...tuning,
    input: Input,
    outcome: Outcome,
    grants: ["read", "grep", "edit", "write", "bash"],
    problems
  })

/** The role. */
export const Respond = make()
