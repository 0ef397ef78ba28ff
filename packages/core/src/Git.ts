/**
 * Facts from git, and the one commit that the host makes. The seam over the `git` binary, 2.31 or later.
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
 * - `status` and `commitAll` refuse `core.worktree`, which could point them at another folder.
 *
 * The folder must be quiet meanwhile: a process that rewrites the configuration between two calls is not met by this.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Change from "./Change.ts"
import * as Fault from "./Fault.ts"
import * as GitProcess from "./internal/GitProcess.ts"

/** Git does not do what it was asked. */
export class GitError extends Fault.Class<GitError>()("GitError", {
  NotInstalled: false,
  NoSuchPath: false,
  NotARepository: false,
  NoCommits: false,
  UnknownRevision: false,
  /** Paths that are not merged, or a ref that is not where it was expected. */
  Conflict: false,
  /** Another git process holds a lock. */
  Locked: true,
  Failed: false
}) {}

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

/** Runs git and answers whatever it answered, an exit code other than 0 too. */
const attempt = (call: GitProcess.Call): Effect.Effect<GitProcess.Result, GitError, ChildProcessSpawner> =>
  GitProcess.run(call).pipe(
    Effect.mapError((cause) =>
      cause.reason._tag === "NotFound"
        ? new GitError({
            reason: "NotInstalled",
            message: "The program git was not found. Install git 2.31 or later and put it on the PATH.",
            cause
          })
        : new GitError({
            reason: "Failed",
            message: `git ${call.args[0]} could not be run in ${call.dir}: ${cause.message}`,
            cause
          })
    )
  )

const reasons: ReadonlyArray<readonly [RegExp, (typeof GitError.Type)["reason"], remedy: string]> = [
  [/cannot change to /, "NoSuchPath", "Give the path of a folder that exists and that you may enter."],
  [
    /not a git repository|must be run in a work tree/,
    "NotARepository",
    "Give a folder inside a git repository, or make one with `git init`."
  ],
  [/does not have any commits yet/, "NoCommits", "Make a first commit: `git commit --allow-empty -m start`."],
  [
    /unable to create '.*\.lock'|cannot lock ref .*(?:file exists|\.lock)/i,
    "Locked",
    "Another git process works here. Try again; if none does, remove the lock file that it names."
  ],
  [
    /cannot lock ref|unmerged|needs merge/i,
    "Conflict",
    "Somebody else moved it, or paths are not merged. Look at `git status`."
  ],
  [
    /unknown revision|bad revision|needed a single revision|bad object|not a valid object name|not a valid ref/i,
    "UnknownRevision",
    "Name a branch, tag or commit of this repository."
  ]
]

const failed = (call: GitProcess.Call, result: GitProcess.Result): GitError => {
  const said = result.stderr.trim().slice(0, 2_000)
  const known = reasons.find(([pattern]) => pattern.test(said))
  return new GitError({
    reason: known?.[1] ?? "Failed",
    message: `git ${call.args[0]} failed in ${call.dir}: ${said || `exit code ${result.code}`}. ${known?.[2] ?? "Run it by hand to see more."}`
  })
}

const run = Effect.fnUntraced(function* (
  call: GitProcess.Call
): Effect.fn.Return<Uint8Array, GitError, ChildProcessSpawner> {
  const result = yield* attempt(call)
  if (result.code !== 0) return yield* failed(call, result)
  if (result.truncated) {
    return yield* new GitError({
      reason: "Failed",
      message: `git ${call.args[0]} in ${call.dir} answered with more than ${GitProcess.outputLimit / 1024 / 1024} MiB. Make the change smaller.`
    })
  }
  return result.stdout
})

const line = (call: GitProcess.Call): Effect.Effect<string, GitError, ChildProcessSpawner> =>
  Effect.map(run(call), (bytes) => GitProcess.text(bytes).replace(/\n$/, ""))

/** The top folder of the working tree that `dir` lies in. */
export const root = (dir: string): Effect.Effect<string, GitError, ChildProcessSpawner> =>
  line({ dir, args: ["rev-parse", "--show-toplevel"] })

