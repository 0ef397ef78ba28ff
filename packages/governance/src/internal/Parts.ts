/** Tells figures apart by what they are made of. */
import * as Figure from "../Figure.ts"

/** A figure before it has its name and definition. */
export interface Unnamed extends Figure.Ratio {
  readonly parts?: ReadonlyArray<Figure.Part>
}

/** One part for each name, in the order of names. */
export const by = <A>(
  all: ReadonlyArray<A>,
  nameOf: (one: A) => string,
  ratioOf: (own: ReadonlyArray<A>) => Figure.Ratio
): ReadonlyArray<Figure.Part> =>
  [...Map.groupBy(all, nameOf)]
    .map(([name, own]) => ({ name, ...ratioOf(own) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

/** How many there are of each name, out of all. */
export const counts = <A>(
  all: ReadonlyArray<A>,
  nameOf: (one: A) => string,
  denominator: number
): ReadonlyArray<Figure.Part> => by(all, nameOf, (own) => Figure.ratio(own.length, denominator))
