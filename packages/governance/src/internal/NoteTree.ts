/**
 * Where a note lies in the tree of a notes ref. Git cuts the id of what a note is about into folders of two characters, more of
 * them the more notes there are: `9f3c…`, `9f/3c…`, `9f/3c/…`, all in one tree where several tools wrote it.
 */
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as NoteFault from "./NoteFault.ts"
import * as NoteObjects from "./NoteObjects.ts"

/** Where a notes ref stands now: on which commit, or `undefined` where there is no such ref. */
export interface Tip {
  readonly head: string | undefined
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

const notNotes = (dir: string, ref: string, is: string): NoteFault.NotesError =>
  new NoteFault.NotesError({
    reason: "NotNotes",
    message: `${ref} of ${dir} is ${is}. Notes are written to a ref of their own: remove it (\`git update-ref --no-deref -d ${ref}\`), or take another name.`
  })

/**
 * Where the ref stands. What git takes a name for that is no ref is left out: a branch called `refs/notes/review`, which whoever may push
 * branches can make, is none of notes. Fails with `NotNotes` where it is another name of a ref: a write would move that one.
 */
export const tip = Effect.fnUntraced(function* (
  dir: string,
  ref: string
): Effect.fn.Return<Tip, Failure, ChildProcessSpawner> {
  yield* NoteFault.checkRef(ref)
  const format = "--format=%(refname)%00%(objectname)%00%(objecttype)%00%(symref)"
  const said = new TextDecoder().decode(yield* Git.run({ dir, args: ["for-each-ref", format, ref] }))
  const [, commit, type = "", symbolic = ""] =
    said
      .split("\n")
      .map((line) => line.split("\0"))
      .find(([name]) => name === ref) ?? []
  if (commit === undefined) return { head: undefined }
  if (symbolic !== "") return yield* notNotes(dir, ref, `another name of ${symbolic}`)
  return type === "commit" ? { head: commit } : yield* notNotes(dir, ref, `a ${type} and no commit`)
})

/** The path of a note below so many folders. */
export const pathAt = (id: string, depth: number): string =>
  [...Array.from({ length: depth }, (_, index) => id.slice(2 * index, 2 * index + 2)), id.slice(2 * depth)].join("/")

/** Git cuts no further than to one more byte. */
const deepest = (id: string): number => id.length / 2 - 1

/** With more notes than this in one folder, the next one goes into a folder below it. */
const crowded = 256

const isFolder = ({ mode, name }: NoteObjects.Entry): boolean => mode === "40000" && /^[0-9a-f]{2}$/.test(name)
const isNote = ({ mode, name }: NoteObjects.Entry, length: number): boolean =>
  mode !== "40000" && name.length === length && /^[0-9a-f]+$/.test(name)

/** The folder in which the note would lie; the root is "". */
const folderAt = (id: string, depth: number): string => pathAt(id, depth).slice(0, Math.max(0, 3 * depth - 1))

/** Every SHA-256 repository knows the empty tree by this id, and no other repository does. */
const emptyTree = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"

/** How long ids are in the repository. */
const idLength = Effect.fnUntraced(function* (dir: string, { head }: Tip) {
  if (head !== undefined) return head.length
  const found = yield* NoteObjects.read(dir, [emptyTree])
  return found[0] === undefined ? 40 : 64
})

/** The folders of a commit of notes in which a note can lie, and the note, in one process, so that waiting writers wait for less. */
const look = Effect.fnUntraced(function* (
  dir: string,
  { head, id }: { readonly head: string; readonly id: string },
  from: number
) {
  // Nobody has been seen with more than four levels.
  const depths = Array.from({ length: 4 }, (_, index) => from + index).filter((depth) => depth <= deepest(id))
  const asked = depths.flatMap((depth) => [`${head}:${folderAt(id, depth)}`, `${head}:${pathAt(id, depth)}`])
  const objects = yield* NoteObjects.read(dir, asked)
  if (objects === "too-large") return yield* NoteFault.tooLarge(dir, `The note on ${id}`)
  return depths.map((depth, index) => ({ depth, folder: objects[2 * index], blob: objects[2 * index + 1] }))
})

/** The notes on one id, in the commit that a ref of notes stands on ({@link tip}). */
export const locate = Effect.fnUntraced(function* (
  dir: string,
  of: Tip & { readonly id: string }
): Effect.fn.Return<Place, Failure, ChildProcessSpawner> {
  const { head } = of
  const length = yield* idLength(dir, of)
  const id = yield* NoteFault.checkId(of.id, length)
  if (head === undefined) return { notes: [], free: id }
  const notes: Array<Placed> = []
  for (let from = 0, free = -1; ; from += 4) {
    for (const { blob, depth, folder } of yield* look(dir, { head, id }, from)) {
      if (folder === undefined) return yield* NoteFault.unreadable(dir, `The folder "${folderAt(id, depth)}"`)
      const entries = NoteObjects.entries(folder.bytes, length)
      const rest = id.slice(2 * depth)
      if (entries.some((entry) => entry.name === rest && isNote(entry, rest.length))) {
        if (blob === undefined) return yield* NoteFault.unreadable(dir, `The note on ${id}`)
        notes.push({ path: pathAt(id, depth), blob: blob.id, bytes: blob.bytes })
      }
      const isCrowded =
        entries.some(isFolder) || entries.filter((entry) => isNote(entry, rest.length)).length >= crowded
      if (free === -1 && !isCrowded) free = depth
      const isLast = !entries.some((entry) => isFolder(entry) && entry.name === rest.slice(0, 2))
      if (isLast || depth === deepest(id)) {
        return { notes, free: pathAt(id, free === -1 ? Math.min(depth + 1, deepest(id)) : free) }
      }
    }
  }
})

/** A path of a notes tree that is a note, as the id that it is about; otherwise `undefined`. */
export const idOf = (path: string, idLength: number | undefined): string | undefined => {
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
  return said.split("\0").flatMap((entry) => {
    const [, type, blob] = entry.split(/[ \t]/, 3)
    return type === "blob" && blob !== undefined ? [{ path: entry.slice(entry.indexOf("\t") + 1), blob }] : []
  })
})
