/**
 * The one commit that the host makes of what an agent left in a working tree. As in `Git`, no program that the repository
 * names is run, and nothing that is configured changes what is committed.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Git from "./Git.ts"
import * as GitCall from "./internal/GitCall.ts"
import type * as GitProcess from "./internal/GitProcess.ts"

/** Puts everything in the working tree that is not ignored into the index. */
const stageAll = Effect.fnUntraced(function* (dir: string, config: NonNullable<GitProcess.Call["config"]>) {
  // Bytes as latin1, so that a name that is not UTF-8 stays what it is.
  const index = Buffer.from(yield* GitCall.run({ dir, args: ["ls-files", "--stage", "-z"], config })).toString("latin1")
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
    return yield* new Git.GitError({
      reason: "Conflict",
      message: `Paths in ${dir} are not merged: ${[...unmerged].slice(0, 10).join(", ")}. Resolve them and run \`git add\`.`
    })
  }
  const submodules = entries.filter(({ isSubmodule }) => isSubmodule).map(({ path }) => path)
  const list = (paths: ReadonlyArray<string>) => Buffer.from(paths.map((path) => `${path}\0`).join(""), "latin1")
  // `git add` runs `git status` inside each submodule, with the programs that the submodule configures; this does not.
  yield* GitCall.run({
    dir,
    args: ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"],
    config,
    stdin: list(submodules)
  })
  const stdin = list([":(top)", ...submodules.map((path) => `:(top,exclude,literal)${path}`)])
  yield* GitCall.run({ dir, args: ["add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul"], config, stdin })
})

/** What {@link commitAll} commits, and where. */
export interface CommitOptions {
  /** The branch that the commit goes on, whatever is checked out now. It is made where it is missing, and checked out. */
  readonly branch: string
  /** The commit's only parent. What was committed on the branch after it becomes part of the one commit. */
  readonly base: string
  readonly message: string
  readonly author: Git.Author
  /** Signs the commit with a key that the house gives; without it, nothing is signed. */
  readonly sign?: Sign
}

/** Answers with the signature, in armor, of a commit as git stores it. The same commit has to get the same signature. */
export type Sign = (commit: Uint8Array) => Effect.Effect<string, Git.GitError>

/**
 * Makes one commit, on top of `base`, of everything in the working tree that is not ignored, and answers with its id;
 * none, and the branch at `base`, when that is what `base` has. A second call with the same content answers with the
 * same commit. No hook runs and no user needs to be configured. Whatever is configured,
 * nothing is signed but by {@link CommitOptions.sign}, and no program and no agent of keys is asked.
 *
 * Fails with `Conflict` when paths are not merged.
 */
export const commitAll = Effect.fnUntraced(function* (
  dir: string,
  options: CommitOptions
): Effect.fn.Return<Option.Option<string>, Git.GitError, ChildProcessSpawner> {
  const ref = `refs/heads/${options.branch}`
  const base = yield* Git.resolve(dir, options.base)
  const config = yield* GitCall.harmless(dir)
  const top = yield* Git.root(dir)
  yield* stageAll(top, config)
  const tree = yield* GitCall.line({ dir: top, args: ["write-tree"], config })
  const isEmpty = tree === (yield* GitCall.line({ dir: top, args: ["rev-parse", "--verify", `${base}^{tree}`] }))
  const standing = isEmpty ? Option.none<string>() : yield* sameCommit(top, { ...options, base, tree })
  const commit = isEmpty
    ? base
    : Option.isSome(standing)
      ? standing.value
      : yield* commitTree(top, { ...options, base, tree, at: Math.floor((yield* Clock.currentTimeMillis) / 1_000) })
  // Not through a symbolic ref, which could be any other branch.
  yield* GitCall.run({ dir: top, args: ["update-ref", "--no-deref", "-m", "millwright: commit", ref, commit] })
  yield* GitCall.run({ dir: top, args: ["symbolic-ref", "-m", "millwright: commit", "HEAD", ref] })
  return isEmpty ? Option.none() : Option.some(commit)
})

interface Sealed extends CommitOptions {
  readonly tree: string
}

const messageOf = ({ message }: CommitOptions): string => `${message.replaceAll("\0", "").trim()}\n`

const commitTree = Effect.fnUntraced(function* (dir: string, { at, ...options }: Sealed & { readonly at: number }) {
  const date = `@${at} +0000`
  const { email, name } = options.author
  const id = yield* GitCall.line({
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
  return options.sign === undefined ? id : yield* signed(dir, id, options.sign)
})

/** The commit with its signature among its headers, as git writes it. */
const signed = Effect.fnUntraced(function* (dir: string, id: string, sign: Sign) {
  const bytes = yield* GitCall.run({ dir, args: ["cat-file", "commit", id] })
  const key = id.length === 64 ? "gpgsig-sha256" : "gpgsig"
  const header = `${key} ${(yield* sign(bytes)).trim().replaceAll("\n", "\n ")}\n`
  const end = Buffer.from(bytes).indexOf("\n\n") + 1
  const stdin = Buffer.concat([bytes.subarray(0, end), Buffer.from(header), bytes.subarray(end)])
  return yield* GitCall.line({ dir, args: ["hash-object", "-t", "commit", "-w", "--stdin"], stdin })
})

/** The branch's head, when it is already the commit that would be made: made again with its time, it is the same one. */
const sameCommit = Effect.fnUntraced(function* (dir: string, options: Sealed) {
  const head = yield* Git.branchHead(dir, options.branch)
  if (Option.isNone(head)) return head
  const at = yield* GitCall.line(yield* GitCall.fromObjects(dir, ["log", "--max-count=1", "--format=%at", head.value]))
  if (!/^\d{1,10}$/.test(at)) return Option.none()
  return (yield* commitTree(dir, { ...options, at: Number(at) })) === head.value ? head : Option.none()
})
