/** **Ranking**: which tools fit a need that a model wrote down, by words, in typed arrays. */
import * as Effect from "effect/Effect"
import * as Asked from "./internal/Asked.ts"
import * as Segment from "./internal/Segment.ts"
import * as Spelling from "./internal/Spelling.ts"
import * as Vocabulary from "./internal/Vocabulary.ts"

/** What is indexed of a tool. */
export interface Document {
  /** `server/name`. */
  readonly id: string
  readonly name: string
  readonly description: string
  /** The JSON Schema of its arguments: names and descriptions of the parameters are read. */
  readonly schema: Readonly<Record<string, unknown>>
}

/** The documents of one source, and what it says about itself. */
export interface Shelf {
  readonly server: string
  readonly description: string
  readonly documents: Iterable<Document>
}

/** What is asked. */
export interface Question {
  readonly query: string
  /** Only of this source. */
  readonly server?: string | undefined
  /** Only those that it allows. */
  readonly allows?: ((id: string) => boolean) | undefined
  readonly limit: number
}

/** One that fits, best first. */
export interface Hit {
  readonly id: string
  readonly score: number
}

/** An index of words. */
export interface ToolRanking {
  /** Puts a source in the place of itself. Lets others run in between. */
  readonly replace: (shelf: Shelf) => Effect.Effect<void>
  readonly remove: (server: string) => void
  /** The best, and how many fit at all. Words alone: names that are written out are found by the index. */
  readonly search: (question: Question) => { readonly hits: ReadonlyArray<Hit>; readonly total: number }
  /** Ids whose name is spelled nearly like this, nearest first. */
  readonly near: (name: string, limit: number) => ReadonlyArray<string>
  /** Of documents. */
  readonly size: () => number
  /** What the arrays take, in bytes. */
  readonly bytes: () => number
}

/** A shelf in the index: its segment with its words as numbers, ascending. */
interface Shelved extends Omit<Segment.Segment, "words"> {
  readonly ids: Uint32Array
  /** Where in the segment each word is. */
  readonly places: Uint32Array
}

/** A word that is asked for, for one shelf. */
interface Wanted {
  readonly sure: number
  readonly weight: number
  /** It is a word of the server: all documents have it. */
  readonly isShared: boolean
}

/** A name that is asked for in all of its words, of which it has some, is likely meant. */
const wholeName = 2

const shelve = ({ words, ...segment }: Segment.Segment, vocabulary: Vocabulary.Vocabulary): Shelved => {
  const all = Uint32Array.from(words, (word, place) => vocabulary.add(word, documentsOf(segment, place)))
  const places = Uint32Array.from(all.keys()).sort((a, b) => (all[a] ?? 0) - (all[b] ?? 0))
  return { ...segment, ids: Uint32Array.from(places, (place) => all[place] ?? 0), places }
}

/** How many documents of a shelf have a word. */
const documentsOf = ({ documents, shared, starts }: Omit<Segment.Segment, "words">, place: number): number =>
  (shared[place] ?? 0) > 0 ? documents.length : (starts[place + 1] ?? 0) - (starts[place] ?? 0)

/** Where a word is in a shelf, or -1. */
const find = ({ ids, places }: Shelved, id: number): number => {
  let low = 0
  let high = ids.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const found = ids[middle] ?? 0
    if (found === id) return places[middle] ?? -1
    if (found < id) low = middle + 1
    else high = middle - 1
  }
  return -1
}

/** The first `limit`, best first; of equals, by id. */
const best = (limit: number) => {
  const hits: Array<Hit> = []
  const isBefore = (a: Hit, b: Hit): boolean => a.score > b.score || (a.score === b.score && a.id < b.id)
  const offer = (hit: Hit): void => {
    const last = hits.at(-1)
    if (hits.length >= limit && (last === undefined || !isBefore(hit, last))) return
    const place = hits.findLastIndex((other) => isBefore(other, hit)) + 1
    hits.splice(place, 0, hit)
    if (hits.length > limit) hits.pop()
  }
  return { hits, offer }
}

