/**
 * **Review** reads a change with fresh eyes. It did not write it, shares no conversation and by policy no family of models with who
 * did (`Independence`), and changes nothing.
 *
 * It comments on changed lines only. A comment elsewhere goes back to the agent once; what is elsewhere then is dropped, and stands
 * in the result with the reason.
 */
import * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import * as Tainted from "@millwright/core/Tainted"
import type * as Verdict from "@millwright/core/Verdict"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Independence from "../Independence.ts"
import * as Lens from "../Lens.ts"
import * as Patch from "../Patch.ts"
import * as ReviewComment from "../ReviewComment.ts"
import * as Role from "../Role.ts"
import * as Skill from "../Skill.ts"

/** What is reviewed: the patch as git gives it, never the author's description. */
export const Input = Schema.Struct({
  item: WorkItem.WorkItem,
  contract: Contract.Contract,
  patch: Tainted.text("the patch"),
  repository: Tainted.text("what is known of the repository")
})
/** What is reviewed. */
export type Input = typeof Input.Type

const Comments = Schema.Array(ReviewComment.ReviewComment).check(Schema.isMaxLength(100))

const fields = {
  Approve: {
    summary: Schema.NonEmptyString,
    comments: Comments.check(
      Schema.makeFilter((comments) => !comments.some(ReviewComment.isSerious), {
        expected: "an approval without a critical or important comment"
      })
    )
  },
  RequestChanges: {
    summary: Schema.NonEmptyString,
    comments: Comments.check(
      Schema.makeFilter((comments) => comments.some(ReviewComment.isSerious), {
        expected: "a request for changes with a critical or important comment"
      })
    )
  }
}

/** Whether the change may go on as it is. The verdict agrees with the severities, or it is none. */
export const Outcome = Schema.TaggedUnion(fields)
/** Whether the change may go on as it is. */
export type Outcome = typeof Outcome.Type

/** A comment that is not on a changed line, and why. */
export interface Dropped {
  readonly comment: ReviewComment.ReviewComment
  readonly why: string
}

/** An outcome with the comments that stand on changed lines, and those that do not. The verdict stays: what was dropped may be right. */
export type Reviewed = Outcome & { readonly dropped: ReadonlyArray<Dropped> }

/** Keeps the comments that are on changed lines of the patch. */
export const settle = (patch: Patch.Patch, outcome: Outcome): Reviewed => {
  const looked = outcome.comments.map((comment) => ({ comment, why: Patch.objection(patch, comment) }))
  return {
    ...outcome,
    comments: looked.flatMap(({ comment, why }) => (why === undefined ? [comment] : [])),
    dropped: looked.flatMap(({ comment, why }) => (why === undefined ? [] : [{ comment, why }]))
  }
}

/** How a review differs from the usual one. */
export interface Options extends Role.Tuning {
  /** What it looks for. Default: what its skill says. */
  readonly lenses?: ReadonlyArray<Lens.Lens>
  /** Tells it from other reviews of the same change. Default `Review`. */
  readonly name?: string
  /** What it is told when it gives its outcome: a checklist, say. */
  readonly followUps?: ReadonlyArray<string>
}

/** A role that reviews. */
export interface Review extends Omit<Role.Role<string, typeof Input, typeof Outcome>, "run"> {
  readonly run: (
    input: Input
  ) => Effect.Effect<
    Reviewed,
    Role.Failure,
    Effect.Services<ReturnType<Role.Role<string, typeof Input, typeof Outcome>["run"]>>
  >
}

const parsed = ({ patch }: Pick<Input, "patch">) => Patch.parse(Tainted.reveal(patch, "measured"))

/** The patch of an input, or why the role can not review it. */
export const read = (name: string, input: Pick<Input, "patch">): Effect.Effect<Patch.Patch, Role.RoleError> =>
  Effect.fromResult(
    Result.mapError(
      parsed(input),
      ({ message }) =>
        new Role.RoleError({
          reason: "BadInput",
          message: `The role ${name} has nothing that it can review. ${message}`
        })
    )
  )

/** Makes the role. */
export const make = ({
  lenses,
  name = "Review",
  skill = Skill.bundled("review"),
  tier = "standard",
  ...further
}: Options = {}): Review => {
  const role = Role.make(name, {
    ...further,
    input: Input,
    outcome: Outcome,
    skill: lenses === undefined ? skill : Effect.map(skill, (read) => Lens.through(read, lenses)),
    grants: ["read", "grep"],
    tier,
    between: Independence.guard,
    objections: (outcome, input) =>
      Result.match(parsed(input), {
        onFailure: () => [],
        onSuccess: (patch) =>
          settle(patch, outcome).dropped.map(
            ({ comment, why }) => `the comment at ${ReviewComment.place(comment)}: ${why}`
          )
      })
  })
  return {
    ...role,
    run: (input) =>
      Effect.flatMap(read(name, input), (patch) => Effect.map(role.run(input), (outcome) => settle(patch, outcome)))
  }
}

/** The role. */
export const Review = make()

/**
 * What a review finds for the assertions that no command decides: an approval is their pass, with the review as evidence;
 * a request for changes is their failure.
 */
export const findings = (contract: Contract.Contract, outcome: Outcome | Reviewed): ReadonlyArray<Verdict.Finding> => {
  const text = complaint(outcome)
  const evidence: Verdict.Evidence = {
    kind: "review",
    summary: outcome.summary,
    digest: Digest.of(text),
    bytes: Buffer.byteLength(text),
    excerpt: text.slice(0, 4_000)
  }
  return contract.assertions
    .filter(({ check }) => check === undefined)
    .map(({ id }) => ({
      assertion: id,
      status: outcome._tag === "Approve" ? "pass" : "fail",
      reason: outcome._tag === "Approve" ? "the reviewer approved" : "the reviewer asks for changes",
      evidence: [evidence]
    }))
}

/** A review as one text that an author can work from. */
export const complaint = (outcome: Outcome | Reviewed): string =>
  [
    outcome.summary,
    ...outcome.comments.map(line),
    ...("dropped" in outcome
      ? outcome.dropped.map(({ comment, why }) => `${line(comment)} [not on a changed line: ${why}]`)
      : [])
  ].join("\n")

/** A comment as an author reads it. */
export const line = (comment: ReviewComment.ReviewComment): string =>
  `${comment.severity} ${ReviewComment.place(comment)}: ${comment.body}` +
  (comment.replacement === undefined ? "" : `\nReplace it with:\n${comment.replacement}`)
