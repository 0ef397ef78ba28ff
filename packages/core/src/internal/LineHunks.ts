/** Where two texts differ, as hunks of whole lines. Takes time in proportion to the texts, whoever wrote them. */

/** Lines in a row that were taken out, and those that came in their place. `at` counts from 0. */
export interface Hunk {
  readonly removed: ReadonlyArray<string>
  readonly removedAt: number
  readonly added: ReadonlyArray<string>
  readonly addedAt: number
}

/** The hunks between two texts. Where no line is the only one of its kind on both sides, what lies between is one hunk. */
export const between = (before: ReadonlyArray<string>, after: ReadonlyArray<string>): ReadonlyArray<Hunk> => {
  const hunks: Array<Hunk> = []
  let from = 0
  let to = 0
  for (const [next, nextTo] of [...kept(before, after), [before.length, after.length] as const]) {
    hunks.push(...trimmed({ before, after, from, next, to, nextTo }))
    from = next + 1
    to = nextTo + 1
  }
  return hunks
}

/** Lines that stand once on either side, in the longest row that is in order on both. */
const kept = (
  before: ReadonlyArray<string>,
  after: ReadonlyArray<string>
): ReadonlyArray<readonly [from: number, to: number]> => {
  const places = once(after)
  const pairs = [...once(before)].flatMap(([line, from]) => {
    const to = places.get(line)
    return to === undefined ? [] : [{ from, to }]
  })
  // The longest increasing row: the end of the best row of each length, and what stands before each in it.
  const ends: Array<number> = []
  const previous: Array<number> = []
  pairs.forEach(({ to }, index) => {
    let low = 0
    let high = ends.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((pairs[ends[middle] ?? 0]?.to ?? 0) < to) low = middle + 1
      else high = middle
    }
    previous[index] = low === 0 ? -1 : (ends[low - 1] ?? -1)
    ends[low] = index
  })
  const row: Array<readonly [number, number]> = []
  for (let at = ends.at(-1) ?? -1; at !== -1; at = previous[at] ?? -1) {
    const pair = pairs[at]
    if (pair !== undefined) row.push([pair.from, pair.to])
  }
  return row.reverse()
}

const once = (lines: ReadonlyArray<string>): ReadonlyMap<string, number> => {
  const places = new Map<string, number>()
  lines.forEach((line, index) => places.set(line, places.has(line) ? -1 : index))
  for (const [line, at] of places) if (at === -1) places.delete(line)
  return places
}

interface Range {
  readonly before: ReadonlyArray<string>
  readonly after: ReadonlyArray<string>
  readonly from: number
  readonly next: number
  readonly to: number
  readonly nextTo: number
}

/** What lies between two kept lines, without what is the same at its beginning and its end. */
const trimmed = ({ after, before, from, next, nextTo, to }: Range): ReadonlyArray<Hunk> => {
  let [start, startTo, end, endTo] = [from, to, next, nextTo]
  while (start < end && startTo < endTo && before[start] === after[startTo]) {
    start++
    startTo++
  }
  while (start < end && startTo < endTo && before[end - 1] === after[endTo - 1]) {
    end--
    endTo--
  }
  if (start === end && startTo === endTo) return []
  return [{ removed: before.slice(start, end), removedAt: start, added: after.slice(startTo, endTo), addedAt: startTo }]
}
