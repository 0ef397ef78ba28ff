/** One shelf, read: the words of its documents and of its server, and how much each says. */
import * as Effect from "effect/Effect"
import type { Shelf } from "../ToolRanking.ts"
import * as ToolText from "./ToolText.ts"
import * as Words from "./Words.ts"

/** What a word in a field counts, how much a long text takes from that (0 to 1), and how many words are usual. */
interface Field {
  readonly weight: number
  readonly length: number
  readonly usual: number
}

// The usual lengths are fixed, not averages of what is indexed: so a document's words weigh the same whatever else is there.
const ofTools = {
  name: { weight: 6, length: 0.15, usual: 3 },
  firstSentence: { weight: 1.8, length: 0.8, usual: 8 },
  rest: { weight: 0.7, length: 0.9, usual: 20 },
  parameterNames: { weight: 0.3, length: 0.7, usual: 5 },
  parameterDescriptions: { weight: 0.6, length: 0.6, usual: 20 }
} satisfies Readonly<Record<keyof ToolText.ToolText, Field>>
const ofServers = {
  name: { weight: 2, length: 0, usual: 2 },
  description: { weight: 1, length: 0.5, usual: 20 }
} satisfies Readonly<Record<string, Field>>

/** How soon more of a word says no more. */
const saturation = 2

/** What the words of its server say about a tool, against those of its own. */
const serverShare = 0.5

/** As many characters are read before others run. */
const stretch = 20_000

/** One of a shelf. */
export interface Document {
  readonly id: string
  readonly name: string
  /** How many different words its name has. */
  readonly words: number
}

/** One shelf, read. Words are places in `words`, documents places in `documents`. */
export interface Segment {
  readonly documents: ReadonlyArray<Document>
  readonly words: ReadonlyArray<string>
  /** The words of each document, one document after the other. */
  readonly postings: Postings
  /** What the words of the server say about every document. */
  readonly server: ReadonlyMap<number, number>
}

/** `words[n]` says `weights[n]` about `documents[n]`, and is a word of its name or is not. */
export interface Postings {
  readonly words: ReadonlyArray<number>
  readonly documents: ReadonlyArray<number>
  readonly weights: ReadonlyArray<number>
  readonly isNamed: ReadonlyArray<boolean>
}

/** The numbers of words. Spellings are remembered, since stemming is what takes time. */
const numbering = () => {
  const stems = new Map<string, number>()
  const spellings = new Map<string, number>()
  const of = (spelling: string): number => {
    const known = spellings.get(spelling)
    if (known !== undefined) return known
    const stem = Words.stem(spelling)
    const number = stems.get(stem) ?? stems.size
    stems.set(stem, number)
    spellings.set(spelling, number)
    return number
  }
  return {
    all: (text: string): ReadonlyArray<number> => Words.of(text).map(of),
    words: (): ReadonlyArray<string> => [...stems.keys()]
  }
}

/** Adds what the words of a field count. */
const weigh = (sums: Map<number, number>, numbers: ReadonlyArray<number>, { length, usual, weight }: Field): void => {
  const each = weight / (1 - length + (length * numbers.length) / usual)
  for (const number of numbers) sums.set(number, (sums.get(number) ?? 0) + each)
}

const saturated = (sum: number): number => sum / (saturation + sum)

/** Reads a shelf, and lets others run in between. Of documents with one id the first is taken. */
export const read = Effect.fnUntraced(function* (shelf: Shelf) {
  const numbers = numbering()
  const server = new Map<number, number>()
  weigh(server, numbers.all(ToolText.textOf(shelf.server)), ofServers.name)
  weigh(server, numbers.all(ToolText.textOf(shelf.description)), ofServers.description)
  const documents = new Map<string, Document>()
  const words: Array<number> = []
  const holders: Array<number> = []
  const weights: Array<number> = []
  const isNamed: Array<boolean> = []
  let since = 0
  for (const document of shelf.documents) {
    if (documents.has(document.id)) continue
    const text = ToolText.read(document)
    const name = numbers.all(text.name)
    const inName = new Set(name)
    const place = documents.size
    documents.set(document.id, { id: document.id, name: text.name, words: inName.size })
    const sums = new Map<number, number>()
    weigh(sums, name, ofTools.name)
    weigh(sums, numbers.all(text.firstSentence), ofTools.firstSentence)
    weigh(sums, numbers.all(text.rest), ofTools.rest)
    weigh(sums, numbers.all(text.parameterNames), ofTools.parameterNames)
    weigh(sums, numbers.all(text.parameterDescriptions), ofTools.parameterDescriptions)
    for (const [word, sum] of sums) {
      words.push(word)
      holders.push(place)
      weights.push(saturated(sum))
      isNamed.push(inName.has(word))
    }
    since += Object.values(text).reduce((sum, part) => sum + part.length, 100)
    if (since < stretch) continue
    since = 0
    yield* Effect.yieldNow
  }
  const segment: Segment = {
    documents: [...documents.values()],
    words: numbers.words(),
    postings: { words, documents: holders, weights, isNamed },
    server: new Map([...server].map(([word, sum]) => [word, serverShare * saturated(sum)]))
  }
  return segment
})
