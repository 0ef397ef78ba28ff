/**
 * How many trials are needed, before they are paid for. An answer is a whole number of trials or scenarios; what can not be
 * planned, such as a half-width of 0, is `undefined`.
 */
import * as Distribution from "./internal/Distribution.ts"
import * as Proportion from "./Proportion.ts"

const isShare = (value: number): boolean => value > 0 && value < 1

/**
 * The fewest trials after which Wilson's interval is no wider than `halfWidth` on each side, if the rate is `rate`. Default
 * 0.5, which needs most: planned with it, no rate comes out wider.
 */
export const forHalfWidth = ({
  confidence = 0.95,
  halfWidth,
  rate = 0.5
}: Proportion.Sureness & { readonly halfWidth: number; readonly rate?: number }): number | undefined => {
  if (!isShare(halfWidth) || !isShare(confidence) || !(rate >= 0 && rate <= 1)) return undefined
  const z2 = Proportion.deviations(confidence) ** 2
  // The middle of the interval is not the rate; its half-width falls with each trial.
  const fits = (of: number) => Math.sqrt(z2 * (of * rate * (1 - rate) + z2 / 4)) / (of + z2) <= halfWidth
  let high = 1
  while (!fits(high)) high *= 2
  let low = Math.floor(high / 2)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (fits(middle)) high = middle
    else low = middle
  }
  return high
}

/** How often a test may see a difference where there is none (`alpha`, default 0.05), and how often it sees one that is there (`power`, default 0.8). */
export interface Strength {
  readonly alpha?: number
  readonly power?: number
}

const strength = ({ alpha = 0.05, power = 0.8 }: Strength) =>
  isShare(alpha) && isShare(power)
    ? { a: -Distribution.normalQuantile(alpha / 2), b: Distribution.normalQuantile(power) }
    : undefined

/** The trials that each of two groups needs, with nothing in common, to tell the rate `from` from the rate `to`. */
export const forDifference = ({
  from,
  to,
  ...options
}: Strength & { readonly from: number; readonly to: number }): number | undefined => {
  const z = strength(options)
  if (z === undefined || !(from >= 0 && from <= 1 && to >= 0 && to <= 1) || from === to) return undefined
  const middle = (from + to) / 2
  const spread = z.a * Math.sqrt(2 * middle * (1 - middle)) + z.b * Math.sqrt(from * (1 - from) + to * (1 - to))
  return Math.ceil((spread / (from - to)) ** 2)
}

/**
 * The scenarios that two heads have to be tried on to tell that one is better by `difference`, if they end differently in a
 * share `discordant` of all. The same scenarios and seeds for both need far fewer trials than two groups with nothing in common.
 */
export const forPairs = ({
  difference,
  discordant,
  ...options
}: Strength & { readonly difference: number; readonly discordant: number }): number | undefined => {
  const z = strength(options)
  const size = Math.abs(difference)
  if (z === undefined || !(size > 0 && discordant >= size && discordant <= 1)) return undefined
  return Math.ceil(((z.a * Math.sqrt(discordant) + z.b * Math.sqrt(discordant - size ** 2)) / size) ** 2)
}
