/** Interventions of one kind and cause, counted, and what is known of the time that people worked on them. */
import * as Schema from "effect/Schema"

/** How many interventions there were of a kind with a cause. */
export const InterventionSum = Schema.Struct({
  /** As in `Intervention.Kind`. */
  kind: Schema.String,
  /** `(others)`: of causes that were too many to be kept apart. */
  cause: Schema.String,
  count: Schema.Natural,
  /** Minutes of work, of those whose minutes were measured. */
  activeMinutes: Schema.Finite,
  /** How many there are of which nobody knows them. */
  unmeasured: Schema.Natural
})
/** How many interventions there were of a kind with a cause. */
export type InterventionSum = typeof InterventionSum.Type

/** What is counted of an intervention. */
interface Counted extends Pick<InterventionSum, "kind" | "cause"> {
  readonly answered: { readonly activeMinutes: number | null; readonly timedOut?: true } | null
  readonly withdrawn?: true
}

/** Causes are any text, and the fact that these stand in has to stay small. */
const most = 50
const longest = 200

/** Counts interventions, those that there are most of first. */
export const sums = (all: Iterable<Counted>): ReadonlyArray<InterventionSum> => {
  const apart = merged([...all].map(sumOf)).toSorted((a, b) => b.count - a.count)
  return [...apart.slice(0, most), ...merged(apart.slice(most).map((sum) => ({ ...sum, cause: "(others)" })))]
}

const sumOf = ({ answered, cause, kind, withdrawn }: Counted): InterventionSum => {
  const known = minutesOf(answered)
  return {
    kind,
    cause: cause.length > longest ? `${cause.slice(0, longest).toWellFormed()}…` : cause,
    count: 1,
    activeMinutes: known ?? 0,
    // Nobody worked on what was withdrawn before anybody answered, as far as anybody can tell.
    unmeasured: known === null && (answered !== null || withdrawn !== true) ? 1 : 0
  }
}

/** Where the time ran out nobody worked. Less than no time is none that anybody measured. */
const minutesOf = (answered: Counted["answered"]): number | null => {
  if (answered?.timedOut === true) return 0
  const minutes = answered?.activeMinutes ?? null
  return minutes !== null && minutes >= 0 ? minutes : null
}

const merged = (sums: ReadonlyArray<InterventionSum>): ReadonlyArray<InterventionSum> =>
  [...Map.groupBy(sums, ({ cause, kind }) => JSON.stringify([kind, cause])).values()].map((same) =>
    same.reduce((one, { activeMinutes, count, unmeasured }) => ({
      ...one,
      count: one.count + count,
      // Two that nobody believes must not become what no journal can hold.
      activeMinutes: Math.min(Number.MAX_VALUE, one.activeMinutes + activeMinutes),
      unmeasured: one.unmeasured + unmeasured
    }))
  )
