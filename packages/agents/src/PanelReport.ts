/** What a **panel** came to: its verdict, what is upheld, and the minority report of what is not, or what one alone said. */
import * as Fault from "@millwright/core/Fault"
import * as Schema from "effect/Schema"
import * as Prose from "./internal/Prose.ts"
import * as PanelFindings from "./PanelFindings.ts"
import * as ReviewComment from "./ReviewComment.ts"

/** Why something is in the minority report. */
export type Minority =
  /** The arbiter overruled it. */
  | { readonly _tag: "Overruled"; readonly finding: PanelFindings.Finding; readonly why: string }
  /** Of several reviewers one alone said it, and it stands. */
  | { readonly _tag: "Alone"; readonly finding: PanelFindings.Finding; readonly why: string }
  /** It is not on a changed line, so it was not judged. */
  | {
      readonly _tag: "Unplaced"
      readonly by: string
      readonly comment: ReviewComment.ReviewComment
      readonly why: string
    }

/** One review, as the panel got it. */
export const Review = Schema.Struct({
  by: Schema.String,
  verdict: Schema.Literals(["Approve", "RequestChanges"]),
  summary: Schema.String,
  comments: Schema.Array(ReviewComment.ReviewComment),
  dropped: Schema.Array(Schema.Struct({ comment: ReviewComment.ReviewComment, why: Schema.String }))
})
/** One review, as the panel got it. */
export type Review = typeof Review.Type

/** What the arbiter said. `NotAsked`: there was nothing to judge. */
export type Arbitration =
  | { readonly _tag: "Ruled"; readonly summary: string; readonly rulings: ReadonlyArray<PanelFindings.Ruling> }
  | { readonly _tag: "Escalate"; readonly why: string }
  | { readonly _tag: "NotAsked" }

/** A reviewer that gave no review. */
export const Failed = Schema.Struct({ by: Schema.String, fault: Fault.Recorded })
/** A reviewer that gave no review. */
export type Failed = typeof Failed.Type

/** What a panel came to. */
export interface PanelReport extends PanelFindings.Judged {
  /** A serious finding that stands asks for changes, and so does a serious comment that nobody could judge. */
  readonly verdict: "Approve" | "RequestChanges"
  readonly arbitration: Arbitration
  readonly minority: ReadonlyArray<Minority>
  /** In the order of names. */
  readonly reviews: ReadonlyArray<Review>
  readonly failed: ReadonlyArray<Failed>
}

const byName = (a: { readonly by: string }, b: { readonly by: string }): number => (a.by < b.by ? -1 : 1)

/** The findings of reviews. */
export const findings = (reviews: ReadonlyArray<Review>): ReadonlyArray<PanelFindings.Finding> =>
  PanelFindings.merge(reviews.flatMap(({ by, comments }) => comments.map((comment) => ({ by, comment }))))

/** Makes the report. The same reviews and rulings make the same report, in whatever order they come. */
export const make = (
  reviews: ReadonlyArray<Review>,
  arbitration: Arbitration,
  failed: ReadonlyArray<Failed> = []
): PanelReport => {
  const judged = PanelFindings.judge(findings(reviews), arbitration._tag === "Ruled" ? arbitration.rulings : [])
  const unplaced = reviews
    .toSorted(byName)
    .flatMap(({ by, dropped }) => dropped.map(({ comment, why }): Minority => ({ _tag: "Unplaced", by, comment, why })))
  const alone = judged.upheld.filter(({ finding }) => reviews.length > 1 && PanelFindings.by(finding).length === 1)
  const isAgainst =
    judged.upheld.some(({ finding }) => finding.said.some(({ comment }) => ReviewComment.isSerious(comment))) ||
    unplaced.some((each) => each._tag === "Unplaced" && ReviewComment.isSerious(each.comment))
  return {
    ...judged,
    verdict: isAgainst ? "RequestChanges" : "Approve",
    arbitration,
    minority: [
      ...judged.overruled.map((each): Minority => ({ _tag: "Overruled", ...each })),
      ...alone.map((each): Minority => ({ _tag: "Alone", ...each })),
      ...unplaced
    ],
    reviews: reviews.toSorted(byName),
    failed: failed.toSorted(byName)
  }
}

const line = (comment: ReviewComment.ReviewComment): string =>
  `**${comment.severity}** ${Prose.line(ReviewComment.place(comment))}: ${Prose.line(comment.body)}`

const listed = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : [`## ${title}`, "", ...lines.map((each) => `- ${each}`), ""]

/** The report for people, as Markdown. */
export const markdown = (report: PanelReport): string => {
  const { arbitration, failed, ignored, minority, reviews, upheld, verdict } = report
  const said =
    arbitration._tag === "Ruled"
      ? [`The arbiter: ${Prose.line(arbitration.summary)}`, ""]
      : arbitration._tag === "Escalate"
        ? [`The arbiter wants a person to decide, and everything stands until then: ${Prose.line(arbitration.why)}`, ""]
        : []
  return [
    `# ${verdict === "Approve" ? "Approved" : "Changes are asked for"}`,
    "",
    ...said,
    ...listed(
      "Upheld",
      upheld.map(
        ({ finding, why }) => `${line(finding.comment)} (${PanelFindings.by(finding).join(", ")}; ${Prose.line(why)})`
      )
    ),
    ...listed(
      "Minority report",
      minority.map((each) =>
        each._tag === "Unplaced"
          ? `not on a changed line: ${line(each.comment)} (${each.by}; ${Prose.line(each.why)})`
          : `${each._tag === "Overruled" ? "overruled" : "said by one alone"}: ${line(each.finding.comment)} (${PanelFindings.by(each.finding).join(", ")}; ${Prose.line(each.why)})`
      )
    ),
    ...listed(
      "Reviews",
      reviews.map(({ by, summary, verdict: own }) => `${by}: ${own}. ${Prose.line(summary)}`)
    ),
    ...listed(
      "Without a review",
      failed.map(({ by, fault }) => `${by}: ${Prose.line(fault.message)}`)
    ),
    ...listed(
      "Rulings that nothing came of",
      ignored.map(({ finding, ruling, why }) => `${Prose.line(finding)}, ${ruling}: ${Prose.line(why)}`)
    )
  ].join("\n")
}
