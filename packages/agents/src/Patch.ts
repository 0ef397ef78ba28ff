/**
 * A **patch** as git wrote it, read for one question: which lines did it change. Quoted paths, renames, deletions, binary files and
 * files without a line feed at their end are what they are for git.
 */
import * as Fault from "@millwright/core/Fault"
import { parsePatch } from "diff"
import * as Result from "effect/Result"

/** The longest patch that is read, in UTF-16 code units: a model that is asked to judge more than this judges none of it. */
export const maxLength = 1_000_000

/** A text can not be used as a patch. */
export class PatchError extends Fault.Class<PatchError>()("PatchError", {
  /** It changes nothing. */
  Empty: false,
  TooLarge: false,
  /** It is no unified diff, or was cut off. */
  Malformed: false
}) {}

/** The side of a patch: the file before, or the file after. */
export type Side = "old" | "new"

/** Lines without a gap, both ends included. */
interface Span {
  readonly from: number
  readonly to: number
}

/** One file of a patch. */
export interface PatchFile {
  /** After the change; of a deleted file, before. */
  readonly path: string
  /** Where it stood before, if elsewhere. */
  readonly previousPath?: string
  readonly isBinary: boolean
  readonly isDeleted: boolean
  /** The lines of each side that a hunk shows, and those of them that changed. */
  readonly shown: Readonly<Record<Side, ReadonlyArray<Span>>>
  readonly changed: Readonly<Record<Side, ReadonlyArray<Span>>>
}

/** A patch, by the path of its files. */
export interface Patch {
  readonly files: ReadonlyMap<string, PatchFile>
}

const whole = "Give the whole of what `git diff` prints, and nothing cut off."

/** Reads a patch. */
export const parse = (text: string): Result.Result<Patch, PatchError> => {
  if (text.length > maxLength) {
    return refuse("TooLarge", `has ${text.length} characters, and at most ${maxLength} are read`, "Review it in parts.")
  }
  // A line of content has a sign before it, so this is none.
  if (/^@@@/m.test(text)) {
    return refuse("Malformed", "compares a merge with several parents at once", "Give the difference from one of them.")
  }
  const parsed = Result.try(() => parsePatch(text))
  if (Result.isFailure(parsed)) {
    // The parser quotes lines of the patch, and an error is no place for them.
    const [where = ""] = /hunk at line \d+/i.exec(`${parsed.failure}`) ?? []
    return refuse("Malformed", `can not be read${where === "" ? "" : `: look at the ${where.toLowerCase()}`}`, whole)
  }
  // A head of a hunk that was cut off is no error to the parser.
  if (
    parsed.success.some(({ hunks }) => hunks.some(({ newStart, oldStart }) => !Number.isInteger(oldStart + newStart)))
  ) {
    return refuse("Malformed", "has a hunk that does not say where it is", whole)
  }
  const files = parsed.success.flatMap((file) => {
    const old = nameOf(file.oldFileName, "a/")
    const now = nameOf(file.newFileName, "b/")
    const path = file.isDelete === true || now === undefined ? old : now
    if (path === undefined) return []
    const spans = file.hunks.map(spansOf)
    const read: PatchFile = {
      path,
      ...(old !== undefined && old !== path && { previousPath: old }),
      isBinary: file.isBinary === true,
      isDeleted: path === old && (file.isDelete === true || now === undefined),
      shown: { old: spans.map(({ shown }) => shown.old), new: spans.map(({ shown }) => shown.new) },
      changed: { old: spans.flatMap(({ old }) => old), new: spans.flatMap((each) => each.new) }
    }
    return [read]
  })
  if (files.length === 0) {
    return refuse("Empty", "changes no file", "Give the difference between two commits that differ.")
  }
  const byPath = [...Map.groupBy(files, ({ path }) => path)].map(([path, all]) => [path, together(all)] as const)
  return Result.succeed({ files: new Map(byPath) })
}

