/** Which files the commits of a range touch, and how, told apart from each of their parents. */
import * as Change from "@millwright/core/Change"
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"

/** One file that a commit touched. A merge has one for each parent that it differs from. */
export interface Touch {
  readonly commit: string
  /** Both, where it was renamed. */
  readonly paths: ReadonlyArray<string>
  /** It only put lines into it: nothing else changed. */
  readonly isAdding: boolean
}

const shape = [
  "--diff-merges=separate",
  "--root",
  "-r",
  "-M",
  "-O/dev/null",
  "--raw",
  "--numstat",
  "--no-ext-diff",
  "--no-textconv",
  "--ignore-submodules=none"
]

/** What the commits touch that `head` has and `base` has not. Both are full ids. */
export const of = Effect.fnUntraced(function* (
  dir: string,
  { base, head }: { readonly base: string; readonly head: string }
): Effect.fn.Return<ReadonlyArray<Touch>, Git.GitError, ChildProcessSpawner> {
  const bare = yield* Git.commonDir(dir)
  const args = ["log", "-z", "--format=tformat:%x00%H%x00", ...shape, head, `^${base}`, "--"]
  const fields = new TextDecoder().decode(yield* Git.run({ dir, bare, args })).split("\0")
  const touches: Array<Touch> = []
  // An empty field, the id, an empty field, files: no path is empty, but a renamed one comes behind a count without a name.
  for (let at = 0; at + 2 < fields.length;) {
    const [, commit = ""] = fields.slice(at, at + 2)
    const next = fields.indexOf("", at + 3)
    const end = next === -1 ? fields.length : next
    const listed = fields.slice(at + 3, end).map((field, index) => (index === 0 ? field.replace(/^\n/, "") : field))
    touches.push(...touchesOf(commit, listed))
    at = end
  }
  return touches
})

const touchesOf = (commit: string, listed: ReadonlyArray<string>): ReadonlyArray<Touch> => {
  const files = Change.parseRawNumstat(listed.map((field) => `${field}\0`).join(""))
  // One for each file, before the counts, in the same order.
  const modes = listed.filter((field) => field.startsWith(":")).map((field) => field.slice(1).split(" "))
  return files.map((file, index) => {
    const [before = "", after = ""] = modes[index] ?? []
    const isPlain = (before === "000000" || before === after) && after.startsWith("100")
    const isKept = file.deletions === 0 && file.previousPath === undefined
    return { commit, paths: Change.paths(file), isAdding: isPlain && isKept && (file.additions ?? 0) > 0 }
  })
}
