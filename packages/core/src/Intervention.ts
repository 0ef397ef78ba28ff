/**
 * An **intervention**: a recorded moment in which a human was needed or stepped in. The ledger of them is what a factory
 * learns from: it is a pure fold over the journal, so it can be made again from the same events at any time.
 */
import * as Schema from "effect/Schema"
import * as Actor from "./Actor.ts"
import type * as FactoryEvent from "./FactoryEvent.ts"

/** One intervention. It is open until `answered` is there. */
export const Intervention = Schema.Struct({
  /** The gate that asked. */
  id: Schema.String,
  line: Schema.NullOr(Schema.String),
  run: Schema.NullOr(Schema.String),
  item: Schema.NullOr(Schema.String),
  /** The name of the gate: where in the line the human was needed. */
  name: Schema.String,
  kind: Schema.Literals(["approve", "answer", "ask"]),
  /** Why a human was needed, as a class. */
  cause: Schema.String,
  question: Schema.String,
  /** In milliseconds since 1970, UTC. */
  openedAt: Schema.Natural,
  /** How often somebody was told that nobody has answered yet, escalations included. */
  reminders: Schema.Natural,
  /** How many tiers it was escalated; 0 is not. */
  level: Schema.Natural,
  /** Whom the last escalation names. */
  to: Schema.NullOr(Schema.String),
  /**
   * Nobody waits for it: the run went back to before this, so what was said counts no more, and it may be asked again; or
   * the branch that asked was stopped.
   */
  withdrawn: Schema.optionalKey(Schema.Literal(true)),
  answered: Schema.NullOr(
    Schema.Struct({
      by: Actor.Actor,
      /** `{ approved, note }`, `{ text }` or `{ value }`; `null` when the time ran out without an answer for that case. */
      answer: Schema.Json,
      /** Milliseconds that the line waited. */
      waited: Schema.Natural,
      /** Minutes that the human worked, where they were measured; never guessed. */
      activeMinutes: Schema.NullOr(Schema.Finite),
      /** No human answered in time; the host went on. */
      timedOut: Schema.optionalKey(Schema.Literal(true)),
      /** The way that the answer came, where it was not given in a program. */
      via: Schema.optionalKey(Schema.String)
    })
  )
})
/** One intervention. */
export type Intervention = typeof Intervention.Type

/** Interventions by id, in the order in which they were opened. */
export type Ledger = ReadonlyMap<string, Intervention>

/** The ledger before anything happened. */
export const empty: Ledger = new Map()

/** The gates that a fact tells of. */
export const gatesOf = (fact: FactoryEvent.Fact): ReadonlyArray<string> => {
  if (fact._tag === "LineRewound") return fact.gates
  if (fact._tag === "BranchesJoined") return fact.gates ?? []
  return fact._tag === "GateOpened" || fact._tag === "GateReminded" || fact._tag === "GateAnswered" ? [fact.gate] : []
}

/**
 * One intervention after one more event that tells of its gate; the only place that knows what gate facts mean. The first
 * opening and the first answer stand until the run goes back, and a reminder that crossed the answer is none.
 */
export const advance = (
  known: Intervention | undefined,
  { at, fact, item, line, run }: FactoryEvent.FactoryEvent
): Intervention | undefined => {
  if (fact._tag === "LineRewound") return known && { ...known, withdrawn: true }
  // What was answered before counts.
  if (fact._tag === "BranchesJoined") return known?.answered === null ? { ...known, withdrawn: true } : known
  if (known === undefined || known.withdrawn === true) {
    if (fact._tag !== "GateOpened") return known
    const { cause, gate: id, kind, name, question } = fact
    const unanswered = { reminders: 0, level: 0, to: null, answered: null }
    return { id, line, run, item, name, kind, cause, question, openedAt: at, ...unanswered }
  }
  if (known.answered !== null) return known
  if (fact._tag === "GateReminded") {
    return { ...known, reminders: known.reminders + 1, level: fact.level, to: fact.to }
  }
  if (fact._tag !== "GateAnswered") return known
  const { _tag, gate: _gate, ...answered } = fact
  return { ...known, answered }
}

/** The ledger after one more event. What was withdrawn and asked again stays, under its id and the time it was opened at. */
export const step = (ledger: Ledger, event: FactoryEvent.FactoryEvent): Ledger =>
  gatesOf(event.fact).reduce((ledger, id) => {
    const known = ledger.get(id)
    const next = advance(known, event)
    if (next === undefined || next === known) return ledger
    const isAgain = known?.withdrawn === true && next.withdrawn !== true
    return new Map(isAgain ? [...ledger, [`${id}@${known.openedAt}`, known] as const] : ledger).set(id, next)
  }, ledger)
