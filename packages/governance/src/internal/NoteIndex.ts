/**
 * By what a commit with a note is found again: paths in the same tree as the notes, which git takes for no notes and leaves alone.
 * `millwright/<kind>/<ab>/<rest of the mark>/<commit>` says that the commit has the mark, and
 * `millwright/carried/<ab>/<rest of the new commit>/<old commit>` that the note of one was carried to the other. Each is said by its path
 * alone, so writing one twice, or on two sides, is the same as once.
 */
import type * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as CommitMark from "./CommitMark.ts"
import * as NoteObjects from "./NoteObjects.ts"
import * as NoteTree from "./NoteTree.ts"
import type * as NoteWrite from "./NoteWrite.ts"

/** Where a mark is written down. */
export type Kind = "patch" | "squash" | "tree" | "authored" | "carried"

/** The note of one commit, on another. */
export interface Carried {
  readonly from: string
  readonly to: string
  readonly approximate: boolean
}

const folder = (kind: Kind, mark: string): string => `millwright/${kind}/${mark.slice(0, 2)}/${mark.slice(2)}`

/** Says that a commit has a mark. */
export const put = (kind: Kind, mark: string, commit: string): NoteWrite.Put => ({
  path: `${folder(kind, mark)}/${commit}`,
  content: new TextEncoder().encode("exact\n")
})

/** Says that the note of one commit was carried to another, and whether that one does the same. */
export const carried = ({ approximate, from, to }: Carried): NoteWrite.Put => {
  const said = put("carried", to, from)
  return approximate ? { ...said, content: new TextEncoder().encode("approximate\n") } : said
}

/** Says by what one commit is found. */
export const puts = ({ authored, id, patch, tree }: CommitMark.Mark): ReadonlyArray<NoteWrite.Put> => [
  ...(patch === undefined ? [] : [put("patch", patch, id)]),
  put("tree", tree, id),
  put("authored", authored, id)
]

/** A commit that has a mark, and the blob with what is said of it. */
export interface Marked {
  readonly commit: string
  readonly blob: string
}

/** The commits that have these marks, in the order of the marks. */
export const look = Effect.fnUntraced(function* (
  dir: string,
  head: string | undefined,
  marks: ReadonlyArray<readonly [kind: Kind, mark: string]>
): Effect.fn.Return<ReadonlyArray<ReadonlyArray<Marked>>, Git.GitError, ChildProcessSpawner> {
  const folders = marks.map(([kind, mark]) => folder(kind, mark))
  const listed = folders.length === 0 ? [] : yield* NoteTree.list(dir, head, folders)
  return folders.map((folder) =>
    listed.flatMap(({ blob, path }) => {
      const commit = path.slice(folder.length + 1)
      return path.startsWith(`${folder}/`) && /^[0-9a-f]{40,64}$/.test(commit) ? [{ commit, blob }] : []
    })
  )
})

/** What of it is not said yet. */
export const missing = Effect.fnUntraced(function* (
  dir: string,
  head: string | undefined,
  puts: ReadonlyArray<NoteWrite.Put>
): Effect.fn.Return<ReadonlyArray<NoteWrite.Put>, Git.GitError, ChildProcessSpawner> {
  if (puts.length === 0) return puts
  const folders = [...new Set(puts.map(({ path }) => path.slice(0, path.lastIndexOf("/"))))]
  // The arguments of a process have a limit.
  const under = folders.length > 1_000 ? ["millwright"] : folders
  const known = new Set((yield* NoteTree.list(dir, head, under)).map(({ path }) => path))
  return puts.filter(({ path }) => !known.has(path))
})

/** What was carried to some commits: the commits that it came from, and which of the former have something that is not the same any more. */
export const carriedTo = Effect.fnUntraced(function* (
  dir: string,
  head: string | undefined,
  commits: ReadonlyArray<string>
) {
  const looked = yield* look(
    dir,
    head,
    commits.map((commit) => ["carried", commit])
  )
  const all = commits.flatMap((to, index) =>
    (looked[index] ?? []).map(({ blob, commit }) => ({ to, from: commit, blob }))
  )
  const said = yield* NoteObjects.read(
    dir,
    all.map(({ blob }) => blob)
  )
  const isExact = (index: number): boolean => {
    const object = said === "too-large" ? undefined : said[index]
    return object !== undefined && new TextDecoder().decode(object.bytes).trim() === "exact"
  }
  return {
    from: all.map(({ from }) => from),
    approximate: new Set(all.filter((_, index) => !isExact(index)).map(({ to }) => to))
  }
})
