/** The ledger of interventions as a process knows it: what a journal holds, of which only what is new is read again. */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Intervention from "../Intervention.ts"
import * as Journal from "../Journal.ts"

/** Every intervention that the journal holds now, by id. Only what was written since the last look is read. */
export const ledger: Effect.Effect<Intervention.Ledger, Journal.JournalError, Journal.Journal> = Effect.gen(
  function* () {
    const journal = yield* Journal.Journal
    const memory = memories.get(journal) ?? { ledger: Intervention.empty, seq: 0, lock: Semaphore.makeUnsafe(1) }
    memories.set(journal, memory)
    return yield* memory.lock.withPermit(
      Effect.gen(function* () {
        yield* Stream.runForEach(journal.read({ after: memory.seq }), (event) =>
          Effect.sync(() => {
            memory.ledger = Intervention.step(memory.ledger, event)
            memory.seq = event.seq
          })
        )
        return memory.ledger
      })
    )
  }
)

interface Memory {
  ledger: Intervention.Ledger
  seq: number
  readonly lock: Semaphore.Semaphore
}

/** What was read of a journal. Facts are never changed; those of a run that was pruned since are known on. */
const memories = new WeakMap<Journal.Journal["Service"], Memory>()
