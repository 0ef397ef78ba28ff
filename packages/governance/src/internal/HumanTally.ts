/** The interventions of a factory, and the causes that were removed. */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Intervention from "@millwright/core/Intervention"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Autonomy from "../Autonomy.ts"

/** An intervention, without its texts. */
export interface Entry {
  readonly known: Intervention.Intervention
  /** When nobody waited for it any more; in milliseconds since 1970. */
  readonly withdrawnAt: number | null
  /** The place of the last fact of its gate that was counted. */
  readonly seq: number
}

/** A cause that was removed: by what, and when this was first said. */
export interface Removal {
  readonly fix: string
  readonly at: number
}

/** All interventions by id, and the removals of each cause. */
export interface HumanTally {
  readonly entries: HashMap.HashMap<string, Entry>
  readonly removed: HashMap.HashMap<string, ReadonlyArray<Removal>>
}

/** Nobody was needed. */
export const empty: HumanTally = { entries: HashMap.empty(), removed: HashMap.empty() }

/** What is known after one more event; core alone knows what facts mean for interventions. */
export const step = (tally: HumanTally, event: FactoryEvent.FactoryEvent): HumanTally => {
  const { actor, fact } = event
  const gates = Intervention.gatesOf(fact)
  const ids = [...gates, ...idsOf(fact)]
  if (ids.length === 0 && actor._tag !== "Human" && fact._tag !== "CauseRemoved") return tally
  const found = ids.flatMap((id) =>
    Option.match(HashMap.get(tally.entries, id), { onNone: () => [], onSome: (entry) => [[id, entry] as const] })
  )
  // A gate's facts count once, and in their order: one that was asked again would else be asked a third time by the same facts.
  const fresh = found.filter(([id, { seq }]) => !gates.includes(id) || event.seq > seq)
  if (fact._tag === "GateOpened" && fresh.length < found.length) return tally
  const before = new Map(fresh.map(([id, { known }]) => [id, known]))
  const changed = [...Intervention.step(before, event)].filter(([id, known]) => before.get(id) !== known)
  const entries = changed.reduce((all, [id, known]) => {
    const old = Option.getOrUndefined(HashMap.get(tally.entries, id))
    return HashMap.set(all, id, entryOf(known, old ?? fresh.find(([, each]) => each.known === known)?.[1], event))
  }, tally.entries)
  return { entries, removed: fact._tag === "CauseRemoved" ? without(tally.removed, fact, event.at) : tally.removed }
}

const idsOf = (fact: FactoryEvent.Fact): ReadonlyArray<string> =>
  fact._tag === "Intervened" || fact._tag === "InterventionEnded"
    ? [fact.id]
    : fact._tag === "CauseRemoved"
      ? fact.interventions
      : []

const entryOf = (
  known: Intervention.Intervention,
  old: Entry | undefined,
  { at, fact, seq }: FactoryEvent.FactoryEvent
): Entry => {
  // What was asked before stands as it was, beside what is asked again.
  if (old?.known === known) return old
  const isNew = old === undefined || (fact._tag === "GateOpened" && old.withdrawnAt !== null)
  return {
    known: bare(known),
    withdrawnAt: known.withdrawn === true ? ((isNew ? null : old.withdrawnAt) ?? at) : null,
    seq
  }
}

/** Texts are large, and no figure needs them. What is left of an answer is whether it was a no. */
const bare = (known: Intervention.Intervention): Intervention.Intervention => ({
  ...known,
  question: "",
  answered: known.answered && { ...known.answered, answer: Autonomy.isNo(known) ? { approved: false } : null }
})

const without = (
  removed: HumanTally["removed"],
  { cause, fix }: Extract<FactoryEvent.Fact, { readonly _tag: "CauseRemoved" }>,
  at: number
): HumanTally["removed"] =>
  HashMap.modifyAt(removed, cause, (known) => {
    const all = Option.getOrElse(known, (): ReadonlyArray<Removal> => [])
    const first = all.find((each) => each.fix === fix)
    const others = all.filter((each) => each.fix !== fix)
    return Option.some([...others, { fix, at: Math.min(at, first?.at ?? at) }].sort((a, b) => a.at - b.at))
  })

/** An intervention as it stood at a moment: what came of it later is not there yet. */
export const asOf = ({ known, withdrawnAt }: Entry, at: number): Intervention.Intervention => {
  const { withdrawn: _, ...rest } = known
  const answered = known.answered !== null && known.answered.at <= at ? known.answered : null
  return { ...rest, answered, ...(withdrawnAt !== null && withdrawnAt <= at && { withdrawn: true as const }) }
}
