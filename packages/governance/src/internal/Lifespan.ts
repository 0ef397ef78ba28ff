/** How long things take, where some are not over yet: the estimate of Kaplan and Meier. */
import type * as Figure from "../Figure.ts"

/** How long something has lasted, and whether that is its end. */
export interface Lifespan {
  readonly time: number
  readonly isOver: boolean
}

/**
 * The distribution. A share of what is left ends at each time at which anything does; what is censored counts among what is left up to
 * its own time. A quantile that is not reached is `null`.
 */
export const distribution = (lifespans: ReadonlyArray<Lifespan>): Figure.Distribution => {
  const sorted = lifespans.toSorted((a, b) => a.time - b.time || Number(b.isOver) - Number(a.isOver))
  const n = sorted.filter(({ isOver }) => isOver).length
  const quantiles: Array<number | null> = [null, null]
  let left = 1
  for (const [before, { isOver, time }] of sorted.entries()) {
    if (!isOver) continue
    left *= 1 - 1 / (sorted.length - before)
    // The products of a half and of a tenth are off by a rounding error.
    for (const [at, share] of [0.5, 0.1].entries()) if (left <= share + 1e-9) quantiles[at] ??= time
  }
  const [p50 = null, p90 = null] = quantiles
  return { n, censored: sorted.length - n, p50, p90 }
}

/** What came to its end, of all. The value is the median. */
export const ratio = (lifespans: ReadonlyArray<Lifespan>, unknown: number): Figure.Ratio => {
  const known = distribution(lifespans)
  return { numerator: known.n, denominator: lifespans.length, unknown, value: known.p50, distribution: known }
}
