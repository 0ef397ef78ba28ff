/** **Dedupe** says whether an item is known already. Two independent signals make a duplicate; similar words do not. */
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Schema from "effect/Schema"
import * as ForeignId from "../internal/ForeignId.ts"
import * as WordMatch from "../internal/WordMatch.ts"
import * as Role from "../Role.ts"
import * as Skill from "../Skill.ts"
import * as Untrusted from "../Untrusted.ts"
import * as Question from "./Question.ts"

/** Another item. `text` may be its beginning. */
export const Candidate = Schema.Struct({
  id: ForeignId.ForeignId,
  title: Tainted.text("the title of another item"),
  text: Tainted.text("another item")
})
/** Another item. */
export type Candidate = typeof Candidate.Type

/** What may be known already, and the items that it may be the same as. */
export const Input = Schema.Struct({
  item: WorkItem.WorkItem,
  candidates: Schema.Array(Candidate).check(
    Schema.makeFilter((given: ReadonlyArray<Candidate>) =>
      new Set(given.map(({ id }) => id)).size === given.length ? undefined : "Two candidates have one id"
    )
  )
})
/** What may be known already, and the items that it may be the same as. */
export type Input = typeof Input.Type

/** The kinds of signals. Two of one kind are one signal. */
export const kinds = ["error-text", "code-path", "steps", "input", "output", "version", "link"] as const

/** Something that both items have and that few others have. `quote` is word for word, three signs at least; `where` says where it stands in both. */
export const Signal = Schema.Struct({
  kind: Schema.Literals(kinds),
  quote: Schema.String.check(Schema.isPattern(/\S\s*\S\s*\S/)),
  where: Schema.NonEmptyString
})
/** Something that both items have and that few others have. */
export type Signal = typeof Signal.Type

const said = (text: string): string => text.toLowerCase().replace(/\s+/g, " ").trim()

/** One could be there without the other: another kind, and no quote that holds the other one. */
const areApart = (one: Signal, other: Signal): boolean =>
  one.kind !== other.kind &&
  !said(one.quote).includes(said(other.quote)) &&
  !said(other.quote).includes(said(one.quote))

const independent = Schema.makeFilter((signals: ReadonlyArray<Signal>) =>
  signals.some((one) => signals.some((other) => areApart(one, other)))
    ? undefined
    : "A duplicate needs two independent signals: of two kinds, with quotes of which none holds the other. With fewer it is Unsure or Distinct"
)

/** Whether the item is known already. Questions are asked only where that is open. */
export const Outcome = Schema.TaggedUnion({
  Duplicate: { of: Schema.NonEmptyString, signals: Schema.Array(Signal).check(Schema.isMaxLength(10), independent) },
  Distinct: { why: Schema.NonEmptyString },
  /** `closest` are ids of candidates. */
  Unsure: {
    closest: Schema.Array(Schema.NonEmptyString).check(Schema.isMinLength(1)),
    why: Schema.NonEmptyString,
    questions: Question.Some
  }
})
/** Whether the item is known already. */
export type Outcome = typeof Outcome.Type

/** What of an outcome does not fit the items that were given: an id that is none of theirs, or a quote that nobody wrote. */
export const problems = (outcome: Outcome, { candidates, item }: Input): ReadonlyArray<string> => {
  const ids = outcome._tag === "Duplicate" ? [outcome.of] : outcome._tag === "Unsure" ? outcome.closest : []
  const given = candidates.map(({ id }) => id)
  const unknown = ids
    .filter((id) => !given.includes(id))
    .map((id) => `"${Untrusted.word(id)}" is none of the candidates, which are: ${given.join(", ") || "none"}`)
  const other = outcome._tag === "Duplicate" ? candidates.find(({ id }) => id === outcome.of) : undefined
  if (outcome._tag !== "Duplicate" || other === undefined) return unknown
  const texts = [
    `${item.title}\n${Tainted.reveal(item.body, "measured")}`,
    `${Tainted.reveal(other.title, "measured")}\n${Tainted.reveal(other.text, "measured")}`
  ].map(said)
  const unquoted = outcome.signals
    // What stands in the code stands in neither of the items.
    .filter(({ kind, quote }) => kind !== "code-path" && !texts.some((text) => text.includes(said(quote))))
    .map(({ kind }) => `The quote of the signal ${kind} stands in neither of the two items`)
  return [...unknown, ...unquoted]
}

/** The most candidates that {@link preselect} gives, where no other number is said. */
export const mostCandidates = 8

/** How much of an item's text is read and shown, in UTF-16 code units. */
export const longestText = 4_000

/**
 * The known items that have the most telling words in common with an item, best first: what is to be read more closely. It costs no
 * model call, reads of each as much as a candidate shows, gives the same for the same items, and never the item itself.
 */
export const preselect = (
  item: WorkItem.WorkItem,
  known: ReadonlyArray<WorkItem.WorkItem>,
  most: number = mostCandidates
): ReadonlyArray<Candidate> => {
  const others = known.filter(({ id }) => id !== item.id)
  return WordMatch.best(wordsOf(item), others.map(wordsOf), most).flatMap((at) => {
    const other = others[at]
    return other === undefined ? [] : [candidate(other)]
  })
}

const wordsOf = ({ body, title }: WorkItem.WorkItem): string =>
  `${title}\n${Tainted.reveal(body, "measured").slice(0, longestText)}`

/** An item as a candidate. */
export const candidate = ({ body, id, title }: WorkItem.WorkItem): Candidate => ({
  id,
  title: Tainted.of(`the title of ${id}`, title),
  text: Tainted.of(`the body of ${id}`, Tainted.reveal(body, "stored").slice(0, longestText).toWellFormed())
})

/** Makes the role. */
export const make = (tuning: Role.Tuning = {}) =>
  Role.make("Dedupe", {
    skill: Skill.bundled("dedupe"),
    tier: "standard",
    ...tuning,
    input: Input,
    outcome: Outcome,
    grants: ["read", "grep"],
    problems
  })

/** The role. */
export const Dedupe = make()
