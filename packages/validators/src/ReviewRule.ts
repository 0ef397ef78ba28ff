/**
 * The rule `RULE-REVIEW`: a role reads the change and approves it or does not. It is a **model's** judgement and says so: the same
 * change may get another one. It stands beside what machines decide, and in the place of none of it.
 *
 * The reviewer reads the patch and a fresh checkout of the head. That it is of another family of models than the author, and shares
 * no conversation with it, is held by `Independence`; a judgement that is not independent is none, and an `error` here.
 */
import * as Git from "@millwright/core/Git"
import * as Tainted from "@millwright/core/Tainted"
import * as Verdict from "@millwright/core/Verdict"
import type * as WorkItem from "@millwright/core/WorkItem"
import * as Review from "@millwright/agents/roles/Review"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as CheckRun from "./internal/CheckRun.ts"
import * as PlainText from "./internal/PlainText.ts"
import type * as Rule from "./Rule.ts"

/** What is reviewed, and by whom. */
export interface Options {
  /** What the change is for. */
  readonly item: WorkItem.WorkItem
  /** What is known of the repository, as from `Context`. Default: nothing. */
  readonly known?: string
  /** The role. Default: `Review`. */
  readonly review?: Review.Review
  /** The largest patch that is reviewed, in bytes; a larger one is `blocked`. Default: 400,000. */
  readonly maxBytes?: number
}

/** What the role needs beside a place to read in, which is the checkout. */
export type Needs = ChildProcessSpawner | Effect.Services<ReturnType<Review.Review["run"]>>

/** Makes the rule. */
export const make = ({ item, known = "", maxBytes = 400_000, review = Review.Review }: Options): Rule.Rule<Needs> => ({
  id: "RULE-REVIEW",
  statement: "A role that did not write the change approves it. A model says so.",
  judge: Effect.fnUntraced(function* ({ change, contract, head, repository }) {
    const judged = Effect.gen(function* () {
      const { text, truncated } = yield* Git.patch(repository, { base: change.base, head: change.head, maxBytes })
      if (truncated) {
        const reason = `The patch has more than ${maxBytes} bytes, which no model reviews well. Make the change smaller`
        return { status: "blocked", reason, evidence: [] } satisfies Rule.Judgement
      }
      const input = {
        item,
        contract,
        patch: Tainted.of("git diff", text),
        repository: Tainted.of("what is known of the repository", known)
      }
      const outcome = yield* Effect.provide(review.run(input), (yield* head).services)
      const complaint = Review.complaint(outcome)
      yield* CheckRun.keep(Buffer.from(complaint))
      return {
        status: outcome._tag === "Approve" ? "pass" : "fail",
        reason: `a model's review (${review.name}) ${outcome._tag === "Approve" ? "approves" : "asks for changes"}`,
        evidence: [
          Verdict.evidence({
            kind: "review",
            summary: PlainText.line(outcome.summary),
            content: complaint,
            excerpt: PlainText.harmless(complaint).slice(0, 4_000)
          })
        ],
        problems: CheckRun.listed(
          outcome.comments.map((comment) => ({
            rule: `review-${comment.severity}`,
            message: PlainText.line(comment.body, 1_000),
            path: comment.path,
            line: comment.line
          }))
        )
      } satisfies Rule.Judgement
    })
    return yield* Effect.catch(judged, (error) =>
      error._tag === "ValidatorError" || error._tag === "NotPrepared"
        ? Effect.fail(error)
        : Effect.succeed<Rule.Judgement>({
            status: "error",
            reason: `a model's review came to no end: ${PlainText.line(error.message, 1_000)}`,
            evidence: []
          })
    )
  })
})
