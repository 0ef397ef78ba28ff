/** **Attention**: how long a human worked on a thing, from the signs of life that a surface saw of them. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** How long nothing may be seen of a human who still counts as at work. */
export interface Options {
  /** Default 2 minutes. A longer gap is a pause, and no minute of it counts. */
  readonly idle?: Duration.Input
}

/**
 * Minutes of work between signs of life, in milliseconds since 1970 and in any order, so those of several surfaces can be put
 * together: what two of them saw at once counts once. `null`: nothing was measured, since there are no two signs close enough.
 */
export const activeMinutes = (signs: ReadonlyArray<number>, { idle = "2 minutes" }: Options = {}): number | null => {
  const longest = Duration.toMillis(Duration.fromInputUnsafe(idle))
  const sorted = signs.filter((at) => Number.isFinite(at)).toSorted((a, b) => a - b)
  const gaps = sorted.slice(1).flatMap((at, index) => {
    const gap = at - (sorted[index] ?? at)
    return gap <= longest ? [gap] : []
  })
  return gaps.length === 0 ? null : gaps.reduce((sum, gap) => sum + gap, 0) / 60_000
}

/** Whether a number can be minutes of work. */
export const isMinutes = (minutes: number): boolean => Number.isFinite(minutes) && minutes >= 0

/** What came of work, and how long the human was at it. */
export interface Measured<A> {
  readonly value: A
  readonly activeMinutes: number | null
}

/**
 * Does what a human does at a surface, and measures it. The surface runs `alive` at every sign of life (a key, a click, a scroll);
 * the beginning and the end are signs too.
 */
export const measured = <A, E, R>(
  work: (alive: Effect.Effect<void>) => Effect.Effect<A, E, R>,
  options?: Options
): Effect.Effect<Measured<A>, E, R> =>
  Effect.gen(function* () {
    const signs: Array<number> = []
    const alive = Effect.map(Clock.currentTimeMillis, (at) => void signs.push(at))
    yield* alive
    const value = yield* work(alive)
    yield* alive
    return { value, activeMinutes: activeMinutes(signs, options) }
  })
