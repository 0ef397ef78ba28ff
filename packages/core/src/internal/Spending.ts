/**
 * What runs have **spent**, their children's calls included. It is read from the journal, each fact once, so it is what every
 * process has spent, and all that runs side by side sees the same.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as FactoryEvent from "../FactoryEvent.ts"
import type * as Journal from "../Journal.ts"
import * as Usage from "../Usage.ts"

/** A run and what it has spent. */
export interface Spending {
  readonly run: string
  readonly line: string | null
  readonly bill: Usage.Bill
}

/** What is known of one run, up to a place in the journal. */
interface Own {
  seq: number
  line: string | null
  bill: Usage.Bill
  parent: string | null
  readonly children: Set<string>
}

/** What a fact adds to a bill. Of an answer that broke off, the least that it was. */
export const charge = (bill: Usage.Bill, fact: FactoryEvent.Fact): Usage.Bill => {
  if (fact._tag === "ModelCalled") return Usage.charge(bill, fact)
  if (fact._tag !== "ModelFailed" || fact.billed === undefined) return bill
  const { usage, usd } = Usage.charge(bill, fact.billed)
  return { ...bill, usage, usd }
}

const make = (journal: Journal.Journal["Service"]) => {
  const known = new Map<string, Own>()
  const ownOf = (run: string): Own => {
    const own = known.get(run) ?? { seq: 0, line: null, bill: Usage.emptyBill, parent: null, children: new Set() }
    known.set(run, own)
    return own
  }
  const take = (own: Own, { fact, line, run, seq }: FactoryEvent.FactoryEvent): void => {
    // Another fibre may have been faster.
    if (seq <= own.seq) return
    own.seq = seq
    own.line = line
    own.bill = charge(own.bill, fact)
    if (fact._tag === "ChildStarted") own.children.add(fact.child)
    if (fact._tag !== "LineStarted" || fact.parent === undefined) return
    own.parent = fact.parent.run
    // The parent's own fact comes later than the child's first.
    ownOf(own.parent).children.add(run ?? "")
  }
  const refresh = (run: string) =>
    Effect.suspend(() => {
      const own = ownOf(run)
      const events = journal.read({ run, after: own.seq })
      return Effect.as(
        Stream.runForEach(events, (event) => Effect.sync(() => take(own, event))),
        own
      )
    })
  const refreshAll = (run: string): Effect.Effect<void, Journal.JournalError> =>
    Effect.flatMap(refresh(run), ({ children }) => Effect.forEach(children, refreshAll, { discard: true }))
  const sum = (run: string): Usage.Bill => {
    const { bill, children } = ownOf(run)
    return [...children].map(sum).reduce(Usage.addBill, bill)
  }
  /** What a run has spent, and then each run that it is a child of, from the inside out. */
  return Effect.fnUntraced(function* (run: string) {
    const line = [run]
    for (const each of line) {
      const { parent } = yield* refresh(each)
      if (parent !== null) line.push(parent)
    }
    yield* refreshAll(line.at(-1) ?? run)
    return line.map((each): Spending => ({ run: each, line: ownOf(each).line, bill: sum(each) }))
  })
}

const byJournal = new WeakMap<Journal.Journal["Service"], ReturnType<typeof make>>()

/** Reads what runs spend. What was read is kept for as long as the journal is. */
export const of = (journal: Journal.Journal["Service"]): ReturnType<typeof make> => {
  const spendings = byJournal.get(journal) ?? make(journal)
  byJournal.set(journal, spendings)
  return spendings
}
