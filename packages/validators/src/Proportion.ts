/**
 * A **proportion**: so many of so many, and how far the true rate may be from it. Of nothing there is no rate: it is
 * `undefined`, and never 0.
 *
 * ```ts
 * import * as Proportion from "@millwright/validators/Proportion"
 *
 * Proportion.wilson({ hits: 18, of: 20 }) // { low: 0.699, high: 0.972 }
 * ```
 */
import * as Schema from "effect/Schema"
import * as Distribution from "./internal/Distribution.ts"

/** So many of so many. */
export interface Count {
  readonly hits: number
  readonly of: number
}

/** Where the true rate is, with the confidence that was asked for. */
export const Interval = Schema.Struct({ low: Schema.Finite, high: Schema.Finite })
/** Where the true rate is, with the confidence that was asked for. */
export type Interval = typeof Interval.Type

/** How sure an interval is, above 0 and below 1. Default 0.95. */
export interface Sureness {
  readonly confidence?: number
}

/** Whether these can be a count. `of` need not be a whole number: a weighted count is of as many as it is worth. */
export const isCount = ({ hits, of }: Count): boolean =>
  Number.isFinite(of) && Number.isFinite(hits) && of > 0 && hits >= 0 && hits <= of

/** The rate. `undefined` of nothing, and of what is no count. */
export const rate = (count: Count): number | undefined => (isCount(count) ? count.hits / count.of : undefined)

const isShare = (value: number): boolean => value > 0 && value < 1

/** How many standard deviations a two-sided confidence is. */
export const deviations = (confidence: number): number => -Distribution.normalQuantile((1 - confidence) / 2)

/**
 * Wilson's score interval: the one to show. On average over rates it covers as often as it says; for a single rate and a
 * small `of` it is somewhat above or below, since counts are whole numbers.
 */
export const wilson = (count: Count, { confidence = 0.95 }: Sureness = {}): Interval | undefined => {
  if (!isCount(count) || !isShare(confidence)) return undefined
  const { hits, of } = count
  const z2 = deviations(confidence) ** 2
  const middle = (hits + z2 / 2) / (of + z2)
  const half = Math.sqrt(z2 * ((hits * (of - hits)) / of + z2 / 4)) / (of + z2)
  // At the ends it is exactly 0 or 1; the two terms round differently.
  return { low: hits === 0 ? 0 : Math.max(0, middle - half), high: hits === of ? 1 : Math.min(1, middle + half) }
}

/**
 * Clopper's and Pearson's exact interval: it never covers less often than it says, and is wider for that. The one to decide
 * by where a rate that is too good would do harm.
 */
export const exact = (count: Count, { confidence = 0.95 }: Sureness = {}): Interval | undefined => {
  if (!isCount(count) || !isShare(confidence)) return undefined
  const { hits, of } = count
  const tail = (1 - confidence) / 2
  return {
    low: hits === 0 ? 0 : Distribution.betaQuantile(tail, hits, of - hits + 1),
    high: hits === of ? 1 : Distribution.betaQuantile(1 - tail, hits + 1, of - hits)
  }
}

const isDraw = ({ hits, of }: Count, k: number): boolean =>
  Number.isInteger(of) && Number.isInteger(hits) && Number.isInteger(k) && isCount({ hits, of }) && k >= 1 && k <= of

/** How likely `k` of the trials, drawn without putting back, are all hits. */
const all = ({ hits, of }: Count, k: number): number => {
  let product = 1
  for (let at = 0; at < k; at++) product *= Math.max(0, hits - at) / (of - at)
  return product
}

/**
 * pass^k: how likely `k` new trials all succeed, estimated without bias from the trials that there are. `undefined` where
 * there are fewer than `k` of them: they can not say.
 */
export const passAll = (count: Count, k: number): number | undefined => (isDraw(count, k) ? all(count, k) : undefined)

/** pass@k: how likely at least one of `k` new trials succeeds, estimated without bias. `undefined` as for {@link passAll}. */
export const passAny = (count: Count, k: number): number | undefined =>
  isDraw(count, k) ? 1 - all({ hits: count.of - count.hits, of: count.of }, k) : undefined
