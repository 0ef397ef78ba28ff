/**
 * Who wrote each line of a file as it is now: git says which commit left the line as it is, and the authorship note of that commit says
 * whose it was there. A note is asked only for lines that git finds in its commit, so it can not claim those of others. Where there is
 * no note, or none that speaks of the line, nobody knows.
 *
 * ```ts
 * import * as Blame from "@millwright/governance/Blame"
 * import * as LineOwners from "@millwright/governance/LineOwners"
 * import * as Effect from "effect/Effect"
 *
 * export const byAgents = Effect.fn(function* (dir: string) {
 *   const { files } = yield* Blame.make(dir, { rev: "HEAD", paths: ["src/main.ts"] })
 *   const { agent, lines, unknown } = LineOwners.summary(LineOwners.make(files))
 *   return `${agent} of ${lines} lines are by agents; of ${unknown} nobody knows`
 * })
 * ```
 */
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as AuthorshipNote from "./AuthorshipNote.ts"
import * as BlameLines from "./internal/BlameLines.ts"
import * as LineOwners from "./LineOwners.ts"
import * as Notes from "./Notes.ts"

/** Lines that one commit left as they are, by one owner. */
export interface BlamedRange extends LineOwners.Range {
  /** Its full id. */
  readonly commit: string
}

/** The lines of one file; every one of them is in a range. */
export interface BlamedFile {
  readonly path: string
  readonly ranges: ReadonlyArray<BlamedRange>
  /** It is no text: it has no lines. */
  readonly isBinary: boolean
}

/** Who wrote each line of files, as they are at a commit. */
export interface Blame {
  /** The full id of the commit. */
  readonly commit: string
  readonly files: ReadonlyArray<BlamedFile>
  /** How many commits left lines as they are, and how many of those have an authorship note. */
  readonly commits: { readonly all: number; readonly noted: number }
  /** What is wrong with those notes, by commit; what could be understood of them was used. */
  readonly problems: ReadonlyMap<string, ReadonlyArray<AuthorshipNote.Problem>>
}

/** What is asked for. */
export interface Asked {
  readonly rev: string
  /** From the root of the repository, as git has them. */
  readonly paths: ReadonlyArray<string>
}

/**
 * Who wrote each line of files, as they are at a revision. Fails with `NoSuchPath` where the revision has no such file, and with `Failed`
 * where the repository is configured to leave commits out (`blame.ignoreRevsFile`).
 */
export const make = Effect.fnUntraced(function* (
  dir: string,
  { paths, rev }: Asked
): Effect.fn.Return<Blame, Notes.Failure, ChildProcessSpawner> {
  const commit = yield* Git.resolve(dir, rev)
  const blamed = yield* BlameLines.of(dir, { commit, paths })
  const commits = new Set(blamed.flatMap(({ lines = [] }) => lines.map(({ commit }) => commit)))
  const listed = (yield* Notes.list(dir, AuthorshipNote.ref)).filter((note) => commits.has(note.commit))
  const readings = (yield* Notes.readAll(dir, listed)).map(
    ({ bytes, commit }) => [commit, AuthorshipNote.read(bytes)] as const
  )
  const claims = new Map(readings.map(([commit, { note }]) => [commit, claimsOf(note)]))
  return {
    commit,
    files: blamed.map(({ lines, path }) => ({
      path,
      ranges: ranged(lines ?? [], claims),
      isBinary: lines === undefined
    })),
    commits: { all: commits.size, noted: readings.length },
    problems: new Map(readings.flatMap(([commit, { problems }]) => (problems.length > 0 ? [[commit, problems]] : [])))
  }
})

type Claims = ReadonlyMap<string, ReadonlyArray<LineOwners.Range>>

const claimsOf = (note: AuthorshipNote.AuthorshipNote): Claims =>
  new Map(AuthorshipNote.owners(note).files.map(({ path, ranges }) => [path, ranges]))

/** The range that has a line, of ranges in order. */
const rangeAt = (ranges: ReadonlyArray<LineOwners.Range>, line: number): LineOwners.Range | undefined => {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ranges[middle]?.last ?? 0) < line) low = middle + 1
    else high = middle
  }
  const range = ranges[low]
  return range !== undefined && range.first <= line ? range : undefined
}

const ranged = (
  lines: ReadonlyArray<BlameLines.BlamedLine>,
  claims: ReadonlyMap<string, Claims>
): ReadonlyArray<BlamedRange> => {
  const ranges: Array<BlamedRange> = []
  for (const [at, { commit, line, path }] of lines.entries()) {
    const owner = rangeAt(claims.get(commit)?.get(path) ?? [], line)?.owner ?? LineOwners.unknown
    const before = ranges.at(-1)
    const goesOn = before?.commit === commit && before.owner === owner
    if (goesOn) ranges.pop()
    ranges.push({ first: goesOn ? before.first : at + 1, last: at + 1, owner, commit })
  }
  return ranges
}
