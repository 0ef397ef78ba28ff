/**
 * Changes of documents and of tests alone, made of real files: of each, one paragraph or one test is taken out for the state before, or
 * a word is mended, and so on. What is dangerous about a change is nobody's aim here; some ask for a person rightly all the same.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Entry } from "./Dangers.ts"

/** One change of documents or tests. */
export interface Harmless {
  readonly name: string
  readonly before: ReadonlyArray<Entry>
  readonly after: ReadonlyArray<Entry>
  readonly gone?: ReadonlyArray<string>
}

/** The changes that can be made of the documents and tests of a repository, at most `limit`. */
export const of = (root: string, limit: number): ReadonlyArray<Harmless> => {
  const files = readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !/(?:^|\/)(?:node_modules|dist|\.git|\.millwright|fixtures)\//.test(path))
    .sort()
  const documents = files.filter((path) => /^(?:docs\/.*|[A-Z]\w*|packages\/\w+\/README)\.md$/.test(path))
  const tests = files.filter((path) => /^(?:packages|benchmarks|examples)\/.*\.test\.ts$/.test(path))
  const each = Math.ceil(limit / 2)
  const made = (paths: ReadonlyArray<string>, kinds: ReadonlyArray<Kind>) =>
    spread(paths, each * 2)
      .flatMap((path, at) => {
        const kind = kinds[at % kinds.length]
        const change = kind?.(path, readFileSync(join(root, path), "utf8"))
        return change === undefined ? [] : [change]
      })
      .slice(0, each)
  return [...made(documents, ofDocuments), ...made(tests, ofTests)]
}

const spread = (paths: ReadonlyArray<string>, count: number): ReadonlyArray<string> => {
  const step = Math.max(1, Math.floor(paths.length / count))
  return paths.filter((_, at) => at % step === 0)
}

type Kind = (path: string, text: string) => Harmless | undefined

const change = (name: string, path: string, [before, after]: readonly [string, string]): Harmless | undefined =>
  before === after
    ? undefined
    : { name: `${name}: ${path}`, before: [{ path, text: before }], after: [{ path, text: after }] }

const without = (text: string, from: number, to: number): string => text.slice(0, from) + text.slice(to)

const paragraphs = (text: string): ReadonlyArray<readonly [from: number, to: number]> =>
  [...text.matchAll(/\n\n[^\n](?:[^\n]|\n(?!\n))*/g)].map((match) => [match.index, match.index + match[0].length])

const ofDocuments: ReadonlyArray<Kind> = [
  (path, text) => {
    const middle = paragraphs(text)[Math.floor(paragraphs(text).length / 2)]
    return middle === undefined ? undefined : change("a paragraph is added", path, [without(text, ...middle), text])
  },
  (path, text) => {
    const last = paragraphs(text).at(-1)
    return last === undefined ? undefined : change("a paragraph is taken out", path, [text, without(text, ...last)])
  },
  (path, text) => change("a word is mended", path, [text.replace(/\bthe (\w+)/, "teh $1"), text]),
  (path, text) =>
    change("a sentence is written anew", path, [text.replace(/\. [A-Z][^.\n]{20,200}\./, ". It was otherwise."), text]),
  (path, text) => ({
    name: `it is new: ${path}`,
    before: [],
    after: [{ path, text: text.split("\n").slice(0, 150).join("\n") }]
  }),
  (path, text) => change("a heading is renamed", path, [text.replace(/^#+ .+$/m, "# Something else"), text])
]

const blocks = (text: string): ReadonlyArray<readonly [from: number, to: number]> =>
  [...text.matchAll(/\n {2}(?:it|test)(?:\.\w+)*\([^]*?\n {2}\}?\)+\n/g)].map((match) => [
    match.index,
    match.index + match[0].length
  ])

const ofTests: ReadonlyArray<Kind> = [
  (path, text) => {
    const last = blocks(text).at(-1)
    return last === undefined ? undefined : change("a test is added", path, [without(text, ...last), text])
  },
  (path, text) => {
    const first = blocks(text)[0]
    return first === undefined ? undefined : change("a test is added", path, [without(text, ...first), text])
  },
  (path, text) => {
    const line = /\n +assert\.\w+\([^\n]*\)(?=\n)/.exec(text)
    return line === null
      ? undefined
      : change("an assertion is added", path, [without(text, line.index, line.index + line[0].length), text])
  },
  (path, text) =>
    change("a title is mended", path, [text.replace(/\bit(?:\.\w+)?\("/, (found) => `${found}it `), text]),
  (path, text) =>
    change("another value is expected", path, [
      text.replace(/strictEqual\(([^\n]*?), (\d+)/, "strictEqual($1, 9$2"),
      text
    ])
]
