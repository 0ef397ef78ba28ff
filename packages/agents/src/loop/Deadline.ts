/** The time that somebody else's code has. Code that does not stop when it is told to holds nobody up. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

/** How it ended. `isLeft`: it was told to stop and goes on all the same, and nobody waits for it any more. */
export type End<A> =
  | { readonly _tag: "Done"; readonly value: A }
  | { readonly _tag: "Broke"; readonly cause: Cause.Cause<never> }
  | { readonly _tag: "Late"; readonly isLeft: boolean }

/** How long code has to clean up after it was told to stop, in milliseconds. A process that does not heed is killed after two seconds. */
export const grace = 5_000

/** Runs it for so many milliseconds at most. When the caller is interrupted, it is stopped as well. */
export const within = <A, R>(work: Effect.Effect<A, never, R>, milliseconds: number): Effect.Effect<End<A>, never, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkDetach(Effect.interruptible(work))
      const timer = Effect.as(Effect.sleep(milliseconds), undefined)
      const ended = yield* Effect.exit(restore(Effect.raceFirst(Fiber.await(fiber), timer)))
      if (Exit.isSuccess(ended) && ended.value !== undefined) {
        const exit = ended.value
        return Exit.isSuccess(exit) ? { _tag: "Done", value: exit.value } : { _tag: "Broke", cause: exit.cause }
      }
      yield* Effect.forkDetach(Fiber.interrupt(fiber))
      // A fiber of its own: this one may have been interrupted, and waits all the same.
      const stopping = Effect.raceFirst(Effect.as(Fiber.await(fiber), false), Effect.as(Effect.sleep(grace), true))
      const isLeft = yield* Effect.flatMap(Effect.forkDetach(Effect.interruptible(stopping)), Fiber.join)
      if (isLeft) yield* Effect.logWarning("A tool does not stop when it is told to, and is left behind.")
      return yield* Exit.isSuccess(ended)
        ? Effect.succeed<End<A>>({ _tag: "Late", isLeft })
        : Effect.failCause(ended.cause)
    })
  )
