/** Finding **texts of scenarios** in other texts: by their canaries, and by runs of their words, however those are laid out. */
import * as Scenario from "../Scenario.ts"

/** How many words in a row are looked for. Fewer stand everywhere. */
const length = 5

/** So many different runs of one scenario in one text are no accident: 10 words in a row. */
const enough = 6

/** What scenarios are told by. */
export interface Prints {
  readonly canaries: ReadonlyMap<string, string>
  /** Words that scenarios have, by number. */
  readonly words: ReadonlyMap<string, number>
  /** The parts of scenarios that each run of words stands in. */
  readonly runs: ReadonlyMap<string, ReadonlyArray<PartOf>>
}

/** One thing that a scenario says. */
interface PartOf {
  readonly scenario: string
  /** How many different runs it has that are looked for. */
  size: number
}

const entity = /&(?:quot|lt|gt|amp|apos|nbsp|#\d{1,6});/g
const escape = /\\(?:[nrtbf"'`/\\]|u[0-9a-f]{4})/gi
const word = /[\p{L}\p{M}]+/gu

/** A text as it is compared: numbers of lines, quotes, markup and letter case tell nothing. */
const plain = (text: string): string =>
  text
    .normalize("NFKC")
    .replace(entity, " ")
    .replace(escape, (found) => (found.length > 2 ? String.fromCharCode(Number.parseInt(found.slice(2), 16)) : " "))
    .toLowerCase()

const runsOf = (text: string): ReadonlySet<string> => {
  const words = plain(text).match(word) ?? []
  return new Set(words.flatMap((_, at) => (at + length > words.length ? [] : [words.slice(at, at + length).join(" ")])))
}

/** What scenarios are told by. What `known` texts say as well, such as a contract, is not looked for. */
export const of = (scenarios: ReadonlyArray<Scenario.Scenario>, known: ReadonlyArray<string>): Prints => {
  const common = new Set(known.flatMap((text) => [...runsOf(text)]))
  const canaries = new Map(scenarios.map(({ canary, id }) => [canary, id]))
  const words = new Map<string, number>()
  const runs = new Map<string, Array<PartOf>>()
  for (const scenario of scenarios) {
    for (const text of Scenario.texts(scenario)) {
      const own = [...runsOf(text)].filter((run) => !common.has(run))
      const part: PartOf = { scenario: scenario.id, size: own.length }
      for (const run of own) {
        const numbers = run.split(" ").map((each) => {
          const number = words.get(each) ?? words.size
          words.set(each, number)
          return number
        })
        const key = numbers.join(" ")
        runs.set(key, [...(runs.get(key) ?? []), part])
      }
    }
  }
  return { canaries, words, runs }
}

/** The scenarios that stand in a text. */
export const find = ({ canaries, runs, words }: Prints, text: string): ReadonlySet<string> => {
  const found = new Set<string>()
  const compared = plain(text)
  for (const [canary, scenario] of canaries) if (compared.includes(canary)) found.add(scenario)
  const parts = new Map<PartOf, Set<string>>()
  const scenarios = new Map<string, Set<string>>()
  const last: Array<number> = []
  for (const [each] of compared.matchAll(word)) {
    const number = words.get(each)
    if (number === undefined) {
      last.length = 0
      continue
    }
    last.push(number)
    if (last.length > length) last.shift()
    if (last.length < length) continue
    const run = last.join(" ")
    for (const part of runs.get(run) ?? []) {
      // Two runs in a row, so that five words that happen to meet are no leak.
      const own = parts.get(part) ?? new Set()
      parts.set(part, own.add(run))
      if (part.size > 1 && own.size >= Math.ceil(part.size * 0.8)) found.add(part.scenario)
      const all = scenarios.get(part.scenario) ?? new Set()
      scenarios.set(part.scenario, all.add(run))
      if (all.size >= enough) found.add(part.scenario)
    }
  }
  return found
}
