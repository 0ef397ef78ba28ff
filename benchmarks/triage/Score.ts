/** How well triage did, as a table that can be computed by hand. */
import { figure, type Measured } from "../Bench.ts"
import { kinds, type Case } from "./Cases.ts"

type Kind = (typeof kinds)[number]

/** What the role came to. Without an `outcome` it failed, and `fault` says how. */
export interface Answer {
  readonly id: string
  readonly outcome?: Kind
  /** Of a duplicate, what it was taken for one of. */
  readonly of?: string
  /** How many questions it asks. */
  readonly questions?: number
  readonly fault?: string
}

/** How often one kind was right. `undefined`: nothing to divide by. */
export interface KindScore {
  readonly kind: Kind
  readonly expected: number
  readonly answered: number
  readonly right: number
  /** Of the answers of this kind, those that are right. */
  readonly precision: number | undefined
  /** Of the cases of this kind, those that were found. */
  readonly recall: number | undefined
}

/** How well triage did. */
export interface Score {
  readonly cases: number
  /** Without an outcome. They count as wrong. */
  readonly failed: number
  readonly right: number
  readonly accuracy: number
  readonly kinds: ReadonlyArray<KindScore>
  /** How often each kind was taken for each: `expected` → `answered` → cases. A failure is `none`. */
  readonly confusion: Readonly<Record<Kind, Readonly<Record<Kind | "none", number>>>>
  /** Let through without a person, and should not have been: what costs most. A share of all that were let through. */
  readonly rash: { readonly cases: ReadonlyArray<string>; readonly share: number | undefined }
  /** Could have gone without a person, and was held up. A share of all that could. */
  readonly timid: { readonly cases: ReadonlyArray<string>; readonly share: number | undefined }
  /** Questions for each case that asks any. */
  readonly questions: number | undefined
}

const share = (part: number, whole: number): number | undefined => (whole === 0 ? undefined : part / whole)

/** A duplicate is right when it is one of the right case; of a chain of duplicates, every other member is right. */
const isRight = (
  { duplicateOf, expected, id }: Case,
  { of, outcome }: Answer,
  rootOf: (id: string) => string
): boolean =>
  outcome === expected &&
  (duplicateOf === undefined || (of !== undefined && of !== id && rootOf(of) === rootOf(duplicateOf)))

/** Scores answers. A case without an answer counts as failed; an answer to no case is left out. */
export const of = (cases: ReadonlyArray<Case>, answers: ReadonlyArray<Answer>): Score => {
  const byId = new Map(answers.map((answer) => [answer.id, answer]))
  const parent = new Map(cases.map(({ duplicateOf, id }) => [id, duplicateOf]))
  const rootOf = (id: string): string => {
    const seen = new Set<string>()
    let at = id
    for (let next = parent.get(at); next !== undefined && !seen.has(at); next = parent.get(at)) {
      seen.add(at)
      at = next
    }
    return at
  }
  const judged = cases.map((given) => {
    const answer = byId.get(given.id) ?? { id: given.id, fault: "no answer" }
    return { given, answer, right: isRight(given, answer, rootOf) }
  })
  const count = (test: (one: (typeof judged)[number]) => boolean): number => judged.filter(test).length
  const named = (test: (one: (typeof judged)[number]) => boolean): ReadonlyArray<string> =>
    judged.filter(test).map(({ given }) => given.id)

  const right = count((one) => one.right)
  const rash = named(({ answer, given }) => answer.outcome === "Automatable" && given.expected !== "Automatable")
  const timid = named(({ answer, given }) => given.expected === "Automatable" && answer.outcome !== "Automatable")
  const asking = judged.flatMap(({ answer: { questions = 0 } }) => (questions > 0 ? [questions] : []))
  const row = (expected: Kind) =>
    Object.fromEntries(
      [...kinds, "none" as const].map((answered) => [
        answered,
        count(({ answer, given }) => given.expected === expected && (answer.outcome ?? "none") === answered)
      ])
    ) as Record<Kind | "none", number> // every name of the list is there
  return {
    cases: cases.length,
    failed: count(({ answer }) => answer.outcome === undefined),
    right,
    accuracy: right / cases.length,
    kinds: kinds.map((kind) => {
      const expected = count(({ given }) => given.expected === kind)
      const answered = count(({ answer }) => answer.outcome === kind)
      const found = count((one) => one.given.expected === kind && one.right)
      return {
        kind,
        expected,
        answered,
        right: found,
        precision: share(found, answered),
        recall: share(found, expected)
      }
    }),
    confusion: Object.fromEntries(kinds.map((kind) => [kind, row(kind)])) as Score["confusion"], // likewise
    rash: {
      cases: rash,
      share: share(
        rash.length,
        count(({ answer }) => answer.outcome === "Automatable")
      )
    },
    timid: {
      cases: timid,
      share: share(
        timid.length,
        count(({ given }) => given.expected === "Automatable")
      )
    },
    questions: share(
      asking.reduce((sum, each) => sum + each, 0),
      asking.length
    )
  }
}

/** The score as figures. */
export const figures = ({ accuracy, failed, kinds, questions, rash, timid }: Score): ReadonlyArray<Measured> => [
  figure("right", accuracy, "of all issues"),
  figure("let through and should not have been", rash.share, "of those let through"),
  figure("held up and could have gone", timid.share, "of those that could"),
  ...kinds.flatMap(({ kind, precision, recall }) => [
    figure(`${kind}: right where said`, precision, "precision"),
    figure(`${kind}: found`, recall, "recall")
  ]),
  figure("questions", questions, "an issue that asks"),
  figure("without an outcome", failed, "issues")
]
