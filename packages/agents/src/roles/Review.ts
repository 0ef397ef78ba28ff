/** **Review** reads a change with fresh eyes. It did not write it, shares no session with who did, and changes nothing. */
import * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import type * as Verdict from "@millwright/core/Verdict"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Schema from "effect/Schema"
import * as Role from "../Role.ts"
import * as Skill from "../Skill.ts"

/** What is reviewed: the patch as git gives it, never the author's description. */
export const Input = Schema.Struct({
  item: WorkItem.WorkItem,
  contract: Contract.Contract,
  patch: Schema.String,
  repository: Schema.String
})

/** A remark on a changed line. */
export const Comment = Schema.Struct({
  path: Schema.NonEmptyString,
  line: Schema.Natural,
  severity: Schema.Literals(["critical", "important", "suggestion", "nit"]),
  body: Schema.NonEmptyString
})
/** A remark on a changed line. */
export type Comment = typeof Comment.Type

/** Whether the change may go on as it is. */
export const Outcome = Schema.TaggedUnion({
  Approve: { summary: Schema.NonEmptyString, comments: Schema.Array(Comment) },
  RequestChanges: { summary: Schema.NonEmptyString, comments: Schema.Array(Comment) }
})
/** Whether the change may go on as it is. */
export type Outcome = typeof Outcome.Type

/** The role, with another skill than the one that comes with this package. */
export const make = (skill: Role.Options<typeof Input, typeof Outcome>["skill"]) =>
  Role.make("Review", { input: Input, outcome: Outcome, skill, grants: ["read", "grep"], tier: "standard" })

/** The role, with the skill that comes with this package. */
export const Review = make(Skill.bundled("review"))

/**
 * What a review finds for the assertions that no command decides: an approval is their pass, with the review as evidence;
 * a request for changes is their failure.
 */
export const findings = (contract: Contract.Contract, outcome: Outcome): ReadonlyArray<Verdict.Finding> => {
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
export const complaint = (outcome: Outcome): string =>
  [
    outcome.summary,
    ...outcome.comments.map(({ body, line, path, severity }) => `${severity} ${path}:${line}: ${body}`)
  ].join("\n")
