/**
 * Carries notes from commits to what they became: after an amend, a rebase, a cherry-pick or a squash that was made where the old commits
 * still are (git keeps them for weeks: `HEAD@{1}`, `ORIG_HEAD`). `NoteLookup.find` finds them without; carrying puts them where
 * `git notes show` and every other tool see them too.
 *
 * The old notes stay where they are. What was carried to a commit with another content is marked as approximate, and what became of
 * nothing is said.
 */
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as CommitMark from "./internal/CommitMark.ts"
import * as NoteFault from "./internal/NoteFault.ts"
import * as NoteIndex from "./internal/NoteIndex.ts"
import * as NoteTree from "./internal/NoteTree.ts"
import * as NoteUnion from "./internal/NoteUnion.ts"
import * as NoteWrite from "./internal/NoteWrite.ts"
import * as Rewrite from "./internal/Rewrite.ts"
import * as Notes from "./Notes.ts"

/** How it was told what a commit became: same patch, same tree, same patch of several together, same author, time and subject, or most of its lines. */
export type How = Rewrite.How

/** What is carried, and where to. */
export interface Carrying extends NoteWrite.Writing {
  readonly ref: string
  /** The head before the commits were rewritten: `HEAD@{1}`, `ORIG_HEAD`, an id. */
  readonly from: string
  /** The head that has the new commits. */
  readonly to: string
  /** Where both begin. Default: where `to` and `from` parted. */
  readonly base?: string
  /** Makes one note of two. Default: one after the other. */
  readonly merge?: NoteUnion.Merge
}

/** The note of an old commit, on the commit that it became. */
export interface Carried {
  readonly from: string
  readonly to: string
  readonly how: How
  /** The new commit does something else than the old one did, more or less. */
  readonly approximate: boolean
}

/** What {@link carry} did. */
export interface Result {
  readonly carried: ReadonlyArray<Carried>
  /** Commits with a note that became nothing: the work was taken out. Their notes stay on them. */
  readonly dropped: ReadonlyArray<string>
}

/** More commits than this on one side are no rewrite of a branch, and take too long. */
const most = 5_000

const became = Effect.fnUntraced(function* (
  dir: string,
  base: string,
  sides: { readonly old: ReadonlyArray<string>; readonly made: ReadonlyArray<string> }
) {
  if (sides.old.length > most || sides.made.length > most) {
    return yield* new NoteFault.NotesError({
      reason: "TooLarge",
      message: `More than ${most} commits of ${dir} lie between ${base} and the heads. Give a base that is nearer.`
    })
  }
  const [old, made] = yield* Effect.all([CommitMark.of(dir, sides.old), CommitMark.of(dir, sides.made)])
  const found = [...Rewrite.sure(old, made)]
  const byPatch = new Map(made.flatMap(({ id, patch }) => (patch === undefined ? [] : [[patch, id] as const])))
  for (const { after, commits } of Rewrite.runs(base, old, found)) {
    const last = commits.at(-1) ?? ""
    const to = byPatch.get((yield* CommitMark.patchIds(dir, [`${last} ${after}`])).get(last) ?? "")
    if (to !== undefined) found.push(...commits.map((from) => ({ from, to, how: "squash" as const })))
  }
  const isLeft = ({ id }: CommitMark.Mark) => !found.some(({ from }) => from === id)
  found.push(...Rewrite.authored(old.filter(isLeft), made))
  const left = old.filter(isLeft)
  const candidates =
    left.length === 0
      ? []
      : yield* Effect.forEach(made, ({ id }) =>
          Effect.map(CommitMark.changedLines(dir, id), (lines) => ({ id, lines }))
        )
  for (const { id } of left) {
    const likely = Rewrite.byLines(id, yield* CommitMark.changedLines(dir, id), candidates)
    if (likely !== undefined) found.push(likely)
  }
  return { found, made }
})

/** Carries the notes of the commits between `base` and `from` to what they became between `base` and `to`. Twice is once. */
export const carry = Effect.fnUntraced(function* (
  dir: string,
  options: Carrying
): Effect.fn.Return<Result, Notes.Failure, ChildProcessSpawner | FileSystem.FileSystem> {
  const { ref } = options
  const [from, to] = yield* Effect.all([Git.resolve(dir, options.from), Git.resolve(dir, options.to)])
  const base =
    options.base === undefined ? yield* CommitMark.parting(dir, from, to) : yield* Git.resolve(dir, options.base)
  const kept = new Set(yield* CommitMark.between(dir, base, to))
  const noted = new Set((yield* Notes.list(dir, ref)).map(({ commit }) => commit))
  const old = (yield* CommitMark.between(dir, base, from)).filter((id) => !kept.has(id))
  if (!old.some((id) => noted.has(id))) return { carried: [], dropped: [] }
  const { found, made } = yield* became(dir, base, { old, made: [...kept] })
  const ofNoted = found.filter((each) => noted.has(each.from))
  const { head } = yield* NoteTree.tip(dir, ref)
  const before = yield* NoteIndex.carriedTo(
    dir,
    head,
    ofNoted.map((each) => each.from)
  )
  const carried = ofNoted.map((each): Carried => ({
    ...each,
    // What was carried once to another content stays so, however often it is carried on.
    approximate: each.how === "authored" || each.how === "lines" || before.approximate.has(each.from)
  }))
  const merge = options.merge ?? NoteUnion.both
  const plan = Effect.fnUntraced(function* (head: string | undefined) {
    const puts: Array<NoteWrite.Put> = []
    for (const mark of made) {
      const all = carried.filter((each) => each.to === mark.id)
      const [known = []] = all.length === 0 ? [] : yield* NoteIndex.look(dir, head, [["carried", mark.id]])
      const here = all.filter((each) => !known.some(({ commit }) => commit === each.from))
      if (here.length === 0) continue
      const { free, notes } = yield* NoteTree.locate(dir, { head, id: mark.id })
      const bytes = yield* Effect.forEach(here, (each) => Notes.read(dir, { ref, commit: each.from }))
      const [first, ...rest] = [...notes.map((note) => note.bytes), ...bytes.flatMap(Option.toArray)]
      if (first === undefined) continue
      const content = rest.reduce(merge, first)
      if (content.length > NoteFault.largest) return yield* NoteFault.tooLarge(dir, `The note on ${mark.id}`)
      puts.push(
        { path: notes[0]?.path ?? free, content },
        ...notes.slice(1).map(({ path }) => ({ path, content: undefined })),
        ...NoteIndex.puts(mark),
        ...here.map(NoteIndex.carried)
      )
    }
    return puts.length === 0 ? undefined : { message: "Notes carried by millwright\n", puts }
  })
  yield* NoteWrite.change(dir, options, plan)
  const homes = new Set(carried.map((each) => each.from))
  return { carried, dropped: old.filter((id) => noted.has(id) && !homes.has(id)) }
})
