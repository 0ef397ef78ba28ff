/**
 * **Capacity**: how many stages of a kind run at once in this process. A stage takes a place while its effect runs, so a
 * line between two stages, or at a gate, holds none.
 *
 * ```ts
 * import * as Capacity from "@millwright/core/Capacity"
 * import * as Effect from "effect/Effect"
 *
 * const review = Effect.succeed("accepted").pipe(Capacity.within("review"))
 * const limits = Capacity.layer({ review: 2 })
 * export const reviewed = Effect.provide(review, limits)
 * ```
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import * as Fault from "./Fault.ts"

/** A limit that is none. */
export class CapacityError extends Fault.Class<CapacityError>()("CapacityError", {
  /** Not a whole number of at least 1. With 0 places a line would wait for ever. */
  Invalid: false
}) {}

const Places = Context.Reference<ReadonlyMap<string, Semaphore.Semaphore>>("@millwright/core/Capacity", {
  defaultValue: () => new Map()
})

/** Limits by name. Everything that is built with this one layer shares its places. */
export const layer = (limits: Readonly<Record<string, number>>): Layer.Layer<never, CapacityError> =>
  Layer.effect(
    Places,
    Effect.gen(function* () {
      const places = new Map<string, Semaphore.Semaphore>()
      for (const [name, limit] of Object.entries(limits)) {
        if (!(limit >= 1) || (!Number.isSafeInteger(limit) && limit !== Number.POSITIVE_INFINITY)) {
          return yield* new CapacityError({
            reason: "Invalid",
            message: `The capacity "${name}" is ${limit}. Give a whole number of at least 1.`
          })
        }
        places.set(name, yield* Semaphore.make(limit))
      }
      return places
    })
  )

/**
 * Runs an effect when there is a place of this name, in the order in which they ask. Put it around what a stage runs. A name
 * that no layer limits is not limited. Interrupting it, waiting or running, gives the place back.
 */
export const within =
  (name: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Places, (places) => places.get(name)?.withPermit(effect) ?? effect)
