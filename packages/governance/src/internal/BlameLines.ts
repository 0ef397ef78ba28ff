/** Which commit left each line of a file as it is, as git finds it. Nothing that the repository configures has a say. */
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as GitPath from "./GitPath.ts"

/** One line of a file: the commit that left it as it is, and where it stood there. */
export interface BlamedLine {
  readonly commit: string
  readonly path: string
  readonly line: number
}

/** The lines of one file, in order; none where it has a NUL, so that it has no lines that anybody wrote. */
export interface Blamed {
  readonly path: string
  readonly lines: ReadonlyArray<BlamedLine> | undefined
}

/** The lines of files as they are at a commit, by its full id. */
export const of = Effect.fnUntraced(function* (
  dir: string,
  { commit, paths }: { readonly commit: string; readonly paths: Iterable<string> }
): Effect.fn.Return<ReadonlyArray<Blamed>, Git.GitError, ChildProcessSpawner> {
  const bare = yield* Git.commonDir(dir)
  yield* unfiltered(dir, bare)
  return yield* Effect.forEach(
    new Set(paths),
    (path) => Effect.map(linesOf({ dir, bare, commit, path }), (lines) => ({ path, lines })),
    { concurrency: 2 }
  )
})

/**
 * No setting of ours takes this one back, and the file that it names may be any: one that never ends, too. Asked of the same
 * repository as the blame: a linked working tree can have other settings.
 */
const unfiltered = Effect.fnUntraced(function* (dir: string, bare: string) {
  const call: Git.Call = { dir, bare, args: ["config", "--get-all", "blame.ignoreRevsFile"] }
  const result = yield* Git.attempt(call)
  if (result.code === 1) return
  if (result.code !== 0) return yield* Git.failed(call, result)
  return yield* new Git.GitError({
    reason: "Failed",
    message:
      `The repository in ${dir} is configured to leave commits out of a blame. ` +
      "Remove the setting: `git config --unset-all blame.ignoreRevsFile`."
  })
})

interface One {
  readonly dir: string
  readonly bare: string
  readonly commit: string
  readonly path: string
}

const linesOf = Effect.fnUntraced(function* ({ bare, commit, dir, path }: One) {
  const call: Git.Call = {
    dir,
    bare,
    args: ["blame", "--porcelain", "--no-textconv", "--no-progress", commit, "--", path],
    config: [["diff.algorithm", "myers"]]
  }
  const noFile = new Git.GitError({
    reason: "NoSuchPath",
    message: `${JSON.stringify(path)} is no file of ${commit} in ${dir}. Name a file as \`git ls-tree -r --name-only\` does.`
  })
  if (path === "" || path.includes("\0")) return yield* noFile
  const result = yield* Git.attempt(call)
  if (result.code !== 0) return yield* /no such path/.test(result.stderr) ? noFile : Git.failed(call, result)
  if (!result.truncated) return parse(result.stdout)
  return yield* new Git.GitError({
    reason: "Failed",
    message: `${JSON.stringify(path)} has more lines than are read of one file, in ${dir}. Leave it out.`
  })
})

/** What `git blame --porcelain` prints, line by line. */
const parse = (bytes: Uint8Array): ReadonlyArray<BlamedLine> | undefined => {
  if (bytes.includes(0)) return undefined
  const paths = new Map<string, string>()
  const found: Array<{ readonly commit: string; readonly line: number; readonly path: string }> = []
  let head = { commit: "", line: 0 }
  // latin1, so that no byte of a text can be taken for the end of a line.
  for (const line of Buffer.from(bytes).toString("latin1").split("\n")) {
    if (line.startsWith("\t")) {
      found.push({ ...head, path: paths.get(head.commit) ?? "" })
      continue
    }
    const [, commit, at] = /^([0-9a-f]{40,64}) (\d+) \d+/.exec(line) ?? []
    if (commit !== undefined) head = { commit, line: Number(at) }
    else if (line.startsWith("filename ")) paths.set(head.commit, pathOf(line.slice("filename ".length)))
  }
  return found
}

const pathOf = (told: string): string => {
  const path = Buffer.from(told, "latin1").toString("utf8")
  const inner = /^"(.*)"$/.exec(path)?.[1]
  return inner === undefined ? path : GitPath.unquote(inner)
}