/** An empty one. */
export const make = (): ToolRanking => {
  const vocabulary = Vocabulary.make()
  const shelves = new Map<string, Shelved>()
  /** Who is to replace a shelf, while several read it. */
  const turns = new Map<string, symbol>()
  let size = 0
  // Of the documents of the shelf that is looked at: the sum of what words say, what was asked for and found, and that in names.
  let sums = new Float32Array(0)
  let found = new Float32Array(0)
  let named = new Float32Array(0)

  const take = (server: string): void => {
    const shelved = shelves.get(server)
    if (shelved === undefined) return
    shelves.delete(server)
    size -= shelved.documents.length
    for (const [n, id] of shelved.ids.entries()) vocabulary.drop(id, documentsOf(shelved, shelved.places[n] ?? 0))
  }

  const put = (server: string, segment: Segment.Segment): void => {
    take(server)
    const { length } = segment.documents
    if (length === 0) return
    shelves.set(server, shelve(segment, vocabulary))
    size += length
    if (length <= sums.length) return
    sums = new Float32Array(length)
    found = new Float32Array(length)
    named = new Float32Array(length)
  }

  const replace = Effect.fnUntraced(function* (shelf: Shelf) {
    const turn = Symbol(shelf.server)
    turns.set(shelf.server, turn)
    const segment = yield* Segment.read(shelf)
    // Who came later, or took it away, while this was read, is right.
    if (turns.get(shelf.server) !== turn) return
    turns.delete(shelf.server)
    put(shelf.server, segment)
  })

  /** What it says that a document has a word: the more, the fewer have it. */
  const rarity = (id: number): number => {
    const documents = vocabulary.documents(id)
    return Math.log(1 + (size - documents + 0.5) / (documents + 0.5))
  }

  /** Adds what one word says about the documents of a shelf. */
  const add = ({ holders, starts, weights }: Shelved, place: number, { isShared, sure, weight }: Wanted): void => {
    const end = starts[place + 1] ?? 0
    for (let n = starts[place] ?? 0; n < end; n++) {
      const holder = holders[n] ?? 0
      const document = holder >>> 1
      sums[document] = (sums[document] ?? 0) + weight * (weights[n] ?? 0)
      if (!isShared) found[document] = (found[document] ?? 0) + weight
      if ((holder & 1) === 1) named[document] = (named[document] ?? 0) + sure
    }
  }

  /** Fills the arrays for one shelf. `undefined`: it has none of the words. */
  const look = (shelved: Shelved, asked: Asked.Asked, weights: ReadonlyMap<number, number>) => {
    let isTouched = false
    const common = { sum: 0, found: 0 }
    for (const [id, sure] of asked) {
      const place = find(shelved, id)
      if (place < 0) continue
      if (!isTouched) for (const array of [sums, found, named]) array.fill(0, 0, shelved.documents.length)
      isTouched = true
      const weight = weights.get(id) ?? 0
      const shared = shelved.shared[place] ?? 0
      add(shelved, place, { sure, weight, isShared: shared > 0 })
      if (shared === 0) continue
      common.sum += weight * shared
      common.found += weight
    }
    return isTouched ? common : undefined
  }

  const search = ({ allows, limit, query, server }: Question) => {
    const asked = Asked.read(query, vocabulary)
    const weights = new Map([...asked].map(([id, sure]) => [id, sure * rarity(id)]))
    const all = [...weights.values()].reduce((sum, weight) => sum + weight, 0)
    const { hits, offer } = best(limit)
    let total = 0
    const only = server === undefined ? shelves.values() : [shelves.get(server)]
    for (const shelved of only) {
      const common = shelved === undefined ? undefined : look(shelved, asked, weights)
      if (shelved === undefined || common === undefined) continue
      for (const [n, { id }] of shelved.documents.entries()) {
        const sum = sums[n] ?? 0
        // The words of its server alone do not make a tool fit.
        if (sum <= 0 || allows?.(id) === false) continue
        total++
        const words = Math.max(shelved.names[n] ?? 0, 1)
        const inName = Math.min((named[n] ?? 0) / words, 1)
        const coverage = Math.min((common.found + (found[n] ?? 0)) / all, 1)
        const score = (common.sum + sum) * Math.sqrt((coverage * (1 + inName)) / 2)
        offer({ id, score: score + (words > 1 && inName > 0.99 ? wholeName : 0) })
      }
    }
    return { hits, total }
  }

  const near = (name: string, limit: number): ReadonlyArray<string> => {
    const { hits, offer } = best(limit)
    for (const { documents } of shelves.values()) {
      for (const document of documents) {
        const distance = Spelling.distance(name, document.name)
        if (distance !== undefined) offer({ id: document.id, score: -distance })
      }
    }
    return hits.map(({ id }) => id)
  }

  const bytes = (): number => {
    let sum = vocabulary.bytes() + sums.byteLength + found.byteLength + named.byteLength
    for (const { holders, ids, names, places, shared, starts, weights } of shelves.values()) {
      for (const array of [holders, ids, names, places, shared, starts, weights]) sum += array.byteLength
    }
    return sum
  }

  return {
    replace,
    remove: (server) => {
      turns.delete(server)
      take(server)
    },
    search,
    near,
    size: () => size,
    bytes
  }
}