/** Git tells of one file twice where it becomes a link, or where a patch has several commits. */
const together = (all: ReadonlyArray<PatchFile>): PatchFile => {
  const sides = (of: "shown" | "changed") => ({
    old: all.flatMap((each) => each[of].old),
    new: all.flatMap((each) => each[of].new)
  })
  return {
    ...all.reduce((before, file) => ({ ...before, ...file })),
    isBinary: all.every(({ isBinary }) => isBinary),
    isDeleted: all.every(({ isDeleted }) => isDeleted),
    shown: sides("shown"),
    changed: sides("changed")
  }
}

const refuse = (reason: PatchError["reason"], what: string, mend: string): Result.Result<never, PatchError> =>
  Result.fail(new PatchError({ reason, message: `The patch ${what}. ${mend}` }))

const nameOf = (name: string | undefined, prefix: string): string | undefined =>
  name === undefined || name === "/dev/null" ? undefined : name.startsWith(prefix) ? name.slice(2) : name

interface Hunk {
  readonly oldStart: number
  readonly oldLines: number
  readonly newStart: number
  readonly newLines: number
  readonly lines: ReadonlyArray<string>
}

const spansOf = ({ lines, newLines, newStart, oldLines, oldStart }: Hunk) => {
  const changed: Record<Side, Array<{ from: number; to: number }>> = { old: [], new: [] }
  const add = (side: Side, line: number) => {
    const last = changed[side].at(-1)
    if (last?.to === line - 1) last.to = line
    else changed[side].push({ from: line, to: line })
  }
  let [before, after] = [oldStart, newStart]
  for (const line of lines) {
    if (line.startsWith("+")) add("new", after++)
    else if (line.startsWith("-")) add("old", before++)
    else if (!line.startsWith("\\")) {
      before++
      after++
    }
  }
  const shown = {
    old: { from: oldStart, to: oldStart + oldLines - 1 },
    new: { from: newStart, to: newStart + newLines - 1 }
  }
  return { ...changed, shown }
}

/** A place in a change. */
export interface Place {
  readonly path: string
  readonly line: number
  /** Default: `line`. */
  readonly endLine?: number
  /** Default: `new`. */
  readonly side?: Side
}

const holds = ({ from, to }: Span, line: number): boolean => from <= line && line <= to

/** Why a place is not one that the patch changed; `undefined` where it is. Both ends are changed lines, in one hunk. */
export const objection = ({ files }: Patch, { endLine, line, path, side = "new" }: Place): string | undefined => {
  const file = files.get(path)
  const name = JSON.stringify(path)
  if (file === undefined) {
    const renamed = [...files.values()].find(({ previousPath }) => previousPath === path)
    return renamed === undefined
      ? `the change has no file ${name}`
      : `${name} is called ${JSON.stringify(renamed.path)} after the change`
  }
  if (path.includes("\ufffd")) return `the name of ${name} is not UTF-8, so nobody can tell which file it is`
  if (file.isBinary) return `${name} is binary and has no lines`
  if (file.isDeleted && side === "new") return `${name} is deleted; its lines are those of the side "old"`
  const last = endLine ?? line
  const outside = [line, last].find((each) => !file.changed[side].some((span) => holds(span, each)))
  if (outside !== undefined) {
    return `line ${outside} of ${name} on the side "${side}" is not changed${nearest(file.changed[side], outside)}`
  }
  return file.shown[side].some((span) => holds(span, line) && holds(span, last))
    ? undefined
    : `lines ${line} to ${last} of ${name} are not in one hunk`
}

const nearest = (spans: ReadonlyArray<Span>, line: number): string => {
  const distance = ({ from, to }: Span) => Math.max(from - line, line - to)
  const [first, ...rest] = spans
  if (first === undefined) return "; no line of it is"
  const span = rest.reduce((best, each) => (distance(each) < distance(best) ? each : best), first)
  return `; the nearest that are: ${span.from === span.to ? span.from : `${span.from} to ${span.to}`}`
}
