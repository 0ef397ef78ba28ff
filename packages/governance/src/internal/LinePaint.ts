/**
 * Ranges of lines that lie over each other, as ranges that do not. It takes as long as sorting them, however long or deep they
 * are: a note may hold hundreds of thousands, and one range two thousand million lines.
 */

interface Range<Owner> {
  readonly first: number
  readonly last: number
  readonly owner: Owner
}

interface Tagged {
  readonly _tag: string
}

/** For each stretch between two neighbouring bounds, the last claim that covers it; -1: none. */
const paint = (claims: ReadonlyArray<Range<Tagged>>, indexOf: ReadonlyMap<number, number>, tag: string): Int32Array => {
  const painted = new Int32Array(indexOf.size).fill(-1)
  // Where the next stretch without a claim is: each is painted once, from the last claim to the first.
  const next = Int32Array.from({ length: indexOf.size + 1 }, (_, at) => at)
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
  for (let claim = claims.length - 1; claim >= 0; claim--) {
    const range = claims[claim]
    if (range?.owner._tag !== tag) continue
    const end = indexOf.get(range.last + 1) ?? 0
    for (let at = free(indexOf.get(range.first) ?? end); at < end; at = free(at)) {
      painted[at] = claim
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
  const bounds = Float64Array.from(new Set(valid.flatMap(({ first, last }) => [first, last + 1]))).sort()
  const indexOf = new Map(Array.from(bounds, (bound, at) => [bound, at]))
  const [agent, human, both, unknown] = ["Agent", "Human", "Mixed", "Unknown"].map((tag) => paint(valid, indexOf, tag))
  const owned = (layer: Int32Array | undefined, at: number) => valid[layer?.[at] ?? -1]?.owner
  const settled: Array<Range<Owner>> = []
  const isSame = (a: Owner, b: Owner) => a === b || JSON.stringify(a) === JSON.stringify(b)
  for (const [at, first] of bounds.entries()) {
    const byAgent = owned(agent, at)
    const byHuman = owned(human, at)
    const byBoth = byAgent !== undefined && byHuman !== undefined ? mixed : owned(both, at)
    const owner = byBoth ?? byAgent ?? byHuman ?? owned(unknown, at)
    const end = bounds[at + 1]
    if (owner === undefined || end === undefined) continue
    const before = settled.at(-1)
    const goesOn = before?.last === first - 1 && isSame(before.owner, owner)
    if (goesOn) settled.pop()
    settled.push({ first: goesOn ? before.first : first, last: end - 1, owner })
  }
  return settled
}
