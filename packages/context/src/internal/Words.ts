/** The words of a text, as an index compares them: names split, lower-cased, stemmed; Chinese, Japanese and Korean by pairs of characters. */
import { stemmer } from "stemmer"

const stops = new Set(
  (
    "a an and any are as at be been being but by can do does for from has have how i if in into is it its me my no not of on or " +
    "our please should so some such than that the their them then there these they this to us was we were what when where which " +
    "who will with would you your s t m"
  ).split(" ")
)

const cjk = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`

/** Runs of what belongs together. No alternative can match where another one gave up: it takes linear time on any text. */
const runs = new RegExp(String.raw`[${cjk}]+|(?:(?![${cjk}])[\p{L}\p{M}\p{N}])+`, "gu")

/** `getHTTPUrl2` → `get`, `HTTP`, `Url`, `2`; `PDFs` stays whole. */
const parts = /\p{Lu}{2,}s(?!\p{Ll})|\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{Lt}\p{Lm}\p{M}]+|\p{Lu}|\p{N}+/gu

const isCjk = new RegExp(`^[${cjk}]`, "u")
const isPlain = /^(?:[a-z]+|[A-Z]?[a-z]+)$/

/** Longer ones are no words that anybody asks for. */
const longest = 40

const pairs = (run: string): ReadonlyArray<string> => {
  const characters = [...run]
  if (characters.length < 2) return characters
  return characters.slice(1).map((character, n) => `${characters[n]}${character}`)
}

const partsOf = (run: string): ReadonlyArray<string> => {
  if (isPlain.test(run)) return [run]
  const found = run.match(parts) ?? []
  // GitHub is found as `github` and as `hub`; a longer name nobody writes in one.
  return found.length === 2 ? [...found, run] : found
}

/** The words of a text in its order, lower-cased, not stemmed, with those that say nothing. */
export const rawOf = (text: string): ReadonlyArray<string> => {
  const words: Array<string> = []
  for (const [run] of text.normalize("NFKC").matchAll(runs)) {
    const found = isCjk.test(run) ? pairs(run) : partsOf(run)
    for (const word of found) if (word.length <= longest) words.push(word.toLowerCase())
  }
  return words
}

/** Whether a word says nothing. */
export const isStop = (word: string): boolean => stops.has(word)

/** What words that differ in their endings have in common. */
export const stem = (word: string): string => stemmer(word)
