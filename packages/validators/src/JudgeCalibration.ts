/**
 * How far a **judge** can be believed: what it said of items that people labelled, and what a rate that it reports is worth
 * once its mistakes are taken out of it.
 */
import * as Proportion from "./Proportion.ts"

/** An item that somebody labelled, and what the judge said of it. */
export interface Labelled {
  readonly good: boolean
  readonly said: boolean
}

/** What a judge is like. Rates are `undefined` where no item could tell. */
export interface Calibration {
  /** Good items that it calls good, of the good ones. */
  readonly sensitivity: Proportion.Count
  /** Bad items that it calls bad, of the bad ones. */
  readonly specificity: Proportion.Count
  /**
   * Cohen's kappa: agreement beyond chance; 1 is full, 0 is chance. `undefined` of no items, and where both always say the
   * same one thing, so that chance explains all.
   */
  readonly kappa: number | undefined
}

/** What a judge is like by items that were labelled. */
export const of = (items: ReadonlyArray<Labelled>): Calibration => {
  const count = (good: boolean, said: boolean) =>
    items.filter((each) => each.good === good && each.said === said).length
  const both = count(true, true)
  const neither = count(false, false)
  const missed = count(true, false)
  const invented = count(false, true)
  return {
    sensitivity: { hits: both, of: both + missed },
    specificity: { hits: neither, of: neither + invented },
    kappa: kappa([
      [both, missed],
      [invented, neither]
    ])
  }
}

/** Cohen's kappa of a table of two judges and two answers. */
export const kappa = ([[both, first], [second, neither]]: readonly [
  readonly [number, number],
  readonly [number, number]
]): number | undefined => {
  const all = both + first + second + neither
  const chance = ((both + first) * (both + second) + (neither + first) * (neither + second)) / all ** 2
  return all > 0 && chance < 1 ? ((both + neither) / all - chance) / (1 - chance) : undefined
}

/** A rate with the judge's mistakes taken out, from 0 to 1, and its interval. */
export interface Corrected {
  readonly rate: number
  readonly interval: Proportion.Interval
}

const between = (value: number): number => Math.min(1, Math.max(0, value))

/**
 * What the true rate is where the judge reports `count` (Rogan and Gladen), with an interval that also knows how few items the
 * judge was calibrated by (Lang and Reiczigel). `undefined` where there is nothing to correct, or where the judge is no better
 * than chance: no number of trials says anything then.
 */
export const correct = (
  { sensitivity, specificity }: Calibration,
  count: Proportion.Count,
  { confidence = 0.95 }: Proportion.Sureness = {}
): Corrected | undefined => {
  const [reported, se, sp] = [count, sensitivity, specificity].map(Proportion.rate)
  if (reported === undefined || se === undefined || sp === undefined || se + sp <= 1) return undefined
  if (!(confidence > 0 && confidence < 1)) return undefined
  const z = Proportion.deviations(confidence)
  // As many items more, half of them hits, as keep the interval honest near 0 and 1.
  const padded = ({ hits, of: all }: Proportion.Count, more: number) => ({
    n: all + more,
    p: (hits + more / 2) / (all + more)
  })
  const seen = padded(count, z ** 2)
  const good = padded(sensitivity, 2)
  const bad = padded(specificity, 2)
  const gain = good.p + bad.p - 1
  if (gain <= 0) return undefined
  const middle = (seen.p + bad.p - 1) / gain
  const variance = ({ n, p }: { readonly n: number; readonly p: number }) => (p * (1 - p)) / n
  const shift = 2 * z ** 2 * (middle * variance(good) - (1 - middle) * variance(bad))
  const half = (z * Math.sqrt(variance(seen) + middle ** 2 * variance(good) + (1 - middle) ** 2 * variance(bad))) / gain
  return {
    rate: between((reported + sp - 1) / (se + sp - 1)),
    interval: { low: between(middle + shift - half), high: between(middle + shift + half) }
  }
}
