/** The delivery of an open workspace: when the host asks, one at a time, and when the scope closes, unless it was given up. */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { SandboxError } from "../Sandbox.ts"

/** Makes it of what brings the commits. At the end a failure can only be logged. */
export const make = Effect.fnUntraced(function* (bring: Effect.Effect<void, SandboxError>) {
  const deliver = Semaphore.withPermit(yield* Semaphore.make(1), bring)
  let isGivenUp = false
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => (isGivenUp ? Effect.void : Effect.ignore(deliver, { log: "Warn" })))
  )
  return {
    deliver,
    /** Nothing is brought at the end any more. */
    giveUp: Effect.sync(() => void (isGivenUp = true))
  }
})