/** The folder that all working trees of the repository share, absolute. */
export const commonDir = (dir: string): Effect.Effect<string, GitError, ChildProcessSpawner> =>
  line({ dir, args: ["rev-parse", "--path-format=absolute", "--git-common-dir"] })

/** The full id of the commit that a revision names: a branch, a tag, an id, `HEAD~2`, …. */
export const resolve = Effect.fnUntraced(function* (
  dir: string,
  rev: string
): Effect.fn.Return<string, GitError, ChildProcessSpawner> {
  const unknown = new GitError({
    reason: "UnknownRevision",
    message: `${JSON.stringify(rev)} names no commit in ${dir}. Name a branch, tag or commit of this repository.`
  })
  if (rev === "" || rev.includes("\0")) return yield* unknown
  const call: GitProcess.Call = {
    dir,
    args: ["rev-parse", "--verify", "--quiet", "--end-of-options", `${rev}^{commit}`]
  }
  const result = yield* attempt(call)
  if (result.code === 0) return GitProcess.text(result.stdout).trim()
  const error = failed(call, result)
  if (error.reason === "NoSuchPath" || error.reason === "NotARepository") return yield* error
  if ((yield* run({ dir, args: ["rev-list", "--max-count=1", "--all"] })).length > 0) return yield* unknown
  return yield* new GitError({
    reason: "NoCommits",
    message: `The repository in ${dir} has no commits yet. Make a first commit: \`git commit --allow-empty -m start\`.`
  })
})

/** The branch that is checked out, or none where `HEAD` stands on a commit. It may have no commits yet. */
export const currentBranch = Effect.fnUntraced(function* (
  dir: string
): Effect.fn.Return<Option.Option<string>, GitError, ChildProcessSpawner> {
  const call: GitProcess.Call = { dir, args: ["symbolic-ref", "--quiet", "HEAD"] }
  const result = yield* attempt(call)
  if (result.code === 1) return Option.none()
  if (result.code !== 0) return yield* failed(call, result)
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
): Effect.fn.Return<Option.Option<string>, GitError, ChildProcessSpawner> {
  if (branch.includes("\0")) return Option.none()
  const call: GitProcess.Call = { dir, args: ["show-ref", "--verify", "--hash", "--", `refs/heads/${branch}`] }
  const result = yield* attempt(call)
  if (result.code === 0) return Option.some(GitProcess.text(result.stdout).trim())
  const error = failed(call, result)
  return error.reason === "UnknownRevision" ? Option.none() : yield* error
})

/** Whether there is a branch of that name, taken as it is written. */
export const branchExists = (dir: string, branch: string): Effect.Effect<boolean, GitError, ChildProcessSpawner> =>
  Effect.map(branchHead(dir, branch), Option.isSome)

/** The paths that are not as the last commit has them, from the root of the working tree; ignored ones do not count. */
export const status = Effect.fnUntraced(function* (
  dir: string
): Effect.fn.Return<ReadonlyArray<string>, GitError, ChildProcessSpawner> {
  const config = yield* harmless(dir)
  const args = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=dirty"]
  return GitProcess.fields(yield* run({ dir, args, config })).map((entry) => entry.slice(3))
})

/** Reads objects alone: no working tree and no index, so that no attribute of the repository has a say. */
const fromObjects = (
  dir: string,
  args: ReadonlyArray<string>
): Effect.Effect<GitProcess.Call, GitError, ChildProcessSpawner> =>
  Effect.map(commonDir(dir), (bare) => ({ dir, args, bare }))

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
): Effect.fn.Return<ReadonlyArray<Change.FileChange>, GitError, ChildProcessSpawner> {
  const [from, to] = yield* Effect.all([resolve(dir, base), resolve(dir, head)])
  const call = yield* fromObjects(dir, ["diff-tree", ...diffOptions, "--raw", "--numstat", "-z", from, to])
  return Change.parseRawNumstat(GitProcess.text(yield* run(call)))
})

