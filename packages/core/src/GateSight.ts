/** A **gate** as the journal shows it: what was asked, what happened since, and where its run stands. */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type * as FactoryEvent from "./FactoryEvent.ts"
import type * as GateAnswer from "./internal/GateAnswer.ts"
import * as Intervention from "./Intervention.ts"
import * as Journal from "./Journal.ts"
import * as Status from "./Status.ts"

/** A gate, as the journal knows it. */
export interface Gate {
  readonly opened: GateAnswer.Opened
  readonly openedAt: number
  /** The place of its opening in the journal: a run that went back asks once more. */
  readonly openedSeq: number
  readonly origin: FactoryEvent.Origin
  /** The same, as the ledger of interventions has it: with reminders and escalations. */
  readonly intervention: Intervention.Intervention
  readonly answered: NonNullable<Intervention.Intervention["answered"]> | undefined
}

/** A gate after one more event that tells of it. */
const advance = (gate: Gate | undefined, event: FactoryEvent.FactoryEvent): Gate | undefined => {
  const intervention = Intervention.advance(gate?.intervention, event)
  if (intervention === undefined || intervention === gate?.intervention) return gate
  const answered = intervention.answered ?? undefined
  if (event.fact._tag !== "GateOpened") return gate && { ...gate, intervention, answered }
  const { actor, at, fact, item, line, run, seq, stage } = event
  return {
    opened: fact,
    openedAt: at,
    openedSeq: seq,
    origin: { actor, item, line, run, stage },
    intervention,
    answered
  }
}

/** The gates after one more event. Changes the map. */
export const step = (gates: Map<string, Gate>, event: FactoryEvent.FactoryEvent): Map<string, Gate> => {
  for (const id of Intervention.gatesOf(event.fact)) {
    const gate = advance(gates.get(id), event)
    if (gate !== undefined) gates.set(id, gate)
  }
  return gates
}

/** A gate and its run, as they are now. */
export interface Sight {
  readonly gate: Gate | undefined
  readonly status: Status.Status | undefined
}

/** The gates of a run up to an event. */
interface Seen {
  readonly gates: Map<string, Gate>
  status: Status.Status | undefined
  seq: number
}

/** Looks at the gate of this id, which begins with the name of its run. Only what was written since the last look is read. */
export const look = (id: string): Effect.Effect<Sight, Journal.JournalError, Journal.Journal> =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    const memory = memories.get(journal) ?? { seen: new Map<string, Seen>(), lock: Semaphore.makeUnsafe(1) }
    memories.set(journal, memory)
    const run = id.slice(0, Math.max(0, id.indexOf(":")))
    return yield* memory.lock.withPermit(
      Effect.gen(function* () {
        const seen: Seen = memory.seen.get(run) ?? { gates: new Map(), status: undefined, seq: 0 }
        yield* Stream.runForEach(journal.read({ run, after: seen.seq }), (event) =>
          Effect.sync(() => {
            step(seen.gates, event)
            seen.status = Status.step(seen.status, event)
            seen.seq = event.seq
          })
        )
        // The oldest goes first; a run that was never heard of takes no place.
        memory.seen.delete(run)
        if (seen.seq > 0) memory.seen.set(run, seen)
        const oldest = memory.seen.keys().next()
        if (memory.seen.size > remembered && oldest.done === false) memory.seen.delete(oldest.value)
        return { gate: seen.gates.get(id), status: seen.status }
      })
    )
  })

/** How many runs are remembered for the next look. */
const remembered = 32

/**
 * What was read of a journal. A journal only grows, so this can be behind and never wrong; without it, many answers to a
 * gate of a long run would each read the whole run.
 */
const memories = new WeakMap<
  Journal.Journal["Service"],
  { readonly seen: Map<string, Seen>; readonly lock: Semaphore.Semaphore }
>()
