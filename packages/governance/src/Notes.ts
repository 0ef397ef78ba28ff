/**
 * Git notes, written by compare-and-swap. What `git notes` writes, this reads, and the other way round; but where two of `git notes
 * add` at the same time lose one of the notes with exit code 0, here the later one reads what the earlier one wrote, and tries again.
 *
 * A note is bytes. It is about an id, and needs no object of that id: notes outlive rewritten commits. Nothing that the repository
 * configures has a say, as in core's `Git`.
 */
import type * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as CommitMark from "./internal/CommitMark.ts"
import * as NoteFault from "./internal/NoteFault.ts"
import * as NoteIndex from "./internal/NoteIndex.ts"
import * as NoteObjects from "./internal/NoteObjects.ts"
import * as NoteTree from "./internal/NoteTree.ts"
import * as NoteWrite from "./internal/NoteWrite.ts"

export {
  /** The most bytes of one note. */
  largest,
  /** Notes can not be read or written as they were asked for. */
  NotesError
} from "./internal/NoteFault.ts"
export type {
  /** How changes of notes are written. */
  Writing
} from "./internal/NoteWrite.ts"

/** What notes fail with: their own faults, and git's. */
export type Failure = Git.GitError | NoteFault.NotesError

/** One note: a ref below `refs/notes/`, and the whole id of what it is about, as `Git.resolve` gives it. */
export interface Address {
  readonly ref: string
  readonly commit: string
}

/** As git reads several notes on one id: one after the other, with an empty line between. */
const together = (notes: ReadonlyArray<NoteTree.Placed>): Option.Option<Uint8Array> => {
  const distinct = notes.filter(({ blob }, index) => notes.findIndex((other) => other.blob === blob) === index)
  const [first, ...rest] = distinct.map(({ bytes }) => bytes)
  if (first === undefined) return Option.none()
  const withoutEnd = (bytes: Uint8Array) => (bytes.at(-1) === 10 ? bytes.subarray(0, -1) : bytes)
  return Option.some(rest.reduce((all, next) => Buffer.concat([withoutEnd(all), Buffer.from("\n\n"), next]), first))
}

/** The note on a commit, or none. */
export const read = Effect.fnUntraced(function* (
  dir: string,
  { commit, ref }: Address
): Effect.fn.Return<Option.Option<Uint8Array>, Failure, ChildProcessSpawner> {
  const { head } = yield* NoteTree.tip(dir, ref)
  return together((yield* NoteTree.locate(dir, { head, id: commit })).notes)
})

/** What {@link update} does. */
export interface Update extends Address, NoteWrite.Writing {
  /** What the note shall be, from what it is now. It is called again each time that another writer was first. */
  readonly merge: (current: Option.Option<Uint8Array>) => string | Uint8Array
  /** Also writes down what the commit is, for `NoteLookup`. The commit has to be here. Default: false. */
  readonly bind?: boolean
}

/**
 * Writes the note on a commit, from what it is now. Answers with whether it was another one before. An empty note is a note.
 *
 * Fails with `Contended` when others were first each time, and then nothing is written.
 */
export const update = Effect.fnUntraced(function* (
  dir: string,
  options: Update
): Effect.fn.Return<boolean, Failure, ChildProcessSpawner | FileSystem.FileSystem> {
  const marks = options.bind === true ? yield* CommitMark.of(dir, [yield* NoteFault.checkId(options.commit)]) : []
  const bound = marks.flatMap(NoteIndex.puts)
  const plan = Effect.fnUntraced(function* (head: string | undefined) {
    const { free, notes } = yield* NoteTree.locate(dir, { head, id: options.commit })
    const current = together(notes)
    const made = options.merge(current)
    const content = typeof made === "string" ? new TextEncoder().encode(made) : made
    if (content.length > NoteFault.largest) return yield* NoteFault.tooLarge(dir, `The note on ${options.commit}`)
    const isSame = notes.length === 1 && Option.isSome(current) && Buffer.from(current.value).equals(content)
    const missing = isSame ? yield* NoteIndex.missing(dir, head, bound) : bound
    if (isSame && missing.length === 0) return undefined
    const [kept = free, ...others] = notes.map(({ path }) => path)
    return {
      message: "Notes added by millwright\n",
      puts: [{ path: kept, content }, ...others.map((path) => ({ path, content: undefined })), ...missing]
    }
  })
  return yield* NoteWrite.change(dir, options, plan)
})

/** Takes the note off a commit. Answers with whether there was one. */
export const remove = (
  dir: string,
  options: Address & NoteWrite.Writing
): Effect.Effect<boolean, Failure, ChildProcessSpawner | FileSystem.FileSystem> =>
  NoteWrite.change(
    dir,
    options,
    Effect.fnUntraced(function* (head) {
      const { notes } = yield* NoteTree.locate(dir, { head, id: options.commit })
      if (notes.length === 0) return undefined
      return {
        message: "Notes removed by millwright\n",
        puts: notes.map(({ path }) => ({ path, content: undefined }))
      }
    })
  )

/** A note of a ref, unread. */
export interface Listed {
  /** The id that it is about. */
  readonly commit: string
  /** The object that holds it, for {@link readAll}. */
  readonly blob: string
}

/** The notes of a ref, in the order of ids; none where there is no such ref. */
export const list = Effect.fnUntraced(function* (
  dir: string,
  ref: string
): Effect.fn.Return<ReadonlyArray<Listed>, Failure, ChildProcessSpawner> {
  const tip = yield* NoteTree.tip(dir, ref)
  return (yield* NoteTree.list(dir, tip.head))
    .flatMap(({ blob, path }) => {
      const commit = NoteTree.idOf(path, tip.head?.length)
      return commit === undefined ? [] : [{ commit, blob }]
    })
    .sort((a, b) => (a.commit < b.commit ? -1 : a.commit > b.commit ? 1 : 0))
})

/** Reads many notes that {@link list} named, in their order, in few processes. */
export const readAll = Effect.fnUntraced(function* (
  dir: string,
  notes: ReadonlyArray<Listed>
): Effect.fn.Return<
  ReadonlyArray<{ readonly commit: string; readonly bytes: Uint8Array }>,
  Failure,
  ChildProcessSpawner
> {
  const found: Array<{ readonly commit: string; readonly bytes: Uint8Array }> = []
  let size = 500
  for (let at = 0; at < notes.length;) {
    const some = notes.slice(at, at + size)
    const objects = yield* NoteObjects.read(
      dir,
      some.map(({ blob }) => blob)
    )
    if (objects === "too-large") {
      if (size === 1) return yield* NoteFault.tooLarge(dir, `The note on ${some[0]?.commit ?? ""}`)
      size = Math.ceil(size / 10)
      continue
    }
    for (const [index, { commit }] of some.entries()) {
      const object = objects[index]
      if (object === undefined) return yield* NoteFault.unreadable(dir, `The note on ${commit}`)
      found.push({ commit, bytes: object.bytes })
    }
    at += some.length
  }
  return found
})
