/**
 * Notes of one ref, fetched from another repository and pushed to it. Git clones and pushes no notes by itself. Nothing is ever forced:
 * where both sides have notes that the other has not, they are united first.
 *
 * The remote is a path or a URL that the host gives, and never the name of one: what the repository configures has no say, since an agent
 * may have written it. The git configuration of whoever runs this process has: credential helpers, SSH keys and proxies work as by hand.
 * Nothing is asked on a terminal. There is no time limit; put `Effect.timeout` around it.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Random from "effect/Random"
import * as NoteFault from "./internal/NoteFault.ts"
import * as NoteTransport from "./internal/NoteTransport.ts"
import * as NoteTree from "./internal/NoteTree.ts"
import * as NoteUnion from "./internal/NoteUnion.ts"
import * as NoteWrite from "./internal/NoteWrite.ts"
import type * as Notes from "./Notes.ts"

/** Which notes cross, and where to. */
export interface Crossing extends NoteWrite.Writing {
  /** An absolute path, or a URL with `https`, `ssh` or `file`, without a password. */
  readonly remote: string
  /** The ref, the same on both sides. */
  readonly ref: string
  /** Makes one note of two that differ. Default: one after the other, as git's union does. */
  readonly merge?: NoteUnion.Merge
}

/** What a fetch came to: the other side has no such ref, has nothing new, had all of ours, or each had something. */
export type Fetched = "absent" | "same" | "forwarded" | "united"

/** Brings the notes of the other side here, and unites them with ours. */
export const fetch = Effect.fnUntraced(function* (
  dir: string,
  options: Crossing
): Effect.fn.Return<Fetched, Notes.Failure, ChildProcessSpawner | FileSystem.FileSystem> {
  const { head } = yield* NoteTree.tip(dir, options.ref)
  const theirs = yield* Effect.scoped(
    Effect.flatMap(NoteTransport.open(dir, { ...options, head }), NoteTransport.fetch)
  )
  if (theirs === undefined) return "absent"
  const merge = options.merge ?? NoteUnion.both
  let fetched: Fetched = "same"
  const plan = (head: string | undefined) =>
    Effect.tap(NoteUnion.plan(dir, { head, theirs, merge }), (change) =>
      Effect.sync(() => {
        fetched = change === undefined ? "same" : change.forwardTo === undefined ? "united" : "forwarded"
      })
    )
  yield* NoteWrite.change(dir, options, plan)
  return fetched
})

/** What a push came to: there is nothing here, the other side had all of it, or it has it now. */
export type Pushed = "nothing" | "same" | "pushed"

/**
 * Brings the notes of this side to the other one. Where that has others, they are fetched and united first, and it is tried again; fails
 * with `Contended` when that happens too often.
 */
export const push = Effect.fnUntraced(function* (
  dir: string,
  options: Crossing
): Effect.fn.Return<Pushed, Notes.Failure, ChildProcessSpawner | FileSystem.FileSystem> {
  const most = options.attempts ?? 20
  for (let attempt = 0; attempt < most; attempt++) {
    const { head } = yield* NoteTree.tip(dir, options.ref)
    if (head === undefined) return "nothing"
    const pushed = yield* Effect.scoped(
      Effect.flatMap(NoteTransport.open(dir, { ...options, head }), NoteTransport.push)
    )
    if (pushed !== "moved") return pushed
    yield* fetch(dir, options)
    yield* Effect.sleep((yield* Random.next) * 100 * Math.min(10, attempt))
  }
  return yield* new NoteFault.NotesError({
    reason: "Contended",
    message: `Others pushed ${options.ref} to ${options.remote} first, ${most} times. What they pushed is here; try again.`
  })
})
