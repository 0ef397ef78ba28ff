/**
 * A **trial plan**: how many trials are needed, before they are paid for, and when there are enough of them. An answer is a
 * whole number of trials or scenarios; what can not be planned, such as a half-width of 0, is `undefined`.
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

/**
 * When to **stop early**: Wald's sequential test of a rate. What is told apart, and how sure. Rates are above 0 and below 1, `bad` below
 * `good`.
 *
 * After each trial {@link decide} says whether the rate is good enough, is not, or has to be looked at further; looking again
 * and again costs nothing of its error bounds. They are held exactly, and not only about: it stops at likelihood ratios of
 * 1 / `falseGood` and `falseBad`, of which a rate that is really at most `bad`, or at least `good`, reaches the wrong one with
 * at most that probability (Ville's inequality), however many trials there are. That holds for trials that are drawn from all
 * scenarios by weight, each anew; one scenario after the other would not do. Rates between `bad` and `good` may end either way.
 */
export interface Stop {
  /** A rate that must not be called good. */
  readonly bad: number
  /** A rate that must not be called bad. */
  readonly good: number
  /** How often a rate of at most `bad` may be called good. Default 0.05. */
  readonly falseGood?: number
  /** How often a rate of at least `good` may be called bad. Default 0.05. */
  readonly falseBad?: number
}

/** What is known after some trials. */
export type Decision = "good" | "bad" | "go on"

/** Whether a plan can be one. */
export const isStop = ({ bad, falseBad = 0.05, falseGood = 0.05, good }: Stop): boolean =>
  [bad, good, falseBad, falseGood].every(isShare) && bad < good && falseBad + falseGood < 1

/** What is known after these trials. Of none, and with a plan that can not be one, always `go on`. */
export const decide = (plan: Stop, count: Proportion.Count): Decision => {
  if (!isStop(plan) || !Proportion.isCount(count)) return "go on"
  const { bad, falseBad = 0.05, falseGood = 0.05, good } = plan
  const ratio = count.hits * Math.log(good / bad) + (count.of - count.hits) * Math.log((1 - good) / (1 - bad))
  return ratio >= -Math.log(falseGood) ? "good" : ratio <= Math.log(falseBad) ? "bad" : "go on"
}
