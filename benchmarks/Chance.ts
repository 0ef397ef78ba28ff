/** **Chance** that a number decides: the same seed draws the same. */

/** Draws numbers from 0 to below 1 (mulberry32). */
export const make = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The same values in another order. */
export const shuffled = <A>(values: ReadonlyArray<A>, chance: () => number): ReadonlyArray<A> =>
  values
    .map((value) => ({ value, place: chance() }))
    .sort((a, b) => a.place - b.place)
    .map(({ value }) => value)
