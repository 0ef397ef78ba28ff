/**
 * Facts from git. The seam over the `git` binary, 2.31 or later.
 *
 * A repository that an agent worked in is hostile: its configuration, its attributes and its hooks are the agent's.
 * So no call runs a program that the repository names, and nothing that is configured changes an answer:
 *
 * - `GIT_*` variables of this process, the system's and the user's configuration, and the user's ignore and attribute
 *   files are not read. Ownership (`safe.directory`) is not asked for, since no program of the repository runs.
 * - Hooks, `core.fsmonitor`, signing, pagers, external diffs, text conversions and `filter.*` programs are off, for
 *   submodules too, which are never entered. Remotes are never asked, so a partial clone fetches nothing.
 * - Replacement objects and grafts are not followed. Diffs are read from objects alone: no `.gitattributes` hides a
 *   text. The repository's own `info/attributes` could; a sandbox must not let an agent write there.
 * - `status` and `GitCommit.commitAll` refuse `core.worktree`, which could point them at another folder.
 *
 * The folder must be quiet meanwhile: a process that rewrites the configuration between two calls is not met by this.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Change from "./Change.ts"
import * as CommitObjects from "./internal/CommitObjects.ts"
import * as CommitRecords from "./internal/CommitRecords.ts"
import * as GitCall from "./internal/GitCall.ts"
import * as GitProcess from "./internal/GitProcess.ts"

export {
  /** Asks git for what has no name here, with all of the above off. Answers whatever git did, a failure too. */
  attempt,
  /** The folder that all working trees of the repository share, absolute. */
  commonDir,
  /** What an answer with an exit code other than 0 means, and how to mend it. */
  failed,
  /** Git does not do what it was asked. */
  GitError,
  /** Asks git for what has no name here, and answers with what it printed. An exit code other than 0 is a failure. */
  run
} from "./internal/GitCall.ts"
export type {
  /** What git is asked. Nothing in it may come from outside unchecked. */
  Call,
  /** What git answered, an exit code other than 0 too. */
  Result
} from "./internal/GitProcess.ts"

/** Who a commit is by. */
export interface Author {
  readonly name: string
  readonly email: string
}

/** One commit, as git's objects tell it. `at` is the author's time in milliseconds since 1970, UTC. */
export interface Commit {
  readonly id: string
  readonly author: Author
  readonly at: number
  readonly subject: string
}

/** The top folder of the working tree that `dir` lies in. */
export const root = (dir: string): Effect.Effect<string, GitCall.GitError, ChildProcessSpawner> =>
  GitCall.line({ dir, args: ["rev-parse", "--show-toplevel"] })

/** The full id of the commit that a revision names: a branch, a tag, an id, `HEAD~2`, …. */
export const resolve = Effect.fnUntraced(function* (
  dir: string,
  rev: string
): Effect.fn.Return<string, GitCall.GitError, ChildProcessSpawner> {
  const unknown = new GitCall.GitError({
    reason: "UnknownRevision",
    message: `${JSON.stringify(rev)} names no commit in ${dir}. Name a branch, tag or commit of this repository.`
  })
  if (rev === "" || rev.includes("\0")) return yield* unknown
  const call: GitProcess.Call = {
    dir,
    args: ["rev-parse", "--verify", "--quiet", "--end-of-options", `${rev}^{commit}`]
  }
  const result = yield* GitCall.attempt(call)
  if (result.code === 0) return GitProcess.text(result.stdout).trim()
  const error = GitCall.failed(call, result)
  if (error.reason === "NoSuchPath" || error.reason === "NotARepository") return yield* error
  if ((yield* GitCall.run({ dir, args: ["rev-list", "--max-count=1", "--all"] })).length > 0) return yield* unknown
  return yield* new GitCall.GitError({
    reason: "NoCommits",
    message: `The repository in ${dir} has no commits yet. Make a first commit: \`git commit --allow-empty -m start\`.`
  })
})

