/** **Ranking**: which tools fit a need that a model wrote down, by words, in typed arrays. */
import * as Effect from "effect/Effect"
import * as Asked from "./internal/Asked.ts"
import * as Segment from "./internal/Segment.ts"
import * as Shelves from "./internal/Shelves.ts"
import * as Spelling from "./internal/Spelling.ts"
import * as Tally from "./internal/Tally.ts"
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
  /** Ids whose name is spelled nearly like this, nearest first; only those that `allows` allows. */
  readonly near: (name: string, limit: number, allows?: (id: string) => boolean) => ReadonlyArray<string>
  /** Of documents. */
  readonly size: () => number
  /** What the arrays take, in bytes. */
  readonly bytes: () => number
}

/** A name that is asked for in all of its words, of which it has some, is likely meant. */
const wholeName = 2

/** The first `limit`, best first; of equals, by id. */
const best = (limit: number) => {
  const hits: Array<Hit> = []
  const isBefore = (a: Hit, b: Hit): boolean => a.score > b.score || (a.score === b.score && a.id < b.id)
  const offer = (id: string, score: number): void => {
    const last = hits.at(-1)
    if (hits.length >= limit && (last === undefined || score < last.score)) return
    const hit = { id, score }
    const place = hits.findLastIndex((other) => isBefore(other, hit)) + 1
    hits.splice(place, 0, hit)
    if (hits.length > limit) hits.pop()
  }
  return { hits, offer }
}

/** An empty one. */
export const make = (): ToolRanking => {
  const vocabulary = Vocabulary.make()
  const shelves = Shelves.make(vocabulary)
  const tally = Tally.make(shelves)
  /** Who is to replace a shelf, while several read it. */
  const turns = new Map<string, symbol>()

  const replace = Effect.fnUntraced(function* (shelf: Shelf) {
    const turn = Symbol(shelf.server)
    turns.set(shelf.server, turn)
    const segment = yield* Segment.read(shelf)
    // Who came later, or took it away, while this was read, is right.
    if (turns.get(shelf.server) !== turn) return
    turns.delete(shelf.server)
    shelves.put(shelf.server, segment)
  })

  /** What it says that a document has a word: the more, the fewer have it. */
  const rarity = (word: number): number => {
    const documents = vocabulary.documents(word)
    return Math.log(1 + (shelves.size() - documents + 0.5) / (documents + 0.5))
  }

  const search = ({ allows, limit, query, server }: Question) => {
    const asked = Asked.read(query, vocabulary)
    const only = server === undefined ? undefined : (shelves.numberOf(server) ?? -1)
    const { hits, offer } = best(limit)
    let total = 0
    let all = 0
    tally.clear()
    for (const [word, sure] of asked) {
      const weight = sure * rarity(word)
      all += weight
      tally.add({ word, sure, weight })
    }
    const shelfOf = shelves.shelfOf()
    for (let n = 0; n < tally.count(); n++) {
      const document = tally.document(n)
      const held = shelves.document(document)
      if (held === undefined || (only !== undefined && shelfOf[document] !== only)) continue
      if (allows?.(held.id) === false) continue
      total++
      const inName = Math.min(tally.named(document) / Math.max(held.words, 1), 1)
      const covered = Math.min(tally.part(document) / all, 1)
      const score = tally.sum(document) * Math.sqrt((covered * (1 + inName)) / 2)
      offer(held.id, score + (held.words > 1 && inName > 0.99 ? wholeName : 0))
    }
    return { hits, total }
  }

  const near: ToolRanking["near"] = (name, limit, allows) => {
    const { hits, offer } = best(limit)
    const distanceTo = Spelling.distanceTo(name)
    for (const document of shelves.documents()) {
      const distance = distanceTo(document.name)
      if (distance !== undefined && allows?.(document.id) !== false) offer(document.id, -distance)
    }
    return hits.map(({ id }) => id)
  }

  return {
    replace,
    remove: (server) => {
      turns.delete(server)
      shelves.take(server)
    },
    search,
    near,
    size: shelves.size,
    bytes: () => vocabulary.bytes() + shelves.bytes() + tally.bytes()
  }
}
