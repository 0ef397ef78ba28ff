/** Reads what lies at `refs/notes/ai`, whatever it is. It never fails: what is not as the standard says is counted. */
import * as LineOwners from "../LineOwners.ts"
import * as Authorship from "./Authorship.ts"
import * as AuthorshipRecords from "./AuthorshipRecords.ts"
import * as GitPath from "./GitPath.ts"
import * as Problems from "./NoteProblems.ts"

/** A note, and what is wrong with it. */
export interface Reading {
  readonly note: Authorship.AuthorshipNote
  /** Each kind once, in the order in which they were met. Empty: it follows the standard. */
  readonly problems: ReadonlyArray<Problems.Problem>
}

/** Reads a note. Of one with more than `maxBytes` (32 MiB) nothing is read. */
export const read = (content: string | Uint8Array, maxBytes: number = 32 * 1024 * 1024): Reading => {
  const problems = new Problems.Tally()
  const text = textOf(content, maxBytes, problems)
  const lines = text.split("\n").map((line, at) => {
    if (!line.endsWith("\r")) return line
    problems.add("CarriageReturn", at + 1)
    return line.slice(0, -1)
  })
  // JSON has no such line, so the last one begins it.
  const divider = lines.lastIndexOf("---")
  if (divider < 0 && text !== "") problems.add("NoDivider", null)
  const metadata = AuthorshipRecords.read(divider < 0 ? "" : lines.slice(divider + 1).join("\n"), problems)
  const files = attested(divider < 0 ? lines : lines.slice(0, divider), problems)
  const note = { ...metadata, files }
  for (const { key } of files.flatMap(({ entries }) => entries)) {
    if (!Authorship.isKnown(note, key)) problems.add("DanglingKey", null)
  }
  return { note, problems: problems.all }
}

const textOf = (content: string | Uint8Array, maxBytes: number, problems: Problems.Tally): string => {
  if (Buffer.byteLength(content) > maxBytes) {
    problems.add("TooLarge", null)
    return ""
  }
  if (typeof content === "string") return content
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content)
  } catch {
    problems.add("NotUtf8", null)
    return new TextDecoder().decode(content)
  }
}

type Entries = Array<Authorship.AttestedEntry>

const attested = (lines: ReadonlyArray<string>, problems: Problems.Tally): ReadonlyArray<Authorship.AttestedFile> => {
  const files = new Map<string, Entries>()
  let current: Entries | undefined
  for (const [at, line] of lines.entries()) {
    if (line.trim() === "") continue
    if (line === "---") {
      // What follows may be of another note that was put behind this one, and nobody can say of which file.
      problems.add("SecondDivider", at + 1)
      current = undefined
    } else if (/^\s/.test(line)) {
      const entry = entryOf(line, at + 1, problems)
      if (current === undefined) problems.add("NoFile", at + 1)
      else if (entry !== undefined) current.push(entry)
    } else {
      const path = pathOf(line, at + 1, problems)
      if (files.has(path)) problems.add("RepeatedFile", at + 1)
      current = files.get(path) ?? []
      files.set(path, current)
    }
  }
  const found = [...files].map(([path, entries]) => ({ path, entries }))
  for (const { entries } of found) if (isOverlapping(entries)) problems.add("OverlappingRanges", null)
  return found.filter(({ entries }) => entries.length > 0)
}

const pathOf = (line: string, at: number, problems: Problems.Tally): string => {
  if (!line.startsWith('"')) {
    if (/\s/.test(line)) problems.add("UnquotedPath", at)
    return line
  }
  const inner = /^"(.+)"$/.exec(line)?.[1]
  if (inner === undefined) {
    problems.add("BadPath", at)
    return line
  }
  const path = GitPath.unquote(inner)
  if (path !== inner) problems.add("EscapedPath", at)
  return path
}

const entryOf = (line: string, at: number, problems: Problems.Tally): Authorship.AttestedEntry | undefined => {
  // Cut where it is, and not matched as a whole: a pattern could be made to try each place in a line of megabytes.
  const claim = line.trimStart()
  const end = claim.search(/\s/)
  if (end < 0) {
    problems.add("BadEntry", at)
    return undefined
  }
  const indent = line.slice(0, line.length - claim.length)
  const key = claim.slice(0, end)
  const list = claim.slice(end).trimStart()
  const gap = claim.slice(end, claim.length - list.length)
  if (indent !== "  " || gap !== " " || /\s/.test(list)) problems.add("Spacing", at)
  if (!Authorship.isStandard(key)) problems.add(/^[0-9a-f-]{5,36}$/.test(key) ? "OldKey" : "BadKey", at)
  const ranges = list.split(",").flatMap((text) => {
    const range = rangeOf(text.trim())
    if (range === undefined) problems.add("BadRange", at)
    return range ?? []
  })
  const isSorted = ranges.every(({ first }, index) => first > (ranges[index - 1]?.last ?? 0))
  if (!isSorted) problems.add("UnsortedRanges", at)
  return ranges.length === 0 ? undefined : { key, ranges }
}

const rangeOf = (text: string): Authorship.Lines | undefined => {
  const [, from, to = from] = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(text) ?? []
  const first = Number(from)
  const last = Number(to)
  return first >= 1 && first <= last && last <= LineOwners.lastLine ? { first, last } : undefined
}

const isOverlapping = (entries: Entries): boolean => {
  const ranges = entries.flatMap(({ ranges }) => ranges).sort((a, b) => a.first - b.first)
  let end = 0
  return ranges.some(({ first, last }) => {
    const isOver = first <= end
    end = Math.max(end, last)
    return isOver
  })
}
