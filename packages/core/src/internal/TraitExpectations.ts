/**
 * Whether tests expect something else than before: a recorded answer is another, an answer differs in its value, or
 * nothing but assertions is other. It may be right, and nobody but a human knows. Each hunk is looked at alone.
 */
import * as FileView from "./FileView.ts"
import type * as Trait from "./Trait.ts"
import * as TraitTests from "./TraitTests.ts"

/** Files of tests that are code. What is none holds answers. */
const recorded = /\.(?:snap|jsonl?|ndjson|csv|tsv|xml|html|out|golden|diff|patch|log|ya?ml|toml)$/

const plain = (line: string): string => line.trim().replace(/[,;]$/, "")

/** A line without its values. */
const shape = (line: string): string =>
  plain(line).replaceAll(
    /"[^"\n]{0,400}"|'[^'\n]{0,400}'|`[^`\n]{0,400}`|\b\d[\w.]{0,20}|\b(?:true|false|null|None|True|False)\b/g,
    "0"
  )

const expected = /expect|\bwant|\bgot\b|golden|snapshot/i

/** What an assertion is about. */
const subject = (line: string): string | undefined =>
  (
    /\bexpect\s{0,5}\((.{1,200}?)\)\s{0,5}\./.exec(line) ??
    /\bassert\s{1,5}(.{1,200}?)(?:\s{0,5}(?:[=!<>]=|[<>,])|$)/.exec(line)
  )?.[1]

const indent = (line: string): number => line.search(/\S|$/)

/** Whether a line of the text before is an answer: it says so, or stands in an assertion of several lines. */
const isAnswer = (before: ReadonlyArray<string>, at: number): boolean => {
  const line = before[at] ?? ""
  if (TraitTests.isAssertion(line) || expected.test(line)) return true
  let depth = indent(line)
  for (let above = at - 1; above >= Math.max(0, at - 30) && depth > 0; above--) {
    const each = before[above] ?? ""
    if (each.trim() === "" || indent(each) >= depth) continue
    if (TraitTests.isDeclaration(each)) return false
    if (TraitTests.isAssertion(each) || expected.test(each)) return true
    depth = indent(each)
  }
  return false
}

const isOther = ({ added, removed }: FileView.Hunk, before: ReadonlyArray<string>): boolean => {
  const put = TraitTests.lines(added.text).filter((line) => line.trim() !== "")
  const kept = new Set(put.map(plain))
  const shapes = new Set(put.map(shape))
  const subjects = new Set(put.map(subject))
  const taken = TraitTests.lines(removed.text).filter((line) => line.trim() !== "")
  if (taken.every((line) => kept.has(plain(line)))) return false
  return (
    [...taken, ...put].every(TraitTests.isAssertion) ||
    removed.text.split("\n").some((line, at) => {
      if (line.trim() === "" || kept.has(plain(line))) return false
      const about = subject(line)
      if (about !== undefined && subjects.has(about)) return true
      return shapes.has(shape(line)) && isAnswer(before, removed.at - 1 + at)
    })
  )
}

/** Reads it. */
export const read = (view: FileView.FileView): ReadonlyArray<Trait.Found> => {
  if (view.kind !== "test" || view.file.status === "added") return []
  const isRecorded = view.paths.some((path) => recorded.test(path))
  const before = (FileView.textOf(view.before) ?? "").split(/\r\n|[\n\r\u2028\u2029]/)
  const hunk = view.hunks.find((each) => (isRecorded ? each.removed.text !== "" : isOther(each, before)))
  return hunk === undefined ? [] : [{ trait: "ExpectationChanged", line: hunk.added.at }]
}
