/** How well changes were reviewed, as a table that can be computed by hand. */
import * as ReviewComment from "@millwright/agents/ReviewComment"
import type { Change, Defect } from "./Changes.ts"

type Severity = ReviewComment.Severity

/** What the role came to. Without a `verdict` it failed, and `fault` says how. */
export interface Answer {
  readonly id: string
  readonly verdict?: "Approve" | "RequestChanges"
  readonly comments?: ReadonlyArray<
    Pick<ReviewComment.ReviewComment, "path" | "line" | "endLine" | "side" | "severity">
  >
  /** Comments that were not on changed lines. */
  readonly dropped?: number
  readonly fault?: string
}

/** A share; `undefined`: there is nothing to divide by. */
type Share = number | undefined

/** How one severity did: as reviewers gave it, and as the defects have it. */
export interface SeverityScore {
  readonly severity: Severity
  readonly comments: number
  readonly precision: Share
  readonly defects: number
  readonly recall: Share
}

/** How well changes were reviewed. */
export interface Score {
  readonly changes: number
  readonly failed: number
  readonly comments: number
  readonly dropped: number
  readonly defects: number
  readonly found: number
  readonly precision: Share
  readonly recall: Share
  /** Between the comments that find a defect and it, in lines, on average. */
  readonly linesOff: Share
  /** Of the comments that find a defect, those with its severity. */
  readonly severityRight: Share
  /** Of all changes, those with a verdict that agrees with their defects: changes are asked for where one is serious. */
  readonly verdictRight: number
  readonly severities: ReadonlyArray<SeverityScore>
}

type Comment = NonNullable<Answer["comments"]>[number]
type Place = Pick<Comment, "path" | "line" | "endLine" | "side">

/** Between two places, in lines: 0 where they overlap, `undefined` where they are not on one side of one file. */
export const distance = (a: Place, b: Place): number | undefined =>
  a.path !== b.path || (a.side ?? "new") !== (b.side ?? "new")
    ? undefined
    : Math.max(0, b.line - (a.endLine ?? a.line), a.line - (b.endLine ?? b.line))

interface Pair {
  readonly comment: Comment
  readonly defect: Defect
  readonly off: number
}

/** Which comment finds which defect: the nearest first, then those of one severity, then in the order of the file. */
export const pairs = (
  comments: ReadonlyArray<Comment>,
  defects: ReadonlyArray<Defect>,
  tolerance: number
): ReadonlyArray<Pair> => {
  const possible = comments.flatMap((comment) =>
    defects.flatMap((defect): ReadonlyArray<Pair> => {
      const off = distance(comment, defect)
      return off === undefined || off > tolerance ? [] : [{ comment, defect, off }]
    })
  )
  const differs = ({ comment, defect }: Pair) => Number(comment.severity !== defect.severity)
  const used = new Set<unknown>()
  return possible
    .toSorted((a, b) => a.off - b.off || differs(a) - differs(b))
    .filter(({ comment, defect }) => {
      if (used.has(comment) || used.has(defect)) return false
      used.add(comment).add(defect)
      return true
    })
}

const share = (part: number, whole: number): Share => (whole === 0 ? undefined : part / whole)

/** Scores answers. A change without an answer counts as failed, and its defects as missed. */
export const of = (changes: ReadonlyArray<Change>, answers: ReadonlyArray<Answer>, tolerance: number): Score => {
  const byId = new Map(answers.map((answer) => [answer.id, answer]))
  const judged = changes.map(({ defects, id }) => {
    const { comments = [], dropped = 0, verdict } = byId.get(id) ?? { id }
    const isSerious = defects.some(ReviewComment.isSerious)
    const isRight = verdict === (isSerious ? "RequestChanges" : "Approve")
    return { defects, comments, dropped, verdict, isRight, pairs: pairs(comments, defects, tolerance) }
  })
  const comments = judged.flatMap((each) => each.comments)
  const defects = judged.flatMap((each) => each.defects)
  const found = judged.flatMap((each) => each.pairs)
  const count = <A>(all: ReadonlyArray<A>, test: (each: A) => boolean) => all.filter(test).length
  return {
    changes: changes.length,
    failed: count(judged, ({ verdict }) => verdict === undefined),
    comments: comments.length,
    dropped: judged.reduce((sum, { dropped }) => sum + dropped, 0),
    defects: defects.length,
    found: found.length,
    precision: share(found.length, comments.length),
    recall: share(found.length, defects.length),
    linesOff: share(
      found.reduce((sum, { off }) => sum + off, 0),
      found.length
    ),
    severityRight: share(
      count(found, ({ comment, defect }) => comment.severity === defect.severity),
      found.length
    ),
    verdictRight: count(judged, ({ isRight }) => isRight) / changes.length,
    severities: ReviewComment.Severity.literals.map((severity) => {
      const said = count(comments, (comment) => comment.severity === severity)
      const wrong = count(defects, (defect) => defect.severity === severity)
      return {
        severity,
        comments: said,
        precision: share(
          count(found, ({ comment }) => comment.severity === severity),
          said
        ),
        defects: wrong,
        recall: share(
          count(found, ({ defect }) => defect.severity === severity),
          wrong
        )
      }
    })
  }
}
