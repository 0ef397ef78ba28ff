/** The words of a text as an index compares them: names split, lower-cased, stemmed; Chinese, Japanese and Korean by pairs of characters. */
import { stemmer } from "stemmer"

const stops = new Set(
  (
    "a an and any are as at be been being but by can do does for from has have how i if in into is it its me my no not of on or " +
    "our please should so some such than that the their them then there these they this to us was we were what when where which " +
    "who will with would you your s t m"
  ).split(" ")
)

/** What programmers clip, and a noun that its stem parts from its verb. */
const wholes = new Map(
  (
    "info=information dir=directory dirs=directory docs=documentation img=image imgs=image pic=picture pics=picture repo=repository " +
    "repos=repository db=database config=configuration stats=statistics msg=message msgs=message params=parameters args=arguments " +
    "auth=authentication env=environment lang=language org=organization app=application apps=application desc=description " +
    "calc=calculate temp=temperature num=number max=maximum min=minimum analysis=analyze analyses=analyze"
  )
    .split(" ")
    .map((pair): readonly [string, string] => {
      const [clipped = "", whole = ""] = pair.split("=")
      return [clipped, whole]
    })
)

/** Not forms of other words, though the stemmer takes them for such: of `new`, `generate`, `import`. */
const unstemmed = new Set(["news", "general", "important"])

/** Verbs that the names of tools use for one another. */
const alike = [
  "create make generate build new add",
  "get fetch retrieve obtain read show view see",
  "list enumerate show display",
  "search find query lookup look discover locate",
  "delete remove erase clear drop",
  "update edit modify change alter",
  "write save store",
  "convert transform translate turn",
  "compute calculate",
  "check verify validate test",
  "run execute start launch",
  "merge combine join concatenate",
  "rename move",
  "copy duplicate clone"
]

const cjk = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`

/** Runs of what belongs together. Each alternative starts with what no other one takes, so it takes linear time on any text. */
const runs = new RegExp(String.raw`[${cjk}]+|(?:(?![${cjk}])[\p{L}\p{M}\p{N}])+`, "gu")
const plainRuns = /[A-Za-z0-9]+/g

/** `getHTTPUrl2` → `get`, `HTTP`, `Url`, `2`; `PDFs` stays whole. */
const parts = /\p{Lu}{2,}s(?!\p{Ll})|\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{Lt}\p{Lm}\p{M}]+|\p{Lu}|\p{N}+/gu

const isCjk = new RegExp(`^[${cjk}]`, "u")
const isOnePart = /^[A-Z]?[a-z]+$/
// oxlint-disable-next-line no-control-regex -- what is not above 127 is what is looked for
const isAscii = /^[\0-\x7f]*$/

/** Longer ones are no words that anybody asks for. */
const longest = 40

const pairs = (run: string): ReadonlyArray<string> => {
  const characters = [...run]
  if (characters.length < 2) return characters
  return characters.slice(1).map((character, n) => `${characters[n]}${character}`)
}

const partsOf = (run: string): ReadonlyArray<string> => {
  const found = run.match(parts) ?? []
  // GitHub is found as `github` and as `hub`; a longer name nobody writes in one.
  return found.length === 2 ? [...found, run] : found
}

/** The words of a text in its order, lower-cased, not stemmed, without those that say nothing. */
export const of = (text: string): ReadonlyArray<string> => {
  const words: Array<string> = []
  const take = (word: string): void => {
    if (word.length > longest) return
    const lower = word.toLowerCase()
    if (!stops.has(lower)) words.push(lower)
  }
  const isPlain = isAscii.test(text)
  for (const run of (isPlain ? text : text.normalize("NFKC")).match(isPlain ? plainRuns : runs) ?? []) {
    if (isOnePart.test(run)) take(run)
    else for (const word of !isPlain && isCjk.test(run) ? pairs(run) : partsOf(run)) take(word)
  }
  return words
}

/** What words that differ in their endings, or are clipped, have in common. */
export const stem = (word: string): string => (unstemmed.has(word) ? word : stemmer(wholes.get(word) ?? word))

const others = new Map<string, ReadonlySet<string>>()
for (const group of alike) {
  const stems = group.split(" ").map(stem)
  for (const one of stems) others.set(one, new Set([...(others.get(one) ?? []), ...stems].filter((two) => two !== one)))
}

/** The stems of verbs that may stand for this one's. */
export const likeVerb = (stem: string): ReadonlySet<string> => others.get(stem) ?? new Set()
