/** A **watchdog**: it stands beside an answer while that comes in, and says when nobody waits for it any more. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** What it goes by. Times in milliseconds. */
export interface Options<E> {
  /** How long nothing may come, before the first of it or within. */
  readonly silence: number
  /** For the whole of it. */
  readonly whole: number
  readonly silent: () => E
  readonly endless: () => E
}

/** Tells the watchdog what comes. */
export interface Heard {
  /** Something came, and is taken by `use`: for as long as that takes, nobody is silent. */
  readonly taking: <A, E, R>(use: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Runs what comes in beside one timer, and not one for each thing that comes. */
export const beside = <E, A, E2, R>(
  options: Options<E>,
  coming: (heard: Heard) => Effect.Effect<A, E2, R>
): Effect.Effect<A, E | E2, R> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const now = () => clock.currentTimeMillisUnsafe()
    const started = now()
    let last: number | undefined = started
    const watch: Effect.Effect<never, E> = Effect.suspend(() => {
      const silence = last === undefined ? options.silence : last + options.silence - now()
      const whole = started + options.whole - now()
      if (whole <= 0) return Effect.fail(options.endless())
      return silence <= 0
        ? Effect.fail(options.silent())
        : Effect.andThen(Effect.sleep(Math.min(silence, whole)), watch)
    })
    const taking: Heard["taking"] = (use) =>
      Effect.suspend(() => {
        last = undefined
        return Effect.map(use, (taken) => {
          last = now()
          return taken
        })
      })
    return Effect.raceFirst(coming({ taking }), watch)
  })
