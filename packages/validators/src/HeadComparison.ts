/**
 * Whether one head is better than another: both are tried on the same scenarios with the same seeds, and a scenario counts
 * once, however often it was tried. What only one of them was tried on is missing, and not lost.
 */
import type * as Proportion from "./Proportion.ts"

/** What trials of one head came to, by scenario. A scenario whose trials all errored has none. */
export type Observed = ReadonlyMap<string, Proportion.Count>

/** Which head is better. `too few`: however they ended, so few scenarios that end differently could not say. */
export type Answer = "better" | "worse" | "no difference seen" | "too few"

/** A comparison of two heads. */
export interface Comparison {
  readonly answer: Answer
  /** Scenarios that the new head satisfies more often, less often, and as often as the old one. */
  readonly better: number
  readonly worse: number
  readonly same: number
  /** Scenarios that only one of the two has trials of. */
  readonly missing: ReadonlyArray<string>
  /** How likely heads that are the same differ so much or more: the exact test of McNemar, two-sided. */
  readonly p: number
}

/** McNemar's exact test: how likely `one` and `other`, or a greater difference, are where both are as likely. */
export const mcNemar = (one: number, other: number): number => {
  const all = one + other
  let term = 0.5 ** all
  let tail = 0
  // Beyond a thousand the first term is 0, and with it all of them; so each is made as a logarithm.
  let log = all * Math.log(0.5)
  for (let at = 0; at <= Math.min(one, other); at++) {
    tail += all > 1_000 ? Math.exp(log) : term
    term *= (all - at) / (at + 1)
    log += Math.log((all - at) / (at + 1))
  }
  return Math.min(1, 2 * tail)
}

/** Compares two heads. `alpha` is how often heads that are the same may be told apart. Default 0.05. */
export const compare = (
  before: Observed,
  after: Observed,
  { alpha = 0.05 }: { readonly alpha?: number } = {}
): Comparison => {
  const missing: Array<string> = []
  let better = 0
  let worse = 0
  let same = 0
  for (const scenario of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const old = before.get(scenario)
    const now = after.get(scenario)
    if (old === undefined || now === undefined || old.of <= 0 || now.of <= 0) {
      missing.push(scenario)
      continue
    }
    // Whole numbers, so that equal rates are equal.
    const difference = now.hits * old.of - old.hits * now.of
    if (difference > 0) better++
    else if (difference < 0) worse++
    else same++
  }
  const p = mcNemar(better, worse)
  const answer =
    mcNemar(better + worse, 0) > alpha
      ? "too few"
      : p > alpha
        ? "no difference seen"
        : better > worse
          ? "better"
          : "worse"
  return { answer, better, worse, same, missing, p }
}
