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
  kind: Schema.Literals(["approve", "answer"]),
  /** Why a human was needed, as a class. */
  cause: Schema.String,
  question: Schema.String,
  /** In milliseconds since 1970, UTC. */
  openedAt: Schema.Natural,
  answered: Schema.NullOr(
    Schema.Struct({
      by: Actor.Actor,
      answer: Schema.Json,
      /** Milliseconds that the line waited. */
      waited: Schema.Natural,
      /** Minutes that the human worked, where they were measured; never guessed. */
      activeMinutes: Schema.NullOr(Schema.Finite)
    })
  )
})
/** One intervention. */
export type Intervention = typeof Intervention.Type

/** Interventions by id, in the order in which they were opened. */
export type Ledger = ReadonlyMap<string, Intervention>

/** The ledger before anything happened. */
export const empty: Ledger = new Map()

/** The ledger after one more event. */
export const step = (ledger: Ledger, { at, fact, item, line, run }: FactoryEvent.FactoryEvent): Ledger => {
  if (fact._tag === "GateOpened") {
    const { cause, gate: id, kind, name, question } = fact
    return ledger.has(id)
      ? ledger
      : new Map(ledger).set(id, { id, line, run, item, name, kind, cause, question, openedAt: at, answered: null })
  }
  const open = fact._tag === "GateAnswered" ? ledger.get(fact.gate) : undefined
  if (open === undefined || open.answered !== null || fact._tag !== "GateAnswered") return ledger
  const { activeMinutes, answer, by, waited } = fact
  return new Map(ledger).set(open.id, { ...open, answered: { by, answer, waited, activeMinutes } })
}
