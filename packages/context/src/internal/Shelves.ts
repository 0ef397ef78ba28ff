/** The shelves of an index: whose documents are whose, and who has which word. Documents and shelves are numbered; numbers are used again. */
import * as Postings from "./Postings.ts"
import type * as Segment from "./Segment.ts"
import type * as Vocabulary from "./Vocabulary.ts"

/** Shelves. */
export interface Shelves {
  /** Puts one in the place of what the server had. */
  readonly put: (server: string, segment: Segment.Segment) => void
  readonly take: (server: string) => void
  readonly numberOf: (server: string) => number | undefined
  /** A document by its number. */
  readonly document: (document: number) => Segment.Document | undefined
  readonly documents: () => Iterable<Segment.Document>
  /** The number of the shelf of each document. */
  readonly shelfOf: () => Uint32Array
  /** How many documents there are. */
  readonly size: () => number
  /** No number is as high: of a document, of a shelf. */
  readonly bounds: () => readonly [documents: number, shelves: number]
  /** Who has a word: the number of a document times two, and one more where the word is in its name. */
  readonly ofDocuments: Postings.Postings
  /** Who has a word as a word of its server: the number of a shelf. */
  readonly ofServers: Postings.Postings
  readonly bytes: () => number
}

interface Shelf {
  readonly number: number
  readonly documents: Uint32Array
  readonly words: Uint32Array
  /** How many documents have each of the words. */
  readonly counts: Uint32Array
}

/** Numbers from 0, those first that were given back. */
const numbers = () => {
  const free: Array<number> = []
  let bound = 0
  return {
    next: (): number => free.pop() ?? bound++,
    giveBack: (number: number): void => void free.push(number),
    bound: (): number => bound
  }
}

/** How many documents of a segment have each word: all of them, when the server has it. */
const countsOf = ({ documents, postings, server, words }: Segment.Segment): Uint32Array => {
  const counts = new Uint32Array(words.length)
  for (const word of postings.words) counts[word] = (counts[word] ?? 0) + 1
  for (const word of server.keys()) counts[word] = documents.length
  return counts
}

/** None. */
export const make = (vocabulary: Vocabulary.Vocabulary): Shelves => {
  const ofDocuments = Postings.make()
  const ofServers = Postings.make()
  const shelves = new Map<string, Shelf>()
  const held: Array<Segment.Document | undefined> = []
  let shelfOf = new Uint32Array(256)
  const documentNumbers = numbers()
  const shelfNumbers = numbers()
  let size = 0
  let bytes = 0

  const bytesOf = ({ counts, documents, words }: Shelf): number =>
    counts.byteLength + documents.byteLength + words.byteLength

  const take = (server: string): void => {
    const shelf = shelves.get(server)
    if (shelf === undefined) return
    shelves.delete(server)
    bytes -= bytesOf(shelf)
    size -= shelf.documents.length
    for (const document of shelf.documents) {
      held[document] = undefined
      documentNumbers.giveBack(document)
    }
    shelfNumbers.giveBack(shelf.number)
    for (const [n, word] of shelf.words.entries()) {
      ofDocuments.drop(word, (holder) => held[holder >>> 1] === undefined)
      ofServers.drop(word, (number) => number === shelf.number)
      vocabulary.drop(word, shelf.counts[n] ?? 0)
    }
  }

  const put = (server: string, segment: Segment.Segment): void => {
    take(server)
    if (segment.documents.length === 0) return
    const number = shelfNumbers.next()
    const counts = countsOf(segment)
    const words = Uint32Array.from(segment.words, (word, n) => vocabulary.add(word, counts[n] ?? 0))
    const documents = Uint32Array.from(segment.documents, (document) => {
      const place = documentNumbers.next()
      held[place] = document
      if (place >= shelfOf.length) {
        const larger = new Uint32Array(Math.ceil(place * 1.5))
        larger.set(shelfOf)
        shelfOf = larger
      }
      shelfOf[place] = number
      return place
    })
    const { documents: holders, isNamed, weights, words: posted } = segment.postings
    for (let n = 0; n < posted.length; n++) {
      const word = posted[n] ?? 0
      const holder = (documents[holders[n] ?? 0] ?? 0) * 2 + (isNamed[n] === true ? 1 : 0)
      ofDocuments.add(words[word] ?? 0, holder, weights[n] ?? 0)
    }
    for (const [word, weight] of segment.server) ofServers.add(words[word] ?? 0, number, weight)
    const shelf: Shelf = { number, documents, words, counts }
    shelves.set(server, shelf)
    size += documents.length
    bytes += bytesOf(shelf)
  }

  return {
    put,
    take,
    numberOf: (server) => shelves.get(server)?.number,
    document: (document) => held[document],
    documents: () => held.filter((document) => document !== undefined),
    shelfOf: () => shelfOf,
    size: () => size,
    bounds: () => [documentNumbers.bound(), shelfNumbers.bound()],
    ofDocuments,
    ofServers,
    // A document is an object of three fields.
    bytes: () => bytes + shelfOf.byteLength + held.length * 48 + ofDocuments.bytes() + ofServers.bytes()
  }
}
