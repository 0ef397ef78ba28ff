/**
 * When to **stop early**: Wald's sequential test of a rate. After each trial it says whether the rate is good enough, is not,
 * or has to be looked at further; looking again and again costs nothing of its error bounds.
 *
 * The bounds are held exactly, and not only about: it stops at likelihood ratios of 1 / `falseGood` and `falseBad`, of which
 * a rate that is really at most `bad`, or at least `good`, reaches the wrong one with at most that probability (Ville's
 * inequality), however many trials there are. That holds for trials that are drawn from all scenarios by weight, each anew;
 * one scenario after the other would not do. Rates between `bad` and `good` may end either way.
 */
import * as Proportion from "./Proportion.ts"

/** What is told apart, and how sure. Rates are above 0 and below 1, `bad` below `good`. */
export interface Plan {
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

const isShare = (value: number): boolean => value > 0 && value < 1

/** Whether a plan can be one. */
export const isPlan = ({ bad, falseBad = 0.05, falseGood = 0.05, good }: Plan): boolean =>
  [bad, good, falseBad, falseGood].every(isShare) && bad < good && falseBad + falseGood < 1

/** What is known after these trials. Of none, and with a plan that can not be one, always `go on`. */
export const decide = (plan: Plan, count: Proportion.Count): Decision => {
  if (!isPlan(plan) || !Proportion.isCount(count)) return "go on"
  const { bad, falseBad = 0.05, falseGood = 0.05, good } = plan
  const ratio = count.hits * Math.log(good / bad) + (count.of - count.hits) * Math.log((1 - good) / (1 - bad))
  return ratio >= -Math.log(falseGood) ? "good" : ratio <= Math.log(falseBad) ? "bad" : "go on"
}
