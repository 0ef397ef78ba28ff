/** The words of one shelf in typed arrays: for each word, the documents that have it, and how much it says about each. */
import * as Effect from "effect/Effect"
import type { Document, Shelf } from "../ToolRanking.ts"
import * as ToolText from "./ToolText.ts"
import * as Words from "./Words.ts"

/** Of each field: what a word in it counts, how much a long text takes from that, and how many words are usual. */
const fields = [
  { weight: 6, length: 0.15, usual: 3 },
  { weight: 2, length: 0, usual: 2 },
  { weight: 1.8, length: 0.8, usual: 8 },
  { weight: 0.7, length: 0.9, usual: 20 },
  { weight: 0.3, length: 0.7, usual: 5 },
  { weight: 0.6, length: 0.6, usual: 20 },
  { weight: 0.1, length: 0.5, usual: 20 }
] as const

/** How soon more of a word says no more. */
const saturation = 3

/** As many characters are read before others run. */
const stretch = 20_000

/** One shelf, read. `words[n]` is in the documents from `starts[n]` to before `starts[n + 1]`. */
export interface Segment {
  readonly documents: ReadonlyArray<Pick<Document, "id" | "name">>
  readonly words: ReadonlyArray<string>
  readonly starts: Uint32Array
  readonly holders: Uint32Array
  readonly weights: Float32Array
}

interface Posting {
  readonly word: number
  readonly document: number
  readonly weight: number
}

/** Numbers for the words of a shelf. Spellings are remembered, since stemming is what takes time. */
const numbering = () => {
  const stems = new Map<string, number>()
  const spellings = new Map<string, number>()
  const numberOf = (spelling: string): number => {
    if (Words.isStop(spelling)) return -1
    const stem = Words.stem(spelling)
    const number = stems.get(stem) ?? stems.size
    stems.set(stem, number)
    return number
  }
  const of = (spelling: string): number => {
    const known = spellings.get(spelling)
    if (known !== undefined) return known
    const number = numberOf(spelling)
    spellings.set(spelling, number)
    return number
  }
  return { of, words: () => [...stems.keys()] }
}

const weigh = (texts: ToolText.Fields, of: (spelling: string) => number): ReadonlyMap<number, number> => {
  const sums = new Map<number, number>()
  for (const [n, { length, usual, weight }] of fields.entries()) {
    const numbers = Words.rawOf(texts[n] ?? "")
      .map(of)
      .filter((number) => number >= 0)
    const each = weight / (1 - length + (length * numbers.length) / usual)
    for (const number of numbers) sums.set(number, (sums.get(number) ?? 0) + each)
  }
  return sums
}

const sorted = (postings: ReadonlyArray<Posting>, words: number) => {
  const starts = new Uint32Array(words + 1)
  for (const { word } of postings) starts[word + 1] = (starts[word + 1] ?? 0) + 1
  for (let n = 0; n < words; n++) starts[n + 1] = (starts[n + 1] ?? 0) + (starts[n] ?? 0)
  const next = starts.slice()
  const holders = new Uint32Array(postings.length)
  const weights = new Float32Array(postings.length)
  for (const { document, weight, word } of postings) {
    const place = next[word] ?? 0
    holders[place] = document
    weights[place] = weight
    next[word] = place + 1
  }
  return { starts, holders, weights }
}

/** Reads a shelf. Of documents with one id the first is taken. */
export const read = Effect.fnUntraced(function* (shelf: Shelf) {
  const numbers = numbering()
  const documents = new Map<string, Pick<Document, "id" | "name">>()
  const postings: Array<Posting> = []
  let since = 0
  for (const document of shelf.documents) {
    if (documents.has(document.id)) continue
    const texts = ToolText.read(document, shelf)
    since += texts.reduce((sum, text) => sum + text.length, 100)
    const place = documents.size
    documents.set(document.id, { id: document.id, name: document.name })
    for (const [word, sum] of weigh(texts, numbers.of)) {
      postings.push({ word, document: place, weight: sum / (saturation + sum) })
    }
    if (since < stretch) continue
    since = 0
    yield* Effect.yieldNow
  }
  const words = numbers.words()
  const segment: Segment = { documents: [...documents.values()], words, ...sorted(postings, words.length) }
  return segment
})
