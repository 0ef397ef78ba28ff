/** Two histories of one notes ref become one: nothing that either side wrote is lost. */
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as NoteFault from "./NoteFault.ts"
import * as NoteObjects from "./NoteObjects.ts"
import * as NoteTree from "./NoteTree.ts"
import type * as NoteWrite from "./NoteWrite.ts"

/** Makes one note of two that differ. */
export type Merge = (ours: Uint8Array, theirs: Uint8Array) => Uint8Array

/** As `git notes merge --strategy=union` does: one after the other; once where one is in the other already. */
export const both: Merge = (ours, theirs) => {
  const [a, b] = [Buffer.from(ours), Buffer.from(theirs)]
  if (a.includes(b)) return a
  if (b.includes(a)) return b
  return Buffer.concat([a.at(-1) === 10 ? a.subarray(0, -1) : a, Buffer.from("\n\n"), b])
}

type Failure = Git.GitError | NoteFault.NotesError

/** What lies at each id, and at each path that is no note. */
const side = Effect.fnUntraced(function* (dir: string, commit: string | undefined) {
  const found = new Map<string, Array<NoteTree.Listed>>()
  for (const one of yield* NoteTree.list(dir, commit)) {
    const key = NoteTree.idOf(one.path, commit?.length) ?? `/${one.path}`
    found.set(key, [...(found.get(key) ?? []), one])
  }
  return found
})

const isAncestor = Effect.fnUntraced(function* (dir: string, ancestor: string, of: string) {
  const call: Git.Call = { dir, args: ["merge-base", "--is-ancestor", ancestor, of] }
  const result = yield* Git.attempt(call)
  return result.code <= 1 ? result.code === 0 : yield* Git.failed(call, result)
})

const mergeBase = Effect.fnUntraced(function* (dir: string, a: string, b: string) {
  const result = yield* Git.attempt({ dir, args: ["merge-base", a, b] })
  // Two clones that each began with a note of their own have nothing in common.
  return result.code === 0 ? new TextDecoder().decode(result.stdout).trim().split("\n")[0] : undefined
})

const content = Effect.fnUntraced(function* (
  dir: string,
  id: string,
  of: ReadonlyArray<NoteTree.Listed>
): Effect.fn.Return<Uint8Array, Failure, ChildProcessSpawner> {
  const objects = yield* NoteObjects.read(
    dir,
    of.map(({ blob }) => blob)
  )
  if (objects === "too-large") return yield* NoteFault.tooLarge(dir, `The note on ${id}`)
  let all: Uint8Array = new Uint8Array()
  for (const [index, object] of objects.entries()) {
    if (object === undefined) return yield* NoteFault.unreadable(dir, `The note on ${id}`)
    all = index === 0 ? object.bytes : both(all, object.bytes)
  }
  return all
})

const blobsOf = (of: ReadonlyArray<NoteTree.Listed> | undefined): string => (of ?? []).map(({ blob }) => blob).join(" ")

/**
 * What makes `theirs` part of the ref, which stands on `head`; `undefined` where it is already. What was changed on one side only is taken
 * as it is there, what was changed on both is merged, and what one side took away while the other changed it stays.
 */
export const plan = Effect.fnUntraced(function* (
  dir: string,
  options: NoteTree.Tip & { readonly theirs: string; readonly merge: Merge }
): Effect.fn.Return<NoteWrite.Change | undefined, Failure, ChildProcessSpawner> {
  const { head, theirs } = options
  const message = "Notes united by millwright\n"
  if (head === undefined) return { message, puts: [], forwardTo: theirs }
  if (yield* isAncestor(dir, theirs, head)) return undefined
  if (yield* isAncestor(dir, head, theirs)) return { message, puts: [], forwardTo: theirs }
  const base = yield* side(dir, yield* mergeBase(dir, head, theirs))
  const our = yield* side(dir, head)
  const their = yield* side(dir, theirs)
  const puts: Array<NoteWrite.Put> = []
  for (const key of new Set([...their.keys(), ...base.keys()])) {
    const [was, here, there] = [base.get(key), our.get(key), their.get(key)]
    const [before, ours, other] = [blobsOf(was), blobsOf(here), blobsOf(there)]
    if (other === before || other === ours) continue
    if (key.startsWith("/")) {
      // What is no note says by its path what it has to say.
      for (const { blob, path } of here === undefined ? (there ?? []) : []) puts.push({ path, content: { blob } })
      continue
    }
    const [kept, ...more] = (here ?? []).map(({ path }) => path)
    for (const path of more) puts.push({ path, content: undefined })
    if (there === undefined) {
      if (ours === before && kept !== undefined) puts.push({ path: kept, content: undefined })
      continue
    }
    const [first, ...others] = there
    const path = kept ?? first?.path ?? key
    const isTheirs = here === undefined || ours === before
    if (isTheirs && first !== undefined && others.length === 0) {
      // There may be tens of thousands of them: they are not read.
      puts.push({ path, content: { blob: first.blob } })
      continue
    }
    const theirContent = yield* content(dir, key, there)
    const merged = isTheirs ? theirContent : options.merge(yield* content(dir, key, here), theirContent)
    if (merged.length > NoteFault.largest) return yield* NoteFault.tooLarge(dir, `The note on ${key}`)
    puts.push({ path, content: merged })
  }
  return { message, puts, merges: theirs }
})
