/**
 * Where a note lies in the tree of a notes ref. Git cuts the id of what a note is about into folders of two characters, more of
 * them the more notes there are: `9f3c…`, `9f/3c…`, `9f/3c/…`, all in one tree where several tools wrote it.
 */
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as NoteFault from "./NoteFault.ts"
import * as NoteObjects from "./NoteObjects.ts"

/** Where a notes ref stands now. */
export interface Tip {
  readonly ref: string
  /** The commit that it stands on; none where there is no such ref. */
  readonly commit: string | undefined
  /** How many characters ids have in this repository: 40, or 64 with SHA-256. */
  readonly idLength: number
}

/** A note that is there. */
export interface Placed {
  readonly path: string
  readonly blob: string
  readonly bytes: Uint8Array
}

/** The notes on one id, and where one more would be put. */
export interface Place {
  /** More than one where tools disagreed about folders; git reads them together. */
  readonly notes: ReadonlyArray<Placed>
  readonly free: string
}

type Failure = Git.GitError | NoteFault.NotesError

/** Where the ref stands. */
export const tip = Effect.fnUntraced(function* (
  dir: string,
  ref: string
): Effect.fn.Return<Tip, Failure, ChildProcessSpawner> {
  yield* NoteFault.checkRef(ref)
  const format = "--format=%(refname)%00%(objectname)%00%(objecttype)%00%(symref)"
  const said = new TextDecoder().decode(yield* Git.run({ dir, args: ["for-each-ref", format, ref] }))
  const [, commit = "", type = "", symbolic = ""] =
    said
      .split("\n")
      .map((line) => line.split("\0"))
      .find(([name]) => name === ref) ?? []
  if (commit === "") {
    const kind = yield* Git.run({ dir, args: ["rev-parse", "--show-object-format"] })
    return { ref, commit: undefined, idLength: new TextDecoder().decode(kind).trim() === "sha256" ? 64 : 40 }
  }
  if (type === "commit" && symbolic === "") return { ref, commit, idLength: commit.length }
  return yield* new NoteFault.NotesError({
    reason: "NotNotes",
    message: `${ref} of ${dir} ${symbolic === "" ? `is a ${type} and no commit` : `is another name of ${symbolic}`}. Notes are written to a ref of their own: remove it (\`git update-ref --no-deref -d ${ref}\`) or take another name.`
  })
})

/** The path of a note below so many folders. */
const pathAt = (id: string, depth: number): string =>
  [...Array.from({ length: depth }, (_, index) => id.slice(2 * index, 2 * index + 2)), id.slice(2 * depth)].join("/")

/** Git cuts no further than to one more byte. */
const deepest = (id: string): number => id.length / 2 - 1

/** With more notes than this in one folder, the next one goes into a folder below it. */
const crowded = 256

const isFolder = ({ mode, name }: NoteObjects.Entry): boolean => mode === "40000" && /^[0-9a-f]{2}$/.test(name)
const isNote = ({ mode, name }: NoteObjects.Entry, length: number): boolean =>
  mode !== "40000" && name.length === length && /^[0-9a-f]+$/.test(name)

/** The notes on one id. */
export const locate = Effect.fnUntraced(function* (
  dir: string,
  { commit, idLength }: Tip,
  id: string
): Effect.fn.Return<Place, Failure, ChildProcessSpawner> {
  yield* NoteFault.checkId(id, idLength)
  const notes: Array<Placed> = []
  if (commit === undefined) return { notes, free: id }
  // Four levels are asked for at once; nobody has been seen with more.
  for (let from = 0, free = -1, isDone = false; ; from += 4) {
    const depths = Array.from({ length: 4 }, (_, index) => from + index).filter((depth) => depth <= deepest(id))
    const folder = (depth: number) => pathAt(id, depth).slice(0, Math.max(0, 3 * depth - 1))
    const asked = depths.flatMap((depth) => [`${commit}:${folder(depth)}`, `${commit}:${pathAt(id, depth)}`])
    const objects = yield* NoteObjects.read(dir, asked)
    if (objects === "too-large") return yield* NoteFault.tooLarge(dir, `The note on ${id}`)
    for (const [index, depth] of depths.entries()) {
      const [tree, blob] = objects.slice(2 * index, 2 * index + 2)
      if (tree === undefined) return yield* NoteFault.unreadable(dir, `The folder "${folder(depth)}"`)
      const entries = NoteObjects.entries(tree.bytes, idLength)
      const rest = id.slice(2 * depth)
      const note = entries.find((entry) => entry.name === rest && isNote(entry, rest.length))
      if (note !== undefined) {
        if (blob === undefined) return yield* NoteFault.unreadable(dir, `The note on ${id}`)
        notes.push({ path: pathAt(id, depth), blob: note.id, bytes: blob.bytes })
      }
      const isCrowded =
        entries.some(isFolder) || entries.filter((entry) => isNote(entry, rest.length)).length >= crowded
      if (free === -1 && !isCrowded) free = depth
      isDone = depth === deepest(id) || !entries.some((entry) => isFolder(entry) && entry.name === rest.slice(0, 2))
      if (isDone) return { notes, free: pathAt(id, free === -1 ? Math.min(depth + 1, deepest(id)) : free) }
    }
  }
})

/** A path of a notes tree that is a note, as the id that it is about; otherwise `undefined`. */
export const idOf = (path: string, idLength: number): string | undefined => {
  const id = path.replaceAll("/", "")
  return id.length === idLength && /^(?:[0-9a-f]{2}\/)*[0-9a-f]+$/.test(path) ? id : undefined
}

/** One path of a notes tree. It is latin1, as `Entry` has names. */
export interface Listed {
  readonly path: string
  readonly blob: string
}

/** All paths of a commit of notes. */
export const list = Effect.fnUntraced(function* (
  dir: string,
  commit: string | undefined,
  under: ReadonlyArray<string> = []
): Effect.fn.Return<ReadonlyArray<Listed>, Git.GitError, ChildProcessSpawner> {
  if (commit === undefined) return []
  const args = ["ls-tree", "-r", "-z", "--full-tree", commit, "--", ...under]
  const said = Buffer.from(yield* Git.run({ dir, args })).toString("latin1")
  return said
    .split("\0")
    .slice(0, -1)
    .map((entry) => ({ path: entry.slice(entry.indexOf("\t") + 1), blob: entry.split(/[ \t]/)[2] ?? "" }))
})
