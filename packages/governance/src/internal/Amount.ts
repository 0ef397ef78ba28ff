/** Numbers as people read them in a report: as exact as it is worth, with their unit. */
import type * as Figure from "../Figure.ts"

/** A number with up to three digits that count, in groups of three: `0.123`, `12.3`, `12,300`. */
export const number = (value: number): string => {
  const rounded = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
  return rounded.toLocaleString("en-US", { maximumFractionDigits: 20, useGrouping: true })
}

/** A number in its unit. Dollars stand before, shares are in percent, hours become minutes or days where that is shorter. */
export const inUnit = (value: number | null, unit: string): string => {
  if (value === null) return "–"
  if (unit === "share") return `${number(Math.round(value * 1_000) / 10)} %`
  if (unit === "hours") return duration(value)
  const [what = "", per] = unit.split(" per ")
  const each = per === undefined ? "" : ` per ${per}`
  if (what === "USD") return per === "USD" ? `${number(value)} ×` : `$${money(value)}${each}`
  if (what === "hours") return `${duration(value)}${each}`
  return `${number(value)} ${what === "" ? each.trim() : `${what}${each}`}`.trim()
}

const money = (value: number): string =>
  Math.abs(value) >= 100 || value === 0
    ? number(value)
    : Math.abs(value) < 0.01
      ? number(value)
      : value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })

/** Hours, in minutes below one and in days from 48 on. */
export const duration = (hours: number): string => {
  const length = Math.abs(hours)
  if (length >= 48) return `${number(hours / 24)} d`
  return length < 1 && length > 0 ? `${number(hours * 60)} min` : `${number(hours)} h`
}

/** What a number is made of: `3 of 4, 1 unknown`. */
export const parts = ({ denominator, distribution, numerator, unknown }: Figure.Ratio): string => {
  const doubt = unknown === 0 ? "" : ` · ${number(unknown)} unknown`
  if (distribution !== undefined) {
    return `${number(distribution.n)} over, ${number(distribution.censored)} still open${doubt}`
  }
  return `${number(numerator)} of ${number(denominator)}${doubt}`
}

/** The day that a moment is on, in UTC: `2026-01-05`. */
export const day = (at: number): string => new Date(at).toISOString().slice(0, 10)
