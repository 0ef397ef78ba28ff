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
  if (what === "hours") return `${work(value)}${each}`
  return `${number(value)} ${what === "" ? each.trim() : `${what}${each}`}`.trim()
}

const money = (value: number): string =>
  Math.abs(value) >= 100 || value === 0
    ? number(value)
    : Math.abs(value) < 0.01
      ? number(value)
      : value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })

/** Hours, in minutes below one and in days from 48 on. */
export const duration = (hours: number): string => (Math.abs(hours) >= 48 ? `${number(hours / 24)} d` : work(hours))

/** Hours of work, which have no days: nobody works for 24 hours of one. */
const work = (hours: number): string => {
  const isShort = Math.abs(hours) < 1 && hours !== 0
  return isShort ? `${number(hours * 60)} min` : `${number(hours)} h`
}

/** What a number in a unit is made of: `3 of 4 · 1 unknown`, `$12.50 / 4 changes`, `3 over, 1 still open`. */
export const parts = ({
  denominator,
  distribution,
  numerator,
  unit,
  unknown
}: Figure.Ratio & Pick<Figure.Figure, "unit">): string => {
  const doubt = unknown === 0 ? "" : ` · ${number(unknown)} unknown`
  if (distribution !== undefined) {
    return `${number(distribution.n)} over, ${number(distribution.censored)} still open${doubt}`
  }
  const [above = "", below] = unit.split(/(?:^| )per /)
  return below === undefined
    ? `${number(numerator)} of ${number(denominator)}${doubt}`
    : `${counted(numerator, above)} / ${counted(denominator, below)}${doubt}`
}

/** So many of a thing: `$3.00`, `0.5 h`, `1 change`, `4 weeks`. */
const counted = (value: number, what: string): string => {
  if (what === "USD") return `$${money(value)}`
  if (what === "hours") return `${number(value)} h`
  const one = what.replace(/s$/, "")
  return `${number(value)} ${one === "" || value === 1 ? one : `${one}s`}`.trim()
}

/** The day of the year that a moment is on, in UTC, as axes have it: `Jan 5`. */
export const shortDay = (at: number): string =>
  new Date(at).toLocaleDateString("en-US", { month: "short", day: "numeric", timeZone: "UTC" })

/** The day that a moment is on, in UTC: `2026-01-05`. */
export const day = (at: number): string => new Date(at).toISOString().slice(0, 10)
