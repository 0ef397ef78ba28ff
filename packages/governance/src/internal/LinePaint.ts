/**
 * Ranges of lines that lie over each other, as ranges that do not. It takes about as long as sorting them, however long or deep they
 * are: a note may hold hundreds of thousands, and one range two thousand million lines.
 */

interface Tagged {
  readonly _tag: string
}

interface Range<Owner> {
  readonly first: number
  readonly last: number
  readonly owner: Owner
}

/** A claim over stretches between bounds: from the stretch `from` up to `to`, that one not included. */
interface Span<Owner> {
  readonly from: number
  readonly to: number
  readonly owner: Owner
}

/** Each line at which a range begins or has ended, in order, once. */
const boundsOf = (ranges: ReadonlyArray<Range<unknown>>): Float64Array => {
  const all = new Float64Array(ranges.length * 2)
  for (const [at, { first, last }] of ranges.entries()) all.set([first, last + 1], at * 2)
  return all.sort().filter((bound, at) => bound !== all[at - 1])
}

/** Where in the bounds one of them is. */
const indexOf = (bounds: Float64Array, bound: number): number => {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((bounds[middle] ?? 0) < bound) low = middle + 1
    else high = middle
  }
  return low
}

/** Who has each stretch: the last span that covers it. */
const paint = <Owner>(spans: ReadonlyArray<Span<Owner>>, size: number): ReadonlyArray<Owner | undefined> => {
  const painted = Array.from({ length: size }, (): Owner | undefined => undefined)
  // Where the next stretch without an owner is: each is painted once, from the last span to the first.
  const next = Int32Array.from({ length: size + 1 }, (_, at) => at)
  const free = (at: number): number => {
    let found = at
    while ((next[found] ?? found) !== found) found = next[found] ?? found
    for (let step = at; step !== found;) {
      const after = next[step] ?? found
      next[step] = found
      step = after
    }
    return found
  }
  for (const { from, owner, to } of spans.toReversed()) {
    for (let at = free(from); at < to; at = free(at)) {
      painted[at] = owner
      next[at] = at + 1
    }
  }
  return painted
}

/** What `LineOwners.settle` says. */
export const settle = <Owner extends Tagged>(
  claims: ReadonlyArray<Range<Owner>>,
  mixed: Owner
): ReadonlyArray<Range<Owner>> => {
  const valid = claims.filter(({ first, last }) => first <= last)
  const bounds = boundsOf(valid)
  const spans = valid.map(({ first, last, owner }): Span<Owner> => ({
    from: indexOf(bounds, first),
    to: indexOf(bounds, last + 1),
    owner
  }))
  const [agent, human, both, unknown] = ["Agent", "Human", "Mixed", "Unknown"].map((tag) => {
    const own = spans.filter(({ owner }) => owner._tag === tag)
    return own.length === 0 ? [] : paint(own, bounds.length)
  })
  const settled: Array<Range<Owner>> = []
  const isSame = (a: Owner, b: Owner) => a === b || JSON.stringify(a) === JSON.stringify(b)
  for (const [at, first] of bounds.entries()) {
    const byAgent = agent?.[at]
    const byHuman = human?.[at]
    const byBoth = byAgent !== undefined && byHuman !== undefined ? mixed : both?.[at]
    const owner = byBoth ?? byAgent ?? byHuman ?? unknown?.[at]
    const end = bounds[at + 1]
    if (owner === undefined || end === undefined) continue
    const before = settled.at(-1)
    const goesOn = before?.last === first - 1 && isSame(before.owner, owner)
    if (goesOn) settled.pop()
    settled.push({ first: goesOn ? before.first : first, last: end - 1, owner })
  }
  return settled
}
