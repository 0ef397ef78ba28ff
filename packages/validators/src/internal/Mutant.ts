/**
 * A **mutant**: a file of a change with one thing in it broken, where the change touched it. A test of the change that no mutant makes
 * fail does not test the change.
 *
 * Mutants are made from text alone, whatever the language: a hunk is taken back, or a sign on an added line becomes another.
 * Some do not compile, which says nothing about a test: whoever runs them counts the failures of tests, not of files.
 */
import { structuredPatch } from "diff"
import * as SourceText from "./SourceText.ts"

/** A file before and after the change. `before` is left out for a file that the change adds. */
export interface ChangedFile {
  readonly path: string
  readonly before?: string
  readonly after: string
}

/** One broken file. */
export interface Mutant {
  readonly path: string
  /** Of `after`, from 1. */
  readonly line: number
  /** What is broken, for people: `< became >=`. */
  readonly what: string
  /** The whole file. */
  readonly text: string
}

interface Hunk {
  /** Of `after`, from 0; where nothing was added, the line that something was taken away before. */
  readonly start: number
  readonly added: number
  readonly removed: ReadonlyArray<string>
}

/** The longest file that is compared line by line, in UTF-16 code units. */
const longest = 2_000_000

const hunksOf = ({ after, before, path }: ChangedFile): ReadonlyArray<Hunk> => {
  if (before === undefined) return [{ start: 0, added: after.split("\n").length, removed: [] }]
  const patch = structuredPatch(path, path, before, after, "", "", { context: 0, timeout: 5_000 })
  return (patch?.hunks ?? []).map(({ lines, newLines, newStart }) => ({
    start: newStart - 1,
    added: newLines,
    removed: lines.filter((line) => line.startsWith("-")).map((line) => line.slice(1))
  }))
}

const takenBack = (file: ChangedFile, hunks: ReadonlyArray<Hunk>): ReadonlyArray<Mutant> => {
  if (file.before === undefined) return []
  const lines = file.after.split("\n")
  return hunks.map(({ added, removed, start }) => ({
    path: file.path,
    line: start + 1,
    what: "the hunk was taken back",
    text: lines.toSpliced(start, added, ...removed).join("\n")
  }))
}

/** What a sign becomes. The first that fits at a place is taken; those that are ambiguous stand between spaces. */
const swaps: ReadonlyArray<readonly [RegExp, (found: string) => string]> = [
  [/===|!==/g, (found) => (found === "===" ? "!==" : "===")],
  [/(?<![=!<>])(?:==|!=)(?!=)/g, (found) => (found === "==" ? "!=" : "==")],
  [/(?<=\s)(?:<=|>=|<|>)(?=\s)/g, (found) => ({ "<": ">=", ">": "<=", "<=": ">", ">=": "<" })[found] ?? found],
  [/&&|\|\|/g, (found) => (found === "&&" ? "||" : "&&")],
  [/(?<=\s)(?:and|or)(?=\s)/g, (found) => (found === "and" ? "or" : "and")],
  [/(?<=\s)[-+*/%](?=\s)/g, (found) => ({ "+": "-", "-": "+", "*": "/", "/": "*", "%": "*" })[found] ?? found],
  [
    /\b(?:true|false|True|False)\b/g,
    (found) => ({ true: "false", false: "true", True: "False", False: "True" })[found] ?? found
  ],
  [/(?<![\w.])\d+(?![\w.])/g, (found) => String(BigInt(found) + 1n)],
  [/\bif \((?!false)/g, () => "if (false && "],
  [/(?<=^\s*(?:if|elif|while) )(?=[^(]*:\s*$)/gm, () => "False and "]
]

/** What stands between quotes on one line, but for the names of modules. */
const texts = (code: string, line: string): ReadonlyArray<{ readonly start: number; readonly end: number }> =>
  /^\s*(?:import|export|from|require|use|include)\b|\brequire\(|\bimport\(/.test(code)
    ? []
    : [...code.matchAll(/(["'`]) +\1/g)]
        .map(({ 0: found, index }) => ({ start: index + 1, end: index + found.length - 1 }))
        .filter(({ end, start }) => !line.slice(start, end).includes("${"))

const swapped = (file: ChangedFile, hunks: ReadonlyArray<Hunk>): ReadonlyArray<Mutant> => {
  const { code: whole, starts } = SourceText.read(file.path, file.after)
  return hunks.flatMap(({ added, start }) =>
    Array.from({ length: added }, (_, index) => start + index).flatMap((line) => {
      const from = starts[line] ?? file.after.length
      const to = starts[line + 1] ?? file.after.length
      const code = whole.slice(from, to)
      const at = (place: number, length: number, by: string): Mutant => {
        const found = file.after.slice(from + place, from + place + length)
        return {
          path: file.path,
          line: line + 1,
          what: found === "" ? `${by.trim()} was put in` : `${found.trim()} became ${by.trim()}`,
          text: file.after.slice(0, from + place) + by + file.after.slice(from + place + length)
        }
      }
      return [
        ...swaps.flatMap(([pattern, become]) =>
          [...code.matchAll(pattern)].map(({ 0: found, index }) => at(index, found.length, become(found)))
        ),
        ...texts(code, file.after.slice(from, to)).map(({ end, start: place }) => at(place, end - place, "mutated"))
      ]
    })
  )
}

/** One of each list in turn, so that a limit leaves something of every one. */
const inTurn = <A>(lists: ReadonlyArray<ReadonlyArray<A>>): ReadonlyArray<A> => {
  const length = Math.max(0, ...lists.map((list) => list.length))
  return Array.from({ length }, (_, index) => lists.flatMap((list) => list.slice(index, index + 1))).flat()
}

/**
 * The mutants of a change: what takes a hunk back first, then one of every line in turn, `most` in all. Always the same for the same
 * files in the same order. Files that are too long to be compared, 2 MB, have none.
 */
export const ofChange = (files: ReadonlyArray<ChangedFile>, most: number): ReadonlyArray<Mutant> => {
  const known = files
    .filter(({ after, before = "" }) => after.length <= longest && before.length <= longest)
    .map((file) => ({ file, hunks: hunksOf(file) }))
  const byLine = known.map(({ file, hunks }) => {
    const lines = Map.groupBy(swapped(file, hunks), ({ line }) => line)
    return inTurn([...lines.values()])
  })
  return [...inTurn(known.map(({ file, hunks }) => takenBack(file, hunks))), ...inTurn(byLine)]
    .filter(({ path, text }) => known.every(({ file }) => file.path !== path || file.after !== text))
    .slice(0, most)
}