/** The branch that is checked out, or none where `HEAD` stands on a commit. It may have no commits yet. */
export const currentBranch = Effect.fnUntraced(function* (
  dir: string
): Effect.fn.Return<Option.Option<string>, GitCall.GitError, ChildProcessSpawner> {
  const call: GitProcess.Call = { dir, args: ["symbolic-ref", "--quiet", "HEAD"] }
  const result = yield* GitCall.attempt(call)
  if (result.code === 1) return Option.none()
  if (result.code !== 0) return yield* GitCall.failed(call, result)
  return Option.some(
    GitProcess.text(result.stdout)
      .trim()
      .replace(/^refs\/heads\//, "")
  )
})

/** The commit that a branch stands on, or none where there is no such branch. The name is taken as it is written. */
export const branchHead = Effect.fnUntraced(function* (
  dir: string,
  branch: string
): Effect.fn.Return<Option.Option<string>, GitCall.GitError, ChildProcessSpawner> {
  if (branch.includes("\0")) return Option.none()
  const call: GitProcess.Call = { dir, args: ["show-ref", "--verify", "--hash", "--", `refs/heads/${branch}`] }
  const result = yield* GitCall.attempt(call)
  if (result.code === 0) return Option.some(GitProcess.text(result.stdout).trim())
  const error = GitCall.failed(call, result)
  return error.reason === "UnknownRevision" ? Option.none() : yield* error
})

/** Whether there is a branch of that name, taken as it is written. */
export const branchExists = (
  dir: string,
  branch: string
): Effect.Effect<boolean, GitCall.GitError, ChildProcessSpawner> => Effect.map(branchHead(dir, branch), Option.isSome)

/** The paths that are not as the last commit has them, from the root of the working tree; ignored ones do not count. */
export const status = Effect.fnUntraced(function* (
  dir: string
): Effect.fn.Return<ReadonlyArray<string>, GitCall.GitError, ChildProcessSpawner> {
  const config = yield* GitCall.harmless(dir)
  const args = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=dirty"]
  return GitProcess.fields(yield* GitCall.run({ dir, args, config })).map((entry) => entry.slice(3))
})

const diffOptions = [
  "-r",
  "-M",
  "-O/dev/null",
  "--no-ext-diff",
  "--no-textconv",
  "--no-color",
  "--ignore-submodules=none"
]

/** What happened to each path between two commits, in the order of paths. Both may be any revision. */
export const diff = Effect.fnUntraced(function* (
  dir: string,
  base: string,
  head: string
): Effect.fn.Return<ReadonlyArray<Change.FileChange>, GitCall.GitError, ChildProcessSpawner> {
  const [from, to] = yield* Effect.all([resolve(dir, base), resolve(dir, head)])
  const call = yield* GitCall.fromObjects(dir, ["diff-tree", ...diffOptions, "--raw", "--numstat", "-z", from, to])
  return Change.parseRawNumstat(GitProcess.text(yield* GitCall.run(call)))
})

/** The difference between two commits as a text for a reviewer. `truncated`: there was more than `maxBytes`. */
export const patch = Effect.fnUntraced(function* (
  dir: string,
  options: { readonly base: string; readonly head: string; readonly maxBytes: number }
): Effect.fn.Return<{ readonly text: string; readonly truncated: boolean }, GitCall.GitError, ChildProcessSpawner> {
  const [from, to] = yield* Effect.all([resolve(dir, options.base), resolve(dir, options.head)])
  const shape = ["-p", "--full-index", "--unified=3", "--submodule=short", "--src-prefix=a/", "--dst-prefix=b/"]
  const call: GitProcess.Call = {
    ...(yield* GitCall.fromObjects(dir, ["diff-tree", ...diffOptions, ...shape, from, to])),
    maxBytes: options.maxBytes
  }
  const result = yield* GitCall.attempt(call)
  if (result.code !== 0) return yield* GitCall.failed(call, result)
  // Streaming, the decoder keeps back a character that the limit cut through.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  return { text: decoder.decode(result.stdout, { stream: result.truncated }), truncated: result.truncated }
})

/** One path of a commit. `mode` is git's: `100644`, `120000` for a symbolic link, `160000` for a submodule, …. */
export interface TreeEntry {
  readonly path: string
  readonly mode: string
  readonly object: string
}

/**
 * The files of the commit that a revision names, in git's order, from its objects. Up to 64 MiB of paths are read;
 * `truncated`: there are more.
 */
export const tree = Effect.fnUntraced(function* (
  dir: string,
  rev: string
): Effect.fn.Return<
  { readonly commit: string; readonly entries: ReadonlyArray<TreeEntry>; readonly truncated: boolean },
  GitCall.GitError,
  ChildProcessSpawner
> {
  const commit = yield* resolve(dir, rev)
  const call: GitProcess.Call = { dir, args: ["ls-tree", "-r", "-z", "--full-tree", commit] }
  const result = yield* GitCall.attempt(call)
  if (result.code !== 0) return yield* GitCall.failed(call, result)
  const entries = GitProcess.fields(result.stdout).map((entry): TreeEntry => {
    const tab = entry.indexOf("\t")
    const [mode = "", , object = ""] = entry.slice(0, tab).split(" ")
    return { path: entry.slice(tab + 1), mode, object }
  })
  return { commit, entries, truncated: result.truncated }
})

/** The start of a file's content, named by its object, and how large the whole is, in bytes. No filter runs. */
export const content = Effect.fnUntraced(function* (
  dir: string,
  options: { readonly object: string; readonly maxBytes: number }
): Effect.fn.Return<{ readonly bytes: Uint8Array; readonly size: number }, GitCall.GitError, ChildProcessSpawner> {
  const stdin = new TextEncoder().encode(`${options.object}\n`)
  // The answer begins with a line of the object's id, kind and size.
  const call: GitProcess.Call = { dir, args: ["cat-file", "--batch"], stdin, maxBytes: options.maxBytes + 200 }
  const result = yield* GitCall.attempt(call)
  if (result.code !== 0) return yield* GitCall.failed(call, result)
  const end = result.stdout.indexOf(10)
  const size = /^[0-9a-f]+ blob (\d+)$/.exec(GitProcess.text(result.stdout.subarray(0, end)))?.[1]
  if (size === undefined) {
    return yield* new GitCall.GitError({
      reason: "UnknownRevision",
      message: `${JSON.stringify(options.object)} names no file's content in ${dir}. Name an object that \`git ls-tree\` shows.`
    })
  }
  const bytes = result.stdout.subarray(end + 1, end + 1 + Math.min(Number(size), options.maxBytes))
  return { bytes, size: Number(size) }
})

/** A command, for a POSIX shell, with which a person looks at a difference. Nothing in it is taken for a sign of the shell. */
export const viewCommand = (dir: string, base: string, head: string): string =>
  ["git", "-C", dir, "diff", `${base}..${head}`]
    .map((word) => (/^[\w./@%+=:,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ")

/** The commits that `head` has and `base` has not (without one: all), newest first, at most `limit`. */
export const log = Effect.fnUntraced(function* (
  dir: string,
  options: { readonly base?: string; readonly head: string; readonly limit: number }
): Effect.fn.Return<ReadonlyArray<Commit>, GitCall.GitError, ChildProcessSpawner> {
  const to = yield* resolve(dir, options.head)
  const range = options.base === undefined ? [to] : [to, `^${yield* resolve(dir, options.base)}`]
  const format = "--format=tformat:%H%x00%an%x00%ae%x00%at%x00%s"
  const args = ["log", "-z", format, "--encoding=UTF-8", `--max-count=${options.limit}`, ...range]
  const found = GitProcess.fields(yield* GitCall.run(yield* GitCall.fromObjects(dir, args)))
  return Array.from({ length: Math.floor(found.length / 5) }, (_, index): Commit => {
    const [id = "", name = "", email = "", seconds = "", subject = ""] = found.slice(index * 5, index * 5 + 5)
    return { id, author: { name, email }, at: Number(seconds) * 1_000, subject }
  })
})

export type {
  /** One commit as git stores it, byte by byte: what its id is the hash of. */
  CommitObject,
  /** Commits, and what of their history is not here. */
  CommitObjects
} from "./internal/CommitObjects.ts"

/**
 * The commits that `head` has and `base` has not as git stores them, oldest first, at most `limit` of the newest: what signatures are
 * made over. `isAncestor`: the base is in the history of the head. Each is what its id says, or it fails with `Failed`, as it does
 * when they have more than 64 MiB together.
 */
export const commitObjects = Effect.fnUntraced(function* (
  dir: string,
  options: { readonly base: string; readonly head: string; readonly limit: number }
): Effect.fn.Return<
  CommitObjects.CommitObjects & { readonly base: string; readonly head: string; readonly isAncestor: boolean },
  GitCall.GitError,
  ChildProcessSpawner
> {
  const [base, head] = yield* Effect.all([resolve(dir, options.base), resolve(dir, options.head)])
  const call = yield* GitCall.fromObjects(dir, ["merge-base", "--is-ancestor", base, head])
  const { code } = yield* GitCall.attempt(call)
  return {
    ...(yield* CommitObjects.between(dir, { base, head, limit: options.limit })),
    base,
    head,
    isAncestor: code === 0
  }
})

/** All that one commit says and does: its whole message, and what it changed of its first parent. */
export interface CommitRecord {
  readonly id: string
  readonly message: string
  readonly files: ReadonlyArray<Change.FileChange>
  /** Without context. What git calls binary, it only names. */
  readonly patch: string
}

/**
 * The commits that `head` has and `base` has not, oldest first, each with all that it says and does, however much of it a
 * later one took back. More than 64 MiB of it fail with `Failed`.
 */
export const history = Effect.fnUntraced(function* (
  dir: string,
  options: { readonly base: string; readonly head: string }
): Effect.fn.Return<ReadonlyArray<CommitRecord>, GitCall.GitError, ChildProcessSpawner> {
  const [from, to] = yield* Effect.all([resolve(dir, options.base), resolve(dir, options.head)])
  const log = (...args: ReadonlyArray<string>) =>
    Effect.flatMap(
      GitCall.fromObjects(dir, [
        "log",
        "--reverse",
        "--topo-order",
        "--encoding=UTF-8",
        "--root",
        "--diff-merges=first-parent",
        ...diffOptions,
        ...args,
        to,
        `^${from}`
      ]),
      GitCall.run
    )
  const listed = CommitRecords.listing(
    GitProcess.fields(yield* log("--raw", "--numstat", "-z", CommitRecords.listingFormat))
  )
  const shape = ["-p", "--full-index", "--unified=0", "--submodule=short", "--src-prefix=a/", "--dst-prefix=b/"]
  const patches = CommitRecords.patches(GitProcess.text(yield* log(...shape, CommitRecords.patchFormat)))
  return listed.map((commit) => ({ ...commit, patch: patches.get(commit.id) ?? "" }))
})
