/**
 * Finds the notes of a commit also where it was rewritten after they were written: amended, rebased, cherry-picked, or squashed by a
 * forge's button. Notes are found by what a commit is, its patch and its tree, so nobody has to repair anything when a forge made the new
 * commit, and a fresh clone needs no old one.
 *
 * For that, what a commit is has to be written down beside its note while the commit is there: {@link bind} does, and so do
 * `ConversationNote.write` and `NoteCarry.carry`.
 */
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as CommitMark from "./internal/CommitMark.ts"
import * as NoteIndex from "./internal/NoteIndex.ts"
import * as NoteTree from "./internal/NoteTree.ts"
import * as NoteWrite from "./internal/NoteWrite.ts"
import * as Notes from "./Notes.ts"

/**
 * How a note was found, from the surest: it stands on the commit, on one with the same patch, on one of several with the same patch
 * together, on one with the same tree, or on one with the same author, time and subject.
 */
export type By = "commit" | "patch" | "squash" | "tree" | "authored"

/** A note that belongs to a commit. */
export interface Found {
  /** The commit that it stands on. It may be gone. */
  readonly commit: string
  readonly by: By
  /** It was written for another content: the commit was changed when it was rewritten. */
  readonly approximate: boolean
  readonly bytes: Uint8Array
}

/** What {@link find} found. */
export interface Lookup {
  readonly notes: ReadonlyArray<Found>
  /** Commits that this one takes back, line by line; their notes are not its own. */
  readonly reverts: ReadonlyArray<string>
}

/** What {@link bind} writes down. */
export interface Binding extends NoteWrite.Writing {
  readonly ref: string
  /** The branch that it goes back to, or where it left that. Any revision; what counts is where the two parted. */
  readonly base: string
  readonly head: string
}

/**
 * Writes down what the commits of a branch are, each by itself and all together, so that their notes are found on the one commit that a
 * forge squashes them into. Call it when a change is handed in, and again when it changed. Answers with whether something was new.
 */
export const bind = Effect.fnUntraced(function* (
  dir: string,
  options: Binding
): Effect.fn.Return<boolean, Notes.Failure, ChildProcessSpawner | FileSystem.FileSystem> {
  const [target, head] = yield* Effect.all([Git.resolve(dir, options.base), Git.resolve(dir, options.head)])
  const base = yield* CommitMark.parting(dir, target, head)
  const marks = yield* CommitMark.of(dir, yield* CommitMark.between(dir, base, head))
  const all = (yield* CommitMark.patchIds(dir, [`${head} ${base}`])).get(head)
  const puts = marks.flatMap((mark) => [
    ...NoteIndex.puts(mark),
    ...(all === undefined ? [] : [NoteIndex.put("squash", all, mark.id)])
  ])
  return yield* NoteWrite.change(dir, options, (head) =>
    Effect.map(NoteIndex.missing(dir, head, puts), (missing) =>
      missing.length === 0 ? undefined : { message: "Notes bound by millwright\n", puts: missing }
    )
  )
})

/**
 * The notes of a commit, which has to be here: those that stand on it, and those of the commits that it was made from, the surest first,
 * and those that are as sure in the order of ids.
 * A commit that comes before it with the same tree is not one that it was made from: what lies between was taken back.
 */
export const find = Effect.fnUntraced(function* (
  dir: string,
  options: Notes.Address
): Effect.fn.Return<Lookup, Notes.Failure, ChildProcessSpawner> {
  const { ref } = options
  const commit = yield* Git.resolve(dir, options.commit)
  const { head } = yield* NoteTree.tip(dir, ref)
  const [mark] = yield* CommitMark.of(dir, [commit])
  if (head === undefined || mark === undefined) return { notes: [], reverts: [] }
  const reverted = (yield* CommitMark.patchIds(dir, [commit], "back")).get(commit)
  const looked = yield* NoteIndex.look(dir, head, [
    ["patch", mark.patch ?? "none"],
    ["squash", mark.patch ?? "none"],
    ["tree", mark.tree],
    ["authored", mark.authored],
    ["patch", reverted ?? "none"]
  ])
  const [samePatch = [], squashed = [], sameTree = [], sameAuthor = [], reverts = []] = looked
  const candidates = [...samePatch, ...squashed, ...sameTree, ...sameAuthor].map((each) => each.commit)
  // What was carried to one of them is in its note already, and is there as good as it was carried.
  const carried = yield* NoteIndex.carriedTo(dir, head, [commit, ...candidates])
  const seen = new Set([commit, ...carried.from])
  const notes: Array<Found> = []
  const take = Effect.fnUntraced(function* (from: string, by: By) {
    const note = yield* Notes.read(dir, { ref, commit: from })
    const approximate = by === "authored" || carried.approximate.has(from)
    if (Option.isSome(note)) notes.push({ commit: from, by, approximate, bytes: note.value })
  })
  yield* take(commit, "commit")
  for (const { by, from } of [
    ...samePatch.map((from) => ({ by: "patch" as const, from })),
    ...squashed.map((from) => ({ by: "squash" as const, from }))
  ]) {
    if (seen.has(from.commit)) continue
    seen.add(from.commit)
    yield* take(from.commit, by)
  }
  for (const [by, marked] of [
    ["tree", sameTree],
    ["authored", sameAuthor]
  ] as const) {
    // The patch says what a commit was made from; these only say what else it could have been.
    if (notes.length > 0) break
    for (const { commit: from } of marked) {
      if (seen.has(from) || (yield* CommitMark.isAncestor(dir, from, commit))) continue
      seen.add(from)
      yield* take(from, by)
    }
  }
  return { notes, reverts: reverts.map((each) => each.commit).filter((each) => each !== commit) }
})
