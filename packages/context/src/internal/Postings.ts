/** Who has a word, and how much it says about him: for each word a run of the same typed arrays, moved to a longer one when it is full. */

/** Runs by the number of a word. A holder is any number that the caller gives. */
export interface Postings {
  readonly add: (word: number, holder: number, weight: number) => void
  /** Takes those out of a word's run that have gone. */
  readonly drop: (word: number, isGone: (holder: number) => boolean) => void
  /** A word's run: from `start` to before `end` of the two arrays, until something is added. */
  readonly run: (word: number) => { readonly start: number; readonly end: number }
  readonly holders: () => Uint32Array
  readonly weights: () => Float32Array
  readonly bytes: () => number
}

const grown = <A extends Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(array: A, larger: A): A => {
  larger.set(array)
  return larger
}

/** A run has room for a power of two. */
const roomFor = (count: number): number => (count < 2 ? count : 2 ** (32 - Math.clz32(count - 1)))

/** No runs. */
export const make = (): Postings => {
  let starts = new Uint32Array(256)
  let counts = new Uint32Array(256)
  let holders = new Uint32Array(1024)
  let weights = new Float32Array(1024)
  let used = 0
  /** Where runs were that are given up, by their room. */
  const free = new Map<number, Array<number>>()

  const placeFor = (room: number): number => {
    const again = free.get(room)?.pop()
    if (again !== undefined) return again
    const place = used
    used += room
    if (used > holders.length) {
      const length = Math.ceil(used * 1.25)
      holders = grown(holders, new Uint32Array(length))
      weights = grown(weights, new Float32Array(length))
    }
    return place
  }

  const giveUp = (place: number, room: number): void => {
    if (room === 0) return
    const places = free.get(room) ?? []
    places.push(place)
    free.set(room, places)
  }

  /** Moves a run to where there is room for another number of holders. */
  const move = (word: number, [from, to]: readonly [from: number, to: number]): void => {
    const start = starts[word] ?? 0
    const place = to === 0 ? 0 : placeFor(to)
    const length = Math.min(from, to)
    holders.copyWithin(place, start, start + length)
    weights.copyWithin(place, start, start + length)
    starts[word] = place
    giveUp(start, from)
  }

  const add = (word: number, holder: number, weight: number): void => {
    if (word >= counts.length) {
      const length = Math.max(Math.ceil(counts.length * 1.5), word + 1)
      starts = grown(starts, new Uint32Array(length))
      counts = grown(counts, new Uint32Array(length))
    }
    const count = counts[word] ?? 0
    const room = roomFor(count)
    if (count === room) move(word, [room, roomFor(count + 1)])
    const place = (starts[word] ?? 0) + count
    holders[place] = holder
    weights[place] = weight
    counts[word] = count + 1
  }

  const drop = (word: number, isGone: (holder: number) => boolean): void => {
    const count = counts[word] ?? 0
    const start = starts[word] ?? 0
    let kept = 0
    for (let n = start; n < start + count; n++) {
      const holder = holders[n] ?? 0
      if (isGone(holder)) continue
      holders[start + kept] = holder
      weights[start + kept] = weights[n] ?? 0
      kept++
    }
    counts[word] = kept
    if (roomFor(kept) !== roomFor(count)) move(word, [roomFor(count), roomFor(kept)])
  }

  return {
    add,
    drop,
    run: (word) => {
      const start = starts[word] ?? 0
      return { start, end: start + (counts[word] ?? 0) }
    },
    holders: () => holders,
    weights: () => weights,
    bytes: () => starts.byteLength + counts.byteLength + holders.byteLength + weights.byteLength
  }
}
