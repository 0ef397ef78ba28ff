/** The words of one shelf in typed arrays: for each word, the documents that have it, and how much it says about each. */
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
}

/** One shelf, read. Word `n` is in the documents from `starts[n]` to before `starts[n + 1]`. */
export interface Segment {
  readonly documents: ReadonlyArray<Document>
  readonly words: ReadonlyArray<string>
  readonly starts: Uint32Array
  /** The place of a document times two, and one more when the word is in its name. */
  readonly holders: Uint32Array
  readonly weights: Float32Array
  /** What each word says about every document, since it is a word of the server. */
  readonly shared: Float32Array
  /** How many different words the name of each document has. */
  readonly names: Uint8Array
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

/** Postings in the order of documents; `sorted` puts them into that of words. */
interface Postings {
  readonly words: Array<number>
  readonly holders: Array<number>
  readonly weights: Array<number>
}

const sorted = (postings: Postings, words: number): Pick<Segment, "starts" | "holders" | "weights"> => {
  const starts = new Uint32Array(words + 1)
  for (const word of postings.words) starts[word + 1] = (starts[word + 1] ?? 0) + 1
  for (let n = 0; n < words; n++) starts[n + 1] = (starts[n + 1] ?? 0) + (starts[n] ?? 0)
  const next = starts.slice()
  const holders = new Uint32Array(postings.words.length)
  const weights = new Float32Array(postings.words.length)
  for (const [n, word] of postings.words.entries()) {
    const place = next[word] ?? 0
    holders[place] = postings.holders[n] ?? 0
    weights[place] = postings.weights[n] ?? 0
    next[word] = place + 1
  }
  return { starts, holders, weights }
}

/** Reads a shelf, and lets others run in between. Of documents with one id the first is taken. */
export const read = Effect.fnUntraced(function* (shelf: Shelf) {
  const numbers = numbering()
  const server = new Map<number, number>()
  weigh(server, numbers.all(ToolText.textOf(shelf.server)), ofServers.name)
  weigh(server, numbers.all(ToolText.textOf(shelf.description)), ofServers.description)
  const documents = new Map<string, Document>()
  const names: Array<number> = []
  const postings: Postings = { words: [], holders: [], weights: [] }
  let since = 0
  for (const { id, ...document } of shelf.documents) {
    if (documents.has(id)) continue
    const text = ToolText.read({ id, ...document })
    const place = documents.size
    documents.set(id, { id, name: text.name })
    const name = numbers.all(text.name)
    const inName = new Set(name)
    names.push(Math.min(inName.size, 255))
    const sums = new Map<number, number>()
    weigh(sums, name, ofTools.name)
    weigh(sums, numbers.all(text.firstSentence), ofTools.firstSentence)
    weigh(sums, numbers.all(text.rest), ofTools.rest)
    weigh(sums, numbers.all(text.parameterNames), ofTools.parameterNames)
    weigh(sums, numbers.all(text.parameterDescriptions), ofTools.parameterDescriptions)
    for (const [word, sum] of sums) {
      postings.words.push(word)
      postings.holders.push(place * 2 + (inName.has(word) ? 1 : 0))
      postings.weights.push(saturated(sum))
    }
    since += Object.values(text).reduce((sum, part) => sum + part.length, 100)
    if (since < stretch) continue
    since = 0
    yield* Effect.yieldNow
  }
  const words = numbers.words()
  const segment: Segment = {
    documents: [...documents.values()],
    words,
    ...sorted(postings, words.length),
    shared: Float32Array.from(words, (_, n) => serverShare * saturated(server.get(n) ?? 0)),
    names: Uint8Array.from(names)
  }
  return segment
})
