/** **Ranking**: which tools fit a need that a model wrote down, by words, in typed arrays. */
import * as Effect from "effect/Effect"
import * as Segment from "./internal/Segment.ts"
import * as Spelling from "./internal/Spelling.ts"
import * as Vocabulary from "./internal/Vocabulary.ts"
import * as Words from "./internal/Words.ts"

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

/** A shelf in the index. `ids` are the numbers of its words, ascending; `places` where in the segment each is. */
interface Shelved {
  readonly server: string
  readonly segment: Segment.Segment
  readonly ids: Uint32Array
  readonly places: Uint32Array
}

/** A word that is asked for, by the numbers that it may be meant as. */
interface Term {
  readonly id: number
  readonly weight: number
}

/** More different words than this nobody asks for; the rarest are taken. */
const maxTerms = 64

/** No query is read further, in characters. */
const maxQuery = 20_000

/** How much it counts that a document has all of the words. */
const coverage = 0.2

const holdersOf = ({ segment }: Shelved, place: number): number =>
  (segment.starts[place + 1] ?? 0) - (segment.starts[place] ?? 0)

const shelve = (server: string, segment: Segment.Segment, vocabulary: Vocabulary.Vocabulary): Shelved => {
  const held = (place: number): number => (segment.starts[place + 1] ?? 0) - (segment.starts[place] ?? 0)
  const all = Uint32Array.from(segment.words, (word, place) => vocabulary.add(word, held(place)))
  const places = Uint32Array.from(all.keys()).sort((a, b) => (all[a] ?? 0) - (all[b] ?? 0))
  return { server, segment, ids: Uint32Array.from(places, (place) => all[place] ?? 0), places }
}

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
  const tickets = new Map<string, number>()
  let ticket = 0
  let size = 0
  let scores = new Float32Array(256)
  let masses = new Float32Array(256)

  const take = (server: string): void => {
    const shelved = shelves.get(server)
    if (shelved === undefined) return
    shelves.delete(server)
    size -= shelved.segment.documents.length
    for (const [n, id] of shelved.ids.entries()) vocabulary.drop(id, holdersOf(shelved, shelved.places[n] ?? 0))
  }

  const replace = Effect.fnUntraced(function* (shelf: Shelf) {
    const mine = ++ticket
    tickets.set(shelf.server, mine)
    const segment = yield* Segment.read(shelf)
    // Somebody put it there anew, or took it away, while this was read: that is newer.
    if (tickets.get(shelf.server) !== mine) return
    take(shelf.server)
    tickets.delete(shelf.server)
    if (segment.documents.length === 0) return
    shelves.set(shelf.server, shelve(shelf.server, segment, vocabulary))
    size += segment.documents.length
    if (segment.documents.length <= scores.length) return
    scores = new Float32Array(segment.documents.length)
    masses = new Float32Array(segment.documents.length)
  })

  const rarity = (id: number): number => {
    const documents = vocabulary.documents(id)
    return Math.log(1 + (size - documents + 0.5) / (documents + 0.5))
  }

  const idsOf = (word: string): ReadonlyArray<number> => {
    const id = vocabulary.idOf(Words.stem(word))
    if (id !== undefined) return [id]
    return word.length < 4 || word.length > 24 ? [] : vocabulary.like(word)
  }

  const termsOf = (query: string): ReadonlyArray<Term> => {
    const words = new Set(Words.rawOf(query.slice(0, maxQuery)).filter((word) => !Words.isStop(word)))
    const ids = new Set([...words].slice(0, 1_000).flatMap(idsOf))
    const terms = [...ids].map((id) => ({ id, weight: rarity(id) }))
    return terms.length <= maxTerms ? terms : terms.toSorted((a, b) => b.weight - a.weight).slice(0, maxTerms)
  }

  /** Fills the scores of the documents of a shelf, and says whether it has any of the words. */
  const score = (shelved: Shelved, terms: ReadonlyArray<Term>): boolean => {
    const { documents, holders, starts, weights } = shelved.segment
    let isTouched = false
    for (const { id, weight } of terms) {
      const place = find(shelved, id)
      if (place < 0) continue
      if (!isTouched) {
        scores.fill(0, 0, documents.length)
        masses.fill(0, 0, documents.length)
        isTouched = true
      }
      const end = starts[place + 1] ?? 0
      for (let n = starts[place] ?? 0; n < end; n++) {
        const holder = holders[n] ?? 0
        scores[holder] = (scores[holder] ?? 0) + weight * (weights[n] ?? 0)
        masses[holder] = (masses[holder] ?? 0) + weight
      }
    }
    return isTouched
  }

  const search = ({ allows, limit, query, server }: Question) => {
    const terms = termsOf(query)
    const mass = terms.reduce((sum, { weight }) => sum + weight, 0)
    const { hits, offer } = best(limit)
    let total = 0
    const only = server === undefined ? undefined : shelves.get(server)
    for (const shelved of server === undefined ? shelves.values() : only === undefined ? [] : [only]) {
      if (!score(shelved, terms)) continue
      for (const [n, { id }] of shelved.segment.documents.entries()) {
        const sum = scores[n] ?? 0
        if (sum <= 0 || allows?.(id) === false) continue
        total++
        offer({ id, score: sum * ((masses[n] ?? 0) / mass) ** coverage })
      }
    }
    return { hits, total }
  }

  const near = (name: string, limit: number): ReadonlyArray<string> => {
    const { hits, offer } = best(limit)
    for (const { segment } of shelves.values()) {
      for (const document of segment.documents) {
        const distance = Spelling.distance(name, document.name)
        if (distance !== undefined) offer({ id: document.id, score: -distance })
      }
    }
    return hits.map(({ id }) => id)
  }

  const bytes = (): number => {
    let sum = vocabulary.bytes() + scores.byteLength + masses.byteLength
    for (const { ids, places, segment } of shelves.values()) {
      const arrays = [ids, places, segment.starts, segment.holders, segment.weights]
      sum += arrays.reduce((all, array) => all + array.byteLength, 0)
    }
    return sum
  }

  return {
    replace,
    remove: (server) => {
      tickets.delete(server)
      take(server)
    },
    search,
    near,
    size: () => size,
    bytes
  }
}
