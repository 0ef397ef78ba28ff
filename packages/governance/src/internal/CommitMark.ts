/**
 * What tells a commit again after it was rewritten: its tree, the id of its patch (`git patch-id --stable`, which knows neither line
 * numbers nor white space), and who wrote it when. Everything comes from git's objects.
 */
import * as Digest from "@millwright/core/Digest"
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"

/** The marks of one commit. */
export interface Mark {
  readonly id: string
  readonly tree: string
  readonly parents: ReadonlyArray<string>
  /** Author, time and subject together: an amended or rebased commit keeps them, whatever became of its content. */
  readonly authored: Digest.Digest
  /** None of a merge, of a commit that changes nothing, and of one whose patch is too large to be read. */
  readonly patch: string | undefined
}

type Asking<A> = Effect.fn.Return<A, Git.GitError, ChildProcessSpawner>

const lines = (of: ReadonlyArray<string>): Uint8Array =>
  new TextEncoder().encode(of.map((line) => `${line}\n`).join(""))
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const shape = [
  "--stdin",
  "-r",
  "-p",
  "--root",
  "--full-index",
  "--no-renames",
  "--diff-algorithm=myers",
  "--indent-heuristic",
  "--inter-hunk-context=0",
  "-O/dev/null",
  "--no-ext-diff",
  "--no-textconv",
  "--no-color",
  "--ignore-submodules=none",
  "--submodule=short"
]

/** A patch that is read the other way round has its prefixes changed with each other. */
const directions = {
  forth: ["--src-prefix=a/", "--dst-prefix=b/"],
  back: ["-R", "--src-prefix=b/", "--dst-prefix=a/"]
}

/** The patches of commits, one after the other; `undefined` where they are more than one call of git may answer. */
const patches = Effect.fnUntraced(function* (
  dir: string,
  asked: ReadonlyArray<string>,
  ...options: ReadonlyArray<string>
): Asking<Uint8Array | undefined> {
  const bare = yield* Git.commonDir(dir)
  const call: Git.Call = { dir, bare, args: ["diff-tree", ...shape, ...options], stdin: lines(asked) }
  const result = yield* Git.attempt(call)
  if (result.code !== 0) return yield* Git.failed(call, result)
  return result.truncated ? undefined : result.stdout
})

/** How a patch is read: as it is, or the other way round, as a revert has it. */
export type Direction = keyof typeof directions

/** The ids of patches by commit. What is asked is a commit, or a commit and in the place of its parents another one. */
export const patchIds = (
  dir: string,
  asked: ReadonlyArray<string>,
  direction: Direction = "forth"
): Effect.Effect<ReadonlyMap<string, string>, Git.GitError, ChildProcessSpawner> =>
  Effect.gen(function* () {
    if (asked.length === 0) return new Map<string, string>()
    const text = yield* patches(dir, asked, "-U3", ...directions[direction])
    if (text === undefined) {
      if (asked.length === 1) return new Map<string, string>()
      const half = Math.ceil(asked.length / 2)
      const [first, second] = yield* Effect.all([
        patchIds(dir, asked.slice(0, half), direction),
        patchIds(dir, asked.slice(half), direction)
      ])
      return new Map([...first, ...second])
    }
    const said = decode(yield* Git.run({ dir, args: ["patch-id", "--stable"], stdin: text }))
    return new Map(
      said.split("\n").flatMap((line) => {
        const [patch, commit] = line.split(" ")
        return patch === undefined || commit === undefined ? [] : [[commit, patch] as const]
      })
    )
  })

/** The marks of commits, in their order. All of them have to be here. */
export const of = Effect.fnUntraced(function* (
  dir: string,
  commits: ReadonlyArray<string>
): Asking<ReadonlyArray<Mark>> {
  if (commits.length === 0) return []
  const args = [
    "log",
    "-z",
    "--no-walk=unsorted",
    "--stdin",
    "--encoding=UTF-8",
    "--format=tformat:%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%s"
  ]
  const bare = yield* Git.commonDir(dir)
  const found = decode(yield* Git.run({ dir, bare, args, stdin: lines(commits) })).split("\0")
  const ids = yield* patchIds(dir, commits)
  return Array.from({ length: Math.floor(found.length / 7) }, (_, index): Mark => {
    const [id = "", tree = "", parents = "", ...authored] = found.slice(7 * index, 7 * index + 7)
    return {
      id,
      tree,
      parents: parents.split(" ").filter((parent) => parent !== ""),
      authored: Digest.ofJson(authored),
      patch: ids.get(id)
    }
  })
})

/** The commits that `head` has and `base` has not, oldest first. */
export const between = Effect.fnUntraced(function* (
  dir: string,
  base: string,
  head: string
): Asking<ReadonlyArray<string>> {
  const args = ["rev-list", "--topo-order", "--reverse", head, `^${base}`]
  return decode(yield* Git.run({ dir, args }))
    .split("\n")
    .filter((id) => id !== "")
})

/** Whether one commit comes before another, or is it. One that is not here does not. */
export const isAncestor = Effect.fnUntraced(function* (dir: string, ancestor: string, of: string): Asking<boolean> {
  return (yield* Git.attempt({ dir, args: ["merge-base", "--is-ancestor", ancestor, of] })).code === 0
})

/** What a commit adds and takes away, each line with its path; empty where it is too much to be read. */
export const changedLines = Effect.fnUntraced(function* (dir: string, commit: string): Asking<ReadonlySet<string>> {
  const found = new Set<string>()
  const text = yield* patches(dir, [commit], "-U0")
  if (text === undefined) return found
  let path = ""
  let isHeader = true
  for (const line of decode(text).split("\n")) {
    if (line.startsWith("diff --git ")) {
      path = line
      isHeader = true
    } else if (line.startsWith("@@ ")) isHeader = false
    else if (!isHeader && /^[+-]/.test(line)) found.add(`${path}\n${line}`)
  }
  return found
})

/** The commit at which two parted. */
export const parting = Effect.fnUntraced(function* (dir: string, a: string, b: string): Asking<string> {
  const call: Git.Call = { dir, args: ["merge-base", a, b] }
  const result = yield* Git.attempt(call)
  const base = decode(result.stdout).split("\n")[0]
  if (result.code === 0 && base !== undefined) return base
  return yield* new Git.GitError({
    reason: "UnknownRevision",
    message: `${a} and ${b} have no commit in common in ${dir}. Say where both begin: \`base\`.`
  })
})
