/**
 * A **figure**: a number that says what it is made of. It carries what was counted, out of how many, and of how many nobody knows.
 * Where nothing was there to be counted there is no value, and never a 0.
 */
import * as Schema from "effect/Schema"

/** How long things took, where some are not over: those are counted as longer than they have lasted, and not left out. */
export const Distribution = Schema.Struct({
  /** How many came to their end. */
  n: Schema.Natural,
  /** How many did not, as far as was looked. */
  censored: Schema.Natural,
  /** What half and nine in ten of them take at most, in the figure's unit. `null`: too many are not over yet to say. */
  p50: Schema.NullOr(Schema.Finite),
  p90: Schema.NullOr(Schema.Finite)
})
/** How long things took, where some are not over. */
export type Distribution = typeof Distribution.Type

/** What a number is made of. */
export const Ratio = Schema.Struct({
  numerator: Schema.Finite,
  denominator: Schema.Finite,
  /** How many of what the definition names are not known. What is counted of them is their least. */
  unknown: Schema.Natural,
  /** `null` where there is nothing to divide by, or too little is known. */
  value: Schema.NullOr(Schema.Finite),
  /** Where it is there, the value is its median, and the numerator counts what came to its end. */
  distribution: Schema.optionalKey(Distribution)
})
/** What a number is made of. */
export type Ratio = typeof Ratio.Type

/** One of the things that a figure is told apart by. */
export const Part = Schema.Struct({ name: Schema.String, ...Ratio.fields })
/** One of the things that a figure is told apart by. */
export type Part = typeof Part.Type

/** A number that says what it is made of. */
export const Figure = Schema.Struct({
  name: Schema.NonEmptyString,
  /** `share`, `hours`, `changes per USD`, …. */
  unit: Schema.String,
  /** One sentence: what is divided by what, and what counts as unknown. */
  definition: Schema.String,
  ...Ratio.fields,
  /** What `parts` are: authors, stages, …. */
  by: Schema.optionalKey(Schema.String),
  parts: Schema.Array(Part)
})
/** A number that says what it is made of. */
export type Figure = typeof Figure.Type

/** What is counted, out of how many, and of how many nobody knows. */
export const ratio = (numerator: number, denominator: number, unknown = 0): Ratio => ({
  numerator,
  denominator,
  unknown,
  value: valueOf(numerator, denominator)
})

const valueOf = (numerator: number, denominator: number): number | null => {
  const value = numerator / denominator
  return denominator !== 0 && Number.isFinite(value) ? value : null
}

/** A ratio for people: `3 of 4 (75.0 %), 1 unknown`. */
export const text = ({ unit, ...ratio }: Ratio & Pick<Figure, "unit">): string => {
  const { denominator, distribution, numerator, unknown, value } = ratio
  const doubt = unknown === 0 ? "" : `, ${unknown} unknown`
  if (distribution !== undefined) {
    const { censored, n, p50, p90 } = distribution
    return `p50 ${amount(p50)}, p90 ${amount(p90)} ${unit} (${n} over, ${censored} not)${doubt}`
  }
  const shown = value === null ? "no value" : unit === "share" ? `${amount(100 * value)} %` : `${amount(value)} ${unit}`
  return `${shown} (${amount(numerator)} of ${amount(denominator)})${doubt}`
}

const amount = (value: number | null): string =>
  value === null ? "not known" : Number.isInteger(value) ? String(value) : value.toPrecision(3).replace(/e\+?/, "e")
