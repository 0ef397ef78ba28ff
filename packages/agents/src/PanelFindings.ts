/**
 * The **findings** of a panel: what its reviewers said, as one. The same place and meaning is one finding, with everybody who said
 * it, and an arbiter's rulings uphold or overrule it. All of it is pure, in whatever order reviews came, and nothing gets lost.
 */
import * as Digest from "@millwright/core/Digest"
import * as Schema from "effect/Schema"
import * as ReviewComment from "./ReviewComment.ts"

/** What one reviewer said. */
export interface Said {
  readonly by: string
  readonly comment: ReviewComment.ReviewComment
}

/** One problem. `comment` is the worst and longest of what was said of it. */
export const Finding = Schema.Struct({
  /** Of what was said and where, so that the same finding has the same id in every run. */
  id: Schema.String,
  comment: ReviewComment.ReviewComment,
  /** Everything that became this finding. */
  said: Schema.Array(Schema.Struct({ by: Schema.String, comment: ReviewComment.ReviewComment }))
})
/** One problem. */
export type Finding = typeof Finding.Type

/** What an arbiter says about a finding. */
export const Ruling = Schema.Struct({
  finding: Schema.NonEmptyString,
  ruling: Schema.Literals(["upheld", "overruled"]),
  why: Schema.NonEmptyString
})
/** What an arbiter says about a finding. */
export type Ruling = typeof Ruling.Type

/** The reviewers who said a finding, by name. */
export const by = ({ said }: Finding): ReadonlyArray<string> => [...new Set(said.map((each) => each.by))].sort()

/** From which share of the shorter text's words on two texts about one place mean the same, and from how many. */
const alike = { share: 0.5, words: 2 }

/** Words that every text has, whatever it means. */
const plain = new Set(
  "the and for with this that these those not are was were been can could may might when where but has have had from which who does did will would should its into than then here there also only any all one".split(
    " "
  )
)

const wordsOf = ({ body }: ReviewComment.ReviewComment): ReadonlySet<string> =>
  new Set(
    body
      .toLowerCase()
      .split(/[^\p{L}\p{N}_]+/u)
      .filter((word) => word.length > 2 && !plain.has(word))
      .map((word) => word.replace(/(?:ing|ed|es|s)$/, ""))
  )

interface Worded extends Said {
  readonly words: ReadonlySet<string>
}

const isSame = (a: Worded, b: Worded): boolean => {
  const [one, other] = [a.comment, b.comment]
  if (one.line > (other.endLine ?? other.line) || other.line > (one.endLine ?? one.line)) return false
  if (one.body === other.body) return true
  const [few, many] = a.words.size < b.words.size ? [a.words, b.words] : [b.words, a.words]
  let common = 0
  for (const word of few) if (many.has(word)) common++
  return common >= Math.max(alike.words, few.size * alike.share)
}

const orderSaid = (a: Said, b: Said): number =>
  ReviewComment.order(a.comment, b.comment) || (a.by < b.by ? -1 : a.by > b.by ? 1 : 0)

const fileOf = ({ comment: { path, side = "new" } }: Said): string => `${side} ${path}`

/**
 * Makes findings of what was said, in one order, however it came. A comment joins a finding where it is like all of it: one that
 * speaks of two problems does not make them one, of which an arbiter could only overrule both.
 */
export const merge = (all: ReadonlyArray<Said>): ReadonlyArray<Finding> => {
  const sorted = all.toSorted(orderSaid).map((each): Worded => ({ ...each, words: wordsOf(each.comment) }))
  return [...Map.groupBy(sorted, fileOf).values()]
    .flatMap(grouped)
    .map(findingOf)
    .toSorted((a, b) => ReviewComment.order(a.comment, b.comment) || (a.id < b.id ? -1 : 1))
}

