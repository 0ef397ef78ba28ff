/**
 * A **window** of time, from its first moment to just before its end: what happened at `to` belongs to the next one, so windows that
 * follow each other share nothing and leave nothing out. Both are whole hours in UTC, since that is how exactly money is kept.
 */
import * as Schema from "effect/Schema"

/** An hour in milliseconds. */
export const hour = 3_600_000
/** One day in milliseconds. */
export const day = 24 * hour
/** One week in milliseconds. */
export const week = 7 * day

/** The last moment that a date can be. */
const last = 8_640_000_000_000_000

const wholeHour = Schema.Natural.check(
  Schema.makeFilter((at: number) => at % hour === 0 || "a window begins and ends at a whole hour in UTC"),
  Schema.isLessThanOrEqualTo(last)
)

/** From its first moment to just before its end, in milliseconds since 1970, UTC. */
export const Window = Schema.Struct({ from: wholeHour, to: wholeHour }).check(
  Schema.makeFilter(({ from, to }) => from < to || "a window ends after it begins")
)
/** From its first moment to just before its end, in milliseconds since 1970, UTC. */
export type Window = typeof Window.Type

/** A window; throws a `RangeError` on one that does not end after it begins, or not at whole hours in UTC. */
export const make = (from: number, to: number): Window => {
  if (isWindow({ from, to })) return { from, to }
  const message = `From ${from} to ${to} is no window: it ends after it begins, both at a whole hour in UTC, in milliseconds since 1970.`
  throw new RangeError(message)
}

const isWindow = Schema.is(Window)

/** Whether a moment is in a window. `null` is in none. */
export const has = ({ from, to }: Window, at: number | null | undefined): at is number =>
  at !== null && at !== undefined && at >= from && at < to

/** So many whole days in UTC, the last of them the one that `now` is in. */
export const days = (count: number, now: number): Window => {
  const to = floor(now, day) + day
  return make(to - count * day, to)
}

/** The whole hours that hold both moments. */
export const around = (a: number, b: number): Window => {
  const [from, to] = a < b ? [a, b] : [b, a]
  return make(floor(Math.min(from, last - hour), hour), floor(Math.min(to, last - hour), hour) + hour)
}

/** The window of the same length that ends where this one begins. None before 1970. */
export const before = ({ from, to }: Window): Window | undefined => {
  const length = to - from
  return from < length ? undefined : make(from - length, from)
}

/** Cuts a window where days, or weeks from Monday, begin in UTC. The parts together are the window. */
export const cut = (window: Window, by: "day" | "week"): ReadonlyArray<Window> => {
  const parts: Array<Window> = []
  // 1970 began on a Thursday.
  const [step, offset] = by === "day" ? [day, 0] : [week, 4 * day]
  for (let from = window.from; from < window.to;) {
    const to = Math.min(window.to, floor(from - offset, step) + step + offset)
    parts.push({ from, to })
    from = to
  }
  return parts
}

const floor = (at: number, step: number): number => Math.floor(at / step) * step