/** The difference between two commits as a text for a reviewer. `truncated`: there was more than `maxBytes`. */
export const patch = Effect.fnUntraced(function* (
  dir: string,
  options: { readonly base: string; readonly head: string; readonly maxBytes: number }
): Effect.fn.Return<{ readonly text: string; readonly truncated: boolean }, GitError, ChildProcessSpawner> {
  const [from, to] = yield* Effect.all([resolve(dir, options.base), resolve(dir, options.head)])
  const shape = ["-p", "--full-index", "--unified=3", "--submodule=short", "--src-prefix=a/", "--dst-prefix=b/"]
  const call: GitProcess.Call = {
    ...(yield* fromObjects(dir, ["diff-tree", ...diffOptions, ...shape, from, to])),
    maxBytes: options.maxBytes
  }
  const result = yield* attempt(call)
  if (result.code !== 0) return yield* failed(call, result)
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
  GitError,
  ChildProcessSpawner
> {
  const commit = yield* resolve(dir, rev)
  const call: GitProcess.Call = { dir, args: ["ls-tree", "-r", "-z", "--full-tree", commit] }
  const result = yield* attempt(call)
  if (result.code !== 0) return yield* failed(call, result)
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
): Effect.fn.Return<{ readonly bytes: Uint8Array; readonly size: number }, GitError, ChildProcessSpawner> {
  const stdin = new TextEncoder().encode(`${options.object}\n`)
  // The answer begins with a line of the object's id, kind and size.
  const call: GitProcess.Call = { dir, args: ["cat-file", "--batch"], stdin, maxBytes: options.maxBytes + 200 }
  const result = yield* attempt(call)
  if (result.code !== 0) return yield* failed(call, result)
  const end = result.stdout.indexOf(10)
  const size = /^[0-9a-f]+ blob (\d+)$/.exec(GitProcess.text(result.stdout.subarray(0, end)))?.[1]
  if (size === undefined) {
    return yield* new GitError({
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
): Effect.fn.Return<ReadonlyArray<Commit>, GitError, ChildProcessSpawner> {
  const to = yield* resolve(dir, options.head)
  const range = options.base === undefined ? [to] : [to, `^${yield* resolve(dir, options.base)}`]
  const format = "--format=tformat:%H%x00%an%x00%ae%x00%at%x00%s"
  const args = ["log", "-z", format, "--encoding=UTF-8", `--max-count=${options.limit}`, ...range]
  const found = GitProcess.fields(yield* run(yield* fromObjects(dir, args)))
  return Array.from({ length: Math.floor(found.length / 5) }, (_, index): Commit => {
    const [id = "", name = "", email = "", seconds = "", subject = ""] = found.slice(index * 5, index * 5 + 5)
    return { id, author: { name, email }, at: Number(seconds) * 1_000, subject }
  })
})

/** Settings that keep a working tree's configured filters from running; an empty program is no program. */
const harmless = Effect.fnUntraced(function* (dir: string) {
  const keys = GitProcess.fields(yield* run({ dir, args: ["config", "--list", "--name-only", "-z"] }))
  if (keys.includes("core.worktree")) {
    return yield* new GitError({
      reason: "Failed",
      message:
        `The repository in ${dir} is configured to work on another folder (core.worktree). ` +
        "Remove the setting: `git config --unset core.worktree`. Submodules are not worked in."
    })
  }
  const filters = new Set(
    keys.filter((key) => key.startsWith("filter.")).map((key) => key.slice(0, key.lastIndexOf(".")))
  )
  return [...filters].flatMap(
    (name) =>
      [
        [`${name}.clean`, ""],
        [`${name}.smudge`, ""],
        [`${name}.process`, ""],
        [`${name}.required`, "false"]
      ] as const
  )
})

/** Puts everything in the working tree that is not ignored into the index. */
const stageAll = Effect.fnUntraced(function* (dir: string, config: NonNullable<GitProcess.Call["config"]>) {
  // Bytes as latin1, so that a name that is not UTF-8 stays what it is.
  const index = Buffer.from(yield* run({ dir, args: ["ls-files", "--stage", "-z"], config })).toString("latin1")
  const entries = index
    .split("\0")
    .slice(0, -1)
    .map((entry) => ({
      path: entry.slice(entry.indexOf("\t") + 1),
      isSubmodule: entry.startsWith("160000 "),
      isMerged: entry.charAt(entry.indexOf("\t") - 1) === "0"
    }))
  const unmerged = new Set(
    entries.filter(({ isMerged }) => !isMerged).map(({ path }) => Buffer.from(path, "latin1").toString())
  )
  if (unmerged.size > 0) {
    return yield* new GitError({
      reason: "Conflict",
      message: `Paths in ${dir} are not merged: ${[...unmerged].slice(0, 10).join(", ")}. Resolve them and run \`git add\`.`
    })
  }
  const submodules = entries.filter(({ isSubmodule }) => isSubmodule).map(({ path }) => path)
  const list = (paths: ReadonlyArray<string>) => Buffer.from(paths.map((path) => `${path}\0`).join(""), "latin1")
  // `git add` runs `git status` inside each submodule, with the programs that the submodule configures; this does not.
  yield* run({
    dir,
    args: ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"],
    config,
    stdin: list(submodules)
  })
  const stdin = list([":(top)", ...submodules.map((path) => `:(top,exclude,literal)${path}`)])
  yield* run({ dir, args: ["add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul"], config, stdin })
})

/** What {@link commitAll} commits, and where. */
export interface CommitOptions {
  /** The branch that the commit goes on, whatever is checked out now. It is made where it is missing, and checked out. */
  readonly branch: string
  /** The commit's only parent. What was committed on the branch after it becomes part of the one commit. */
  readonly base: string
  readonly message: string
  readonly author: Author
}

/**
 * Makes one commit, on top of `base`, of everything in the working tree that is not ignored, and answers with its id;
 * none, and the branch at `base`, when that is what `base` has. A second call with the same content answers with the
 * same commit. No hook runs, nothing is signed, no user needs to be configured.
 *
 * Fails with `Conflict` when paths are not merged.
 */
export const commitAll = Effect.fnUntraced(function* (
  dir: string,
  options: CommitOptions
): Effect.fn.Return<Option.Option<string>, GitError, ChildProcessSpawner> {
  const ref = `refs/heads/${options.branch}`
  const base = yield* resolve(dir, options.base)
  const config = yield* harmless(dir)
  const top = yield* root(dir)
  yield* stageAll(top, config)
  const tree = yield* line({ dir: top, args: ["write-tree"], config })
  const isEmpty = tree === (yield* line({ dir: top, args: ["rev-parse", "--verify", `${base}^{tree}`] }))
  const standing = isEmpty ? Option.none<string>() : yield* sameCommit(top, { ...options, base, tree })
  const commit = isEmpty
    ? base
    : Option.isSome(standing)
      ? standing.value
      : yield* commitTree(top, { ...options, base, tree })
  // Not through a symbolic ref, which could be any other branch.
  yield* run({ dir: top, args: ["update-ref", "--no-deref", "-m", "millwright: commit", ref, commit] })
  yield* run({ dir: top, args: ["symbolic-ref", "-m", "millwright: commit", "HEAD", ref] })
  return isEmpty ? Option.none() : Option.some(commit)
})

interface Sealed extends CommitOptions {
  readonly tree: string
}

const messageOf = ({ message }: CommitOptions): string => `${message.replaceAll("\0", "").trim()}\n`

const commitTree = Effect.fnUntraced(function* (dir: string, options: Sealed) {
  const date = `@${Math.floor((yield* Clock.currentTimeMillis) / 1_000)} +0000`
  const { email, name } = options.author
  return yield* line({
    dir,
    args: ["commit-tree", "--no-gpg-sign", "-p", options.base, "-F", "-", options.tree],
    stdin: new TextEncoder().encode(messageOf(options)),
    env: {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: date
    }
  })
})

/** The branch's head, when it is already the commit that would be made, its time apart. */
const sameCommit = Effect.fnUntraced(function* (dir: string, { author, base, branch, tree, ...rest }: Sealed) {
  const head = yield* branchHead(dir, branch)
  if (Option.isNone(head)) return head
  const format = "--format=tformat:%P%x00%T%x00%an%x00%ae%x00%cn%x00%ce%x00%B"
  const found = GitProcess.fields(
    yield* run(yield* fromObjects(dir, ["log", "-z", "--max-count=1", format, head.value]))
  )
  const wanted = [
    base,
    tree,
    author.name,
    author.email,
    author.name,
    author.email,
    messageOf({ author, base, branch, ...rest })
  ]
  return wanted.every((each, index) => each.trim() === found[index]?.trim()) ? head : Option.none()
})