/** The groups of one file. Each is found by a line that its first comment is on: whoever joins it is on one of them, too. */
const grouped = (all: ReadonlyArray<Worded>): ReadonlyArray<ReadonlyArray<Worded>> => {
  const groups: Array<Array<Worded>> = []
  const byLine = new Map<number, Array<Array<Worded>>>()
  for (const said of all) {
    const lines = linesOf(said)
    const near = new Set(lines.flatMap((line) => byLine.get(line) ?? []))
    const joined = [...near].find((group) => group.every((other) => isSame(said, other)))
    if (joined !== undefined) {
      joined.push(said)
      continue
    }
    const group = [said]
    groups.push(group)
    for (const line of lines) {
      const there = byLine.get(line)
      if (there === undefined) byLine.set(line, [group])
      else there.push(group)
    }
  }
  return groups
}

const linesOf = ({ comment: { endLine, line } }: Said): ReadonlyArray<number> =>
  Array.from({ length: (endLine ?? line) - line + 1 }, (_, at) => line + at)

const findingOf = (group: ReadonlyArray<Worded>): Finding => {
  const said = group.map(({ by, comment }): Said => ({ by, comment })).toSorted(orderSaid)
  const worst = said.filter(({ comment }) => comment.severity === said[0]?.comment.severity)
  // Of those that are as bad, the one that explains most; a tie goes to the first in the order.
  const told = worst.reduce((best, each) => (each.comment.body.length > best.comment.body.length ? each : best))
  return { id: `F-${Digest.short(Digest.ofJson(said))}`, comment: told.comment, said }
}

/** The findings after the arbiter. Each is in exactly one of the two. */
export interface Judged {
  readonly upheld: ReadonlyArray<{ readonly finding: Finding; readonly why: string }>
  readonly overruled: ReadonlyArray<{ readonly finding: Finding; readonly why: string }>
  /** Rulings about what no reviewer said, and those that contradict another one: nothing came of them. */
  readonly ignored: ReadonlyArray<Ruling>
}

/** What is wrong with rulings, for the arbiter: a finding that nobody made, one that is not ruled on, and one that is ruled on twice. */
export const objections = (ids: ReadonlyArray<string>, rulings: ReadonlyArray<Ruling>): ReadonlyArray<string> => {
  const ruled = Map.groupBy(rulings, ({ finding }) => finding)
  const known = new Set(ids)
  return [
    ...[...ruled.keys()]
      .filter((id) => !known.has(id))
      .map((id) => `${JSON.stringify(id)} is no finding of a reviewer`),
    ...[...ruled].filter(([id, all]) => known.has(id) && all.length > 1).map(([id]) => `${id} is ruled on twice`),
    ...ids.filter((id) => !ruled.has(id)).map((id) => `${id} is not ruled on`)
  ]
}

/** Applies rulings. What is not ruled on, or in two ways, stands: an arbiter takes away only what it says it does. */
export const judge = (findings: ReadonlyArray<Finding>, rulings: ReadonlyArray<Ruling>): Judged => {
  const known = new Set(findings.map(({ id }) => id))
  const byFinding = Map.groupBy(rulings, ({ finding }) => finding)
  const of = (id: string) => byFinding.get(id) ?? []
  const looked = findings.map((finding) => {
    const own = of(finding.id)
    const isOverruled = own.length > 0 && own.every(({ ruling }) => ruling === "overruled")
    const why = own.find(({ ruling }) => (ruling === "overruled") === isOverruled)?.why ?? "Nobody ruled on it."
    return { finding, why, isOverruled }
  })
  const part = (isOverruled: boolean) =>
    looked.filter((each) => each.isOverruled === isOverruled).map(({ finding, why }) => ({ finding, why }))
  const ignored = rulings.filter(
    ({ finding, ruling }) =>
      !known.has(finding) || (ruling === "overruled" && of(finding).some((each) => each.ruling === "upheld"))
  )
  return { upheld: part(false), overruled: part(true), ignored }
}
