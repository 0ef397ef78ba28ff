/** All that figures are made of, as one fold: its size grows with runs, changes and interventions, and not with facts. */
import * as Digest from "@millwright/core/Digest"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import * as HumanTally from "./HumanTally.ts"
import * as RunTally from "./RunTally.ts"
import * as SpendRows from "./SpendRows.ts"
import * as WorkTally from "./WorkTally.ts"

/** An answer that broke off, and the run it was entered in: it gives way to the whole one. */
interface Broken extends Pick<SpendRows.Call, "amount" | "place"> {
  readonly run: string
}

/** All that figures are made of. */
export interface Tally {
  /** The times of the first and the last fact, in milliseconds since 1970; `null` where there is none. */
  readonly first: number | null
  readonly last: number | null
  readonly runs: HashMap.HashMap<string, RunTally.RunTally>
  readonly work: WorkTally.WorkTally
  readonly human: HumanTally.HumanTally
  /** Answers that have a name of their provider, by what is left of it: one that is told twice counts once. */
  readonly answers: HashSet.HashSet<number>
  readonly broken: HashMap.HashMap<number, Broken>
}

/** Nothing happened. */
export const empty: Tally = {
  ...{ first: null, last: null, runs: HashMap.empty(), work: WorkTally.empty, human: HumanTally.empty },
  ...{ answers: HashSet.empty(), broken: HashMap.empty() }
}

/** What is known after one more event. */
export const step = (tally: Tally, event: FactoryEvent.FactoryEvent): Tally => {
  const next = runs(tally, event)
  return {
    ...next,
    first: Math.min(began(event), tally.first ?? event.at),
    last: Math.max(event.at, tally.last ?? event.at),
    work: WorkTally.step(next.work, event),
    human: HumanTally.step(next.human, event)
  }
}

/** A run that was pruned began before the fact that is left of it. */
const began = ({ at, fact }: FactoryEvent.FactoryEvent): number =>
  fact._tag === "RunPruned" ? Math.min(at, fact.began ?? at) : at

const runs = (tally: Tally, event: FactoryEvent.FactoryEvent): Tally => {
  const { fact, seq } = event
  // What belongs to no run is kept as if it were one, that never began.
  const name = event.run ?? ""
  const known = Option.getOrElse(HashMap.get(tally.runs, name), () => RunTally.of(event))
  const keep = (next: RunTally.RunTally): Tally =>
    next === known
      ? tally
      : { ...tally, runs: HashMap.set(tally.runs, name, { ...next, seq: Math.max(seq, next.seq) }) }
  if (fact._tag === "RunPruned") return keep(RunTally.pruned(known, event, fact))
  if (seq <= known.seq) return tally
  const call = SpendRows.callOf(event)
  if (call === undefined) return keep(RunTally.step(known, event))
  return enter(tally, { ...call, run: name }, () => keep(RunTally.enter(known, call)))
}

const enter = (tally: Tally, call: SpendRows.Call & { readonly run: string }, next: () => Tally): Tally => {
  if (call.name === undefined) return next()
  // 52 bits: among a million answers, one in ten thousand factories takes two for one.
  const name = Number.parseInt(Digest.of(call.name).slice(0, 13), 16)
  if (HashSet.has(tally.answers, name)) return tally
  const broken = Option.getOrUndefined(HashMap.get(tally.broken, name))
  if (call.isBroken) {
    return broken === undefined ? { ...next(), broken: HashMap.set(tally.broken, name, call) } : tally
  }
  const entered = { ...next(), answers: HashSet.add(tally.answers, name) }
  return broken === undefined
    ? entered
    : {
        ...entered,
        broken: HashMap.remove(entered.broken, name),
        runs: HashMap.modify(entered.runs, broken.run, (run) =>
          RunTally.enter(run, { place: broken.place, amount: SpendRows.negative(broken.amount) })
        )
      }
}
