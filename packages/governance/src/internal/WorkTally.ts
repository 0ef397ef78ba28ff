/** Items, the changes that were made for them, and the defects that were found in those. */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Autonomy from "../Autonomy.ts"

/** When each of these first was, in milliseconds since 1970. */
export interface Item {
  readonly queued?: number
  readonly started?: number
  readonly committed?: number
  readonly delivered?: number
  readonly shipped?: number
  /** Nobody wanted it any more. */
  readonly closed?: number
}

/** A change, under the name that its pull request or commit has. */
export interface Change {
  readonly change: string
  readonly item: string | null
  readonly run: string | null
  readonly shippedAt: number | null
  readonly authors: Autonomy.Authors | null
  /** The commits that it is known by: its head, and what it became. */
  readonly commits: ReadonlyArray<string>
}

/** One defect of one change, or of one that nobody knows. */
export interface Defect extends Pick<
  Extract<FactoryEvent.Fact, { readonly _tag: "DefectFound" }>,
  "defect" | "kind" | "change"
> {
  readonly at: number
}

/** Items, changes and defects. */
export interface WorkTally {
  readonly items: HashMap.HashMap<string, Item>
  readonly changes: HashMap.HashMap<string, Change>
  readonly defects: HashMap.HashMap<string, Defect>
}

/** Nothing was to be done. */
export const empty: WorkTally = { items: HashMap.empty(), changes: HashMap.empty(), defects: HashMap.empty() }

/** What is known after one more event. All of it is keyed, so neither the order of events nor a repetition matters. */
export const step = (tally: WorkTally, event: FactoryEvent.FactoryEvent): WorkTally => {
  const { at, fact, item, run } = event
  switch (fact._tag) {
    case "ItemQueued":
      return reach(tally, item, { queued: at })
    case "LineStarted":
      return fact.parent === undefined ? reach(tally, item, { started: at }) : tally
    case "ChangeCommitted":
      return reach(tally, item, { committed: at })
    case "ItemClosed":
      return reach(tally, item, { closed: at })
    case "ChangeDelivered": {
      const { id, item: of } = fact.pullRequest
      return know(reach(tally, item ?? of, { delivered: at }), { ...unshipped, change: id, item: item ?? of, run })
    }
    case "ChangeShipped": {
      const { authors, change, commit, head } = fact
      const commits = [...new Set([head, commit])].filter((each) => each !== "")
      return know(reach(tally, item, { shipped: at }), { change, item, run, authors, commits, shippedAt: at })
    }
    case "DefectFound": {
      const { change, defect, kind } = fact
      const key = JSON.stringify([defect, change])
      return {
        ...tally,
        defects: HashMap.modifyAt(tally.defects, key, (known) =>
          Option.some(Option.isSome(known) && known.value.at <= at ? known.value : { defect, kind, change, at })
        )
      }
    }
    default:
      return tally
  }
}

const unshipped = { shippedAt: null, authors: null, commits: [] }

const reach = (tally: WorkTally, item: string | null, reached: Item): WorkTally =>
  item === null
    ? tally
    : {
        ...tally,
        items: HashMap.modifyAt(tally.items, item, (known) =>
          Option.some(
            earliest(
              Option.getOrElse(known, (): Item => ({})),
              reached
            )
          )
        )
      }

/** Of everything the first time stands. */
const earliest = (known: Item, reached: Item): Item => ({
  ...known,
  ...Object.fromEntries(
    Object.entries(reached).map(([name, at]) => [name, Math.min(at, known[name as keyof Item] ?? at)]) // its own keys
  )
})

const know = (tally: WorkTally, told: Change): WorkTally => ({
  ...tally,
  changes: HashMap.modifyAt(tally.changes, told.change, (known) =>
    Option.some(Option.isSome(known) ? both(known.value, told) : told)
  )
})

/** What two facts tell of one change, whichever was read first. */
const both = (a: Change, b: Change): Change => ({
  change: a.change,
  item: least(a.item, b.item),
  run: least(a.run, b.run),
  shippedAt: least(a.shippedAt, b.shippedAt),
  authors: authorsOf(a.authors, b.authors),
  commits: [...new Set([...a.commits, ...b.commits])].sort()
})

const least = <A extends number | string>(a: A | null, b: A | null): A | null =>
  a === null ? b : b === null || a <= b ? a : b

const authorsOf = (a: Change["authors"], b: Change["authors"]): Change["authors"] => {
  if (a === null || a === b) return b
  if (b === null || b === "unknown") return a
  return a === "unknown" ? b : "mixed"
}
