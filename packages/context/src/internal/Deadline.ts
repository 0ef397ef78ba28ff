/** A time that somebody else's code has. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"

/**
 * What it gives, or nothing after so many milliseconds. What is late or interrupted is told to stop and not waited for: code
 * that can not be stopped holds nobody up.
 */
export const within = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  milliseconds: number
): Effect.Effect<Option.Option<A>, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkDetach(Effect.interruptible(effect))
      const stop = Effect.asVoid(Effect.forkDetach(Fiber.interrupt(fiber)))
      return yield* Effect.ensuring(
        restore(
          Effect.raceFirst(Effect.asSome(Fiber.join(fiber)), Effect.as(Effect.sleep(milliseconds), Option.none<A>()))
        ),
        stop
      )
    })
  )
