/** A repository of the host that workspaces are cloned from: where it keeps what, and what is asked of its branches. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Git from "../Git.ts"
import { SandboxError } from "../Sandbox.ts"
import type { HostFiles } from "./HostFiles.ts"
import * as RefFiles from "./RefFiles.ts"
import * as RefName from "./RefName.ts"

/** Where a repository keeps what. All paths are real and absolute. */
export interface Repository {
  readonly root: string
  /** The folder that all of its working trees share. */
  readonly common: string
  /** Where its objects are: its own first, then those that it borrows. */
  readonly objects: readonly [own: string, ...borrowed: ReadonlyArray<string>]
  readonly format: "sha1" | "sha256"
  /** The ids of commits whose parents it does not have, as its file `shallow` says it. */
  readonly shallow: string | undefined
}

/** What git says about a repository, and does not change while its configuration stays. */
interface Facts {
  /** Which configuration it was said of. */
  readonly stamp: string
  readonly common: string
  readonly own: string
  readonly format: Repository["format"]
}

const missing = (repository: string, why: string) =>
  new SandboxError({
    reason: "NoSuchSource",
    message: `${repository} is not the root of a git repository: ${why}. Give the folder that holds .git, or run \`git init\` there.`
  })

const ask = Effect.fnUntraced(function* ({ git, kind, path, ...host }: HostFiles, root: string) {
  // Without the ceiling, git would take the repository that a plain folder happens to lie in.
  const env = { GIT_CEILING_DIRECTORIES: path.dirname(root) }
  const asked = ["--git-common-dir", "--git-path", "objects", "--show-object-format", "--is-bare-repository"]
  const answer = yield* git(["-C", root, "rev-parse", "--path-format=absolute", ...asked], env)
  if (answer.code !== 0) return yield* missing(root, answer.stderr)
  const [common = "", own = "", format = "", isBare] = answer.stdout.split("\n")
  // The folder `.git` itself is no root.
  if (isBare === "false" && (yield* kind(path.join(root, ".git"))) === undefined) {
    return yield* missing(root, `it is a part of ${path.dirname(common)}`)
  }
  const real = (folder: string) => Effect.mapError(host.real(folder), (cause) => missing(root, cause.message))
  return {
    common: yield* real(common),
    own: yield* real(own),
    format: format === "sha256" ? ("sha256" as const) : ("sha1" as const)
  }
})

/** Finds repositories whose root a path is. What git said about one is remembered. */
export const finder = (host: HostFiles) => {
  const { fs, list, path, read, real } = host
  const known = new Map<string, Facts>()

  const stampOf = Effect.fnUntraced(function* (root: string, common: string) {
    const [dot, config] = yield* Effect.all(
      [path.join(root, ".git"), path.join(common, "config")].map((file) => Effect.option(fs.stat(file)))
    )
    const told = (info: typeof dot) =>
      info?._tag === "Some"
        ? `${info.value.dev}:${info.value.ino}:${info.value.size}:${Option.getOrUndefined(info.value.mtime)?.getTime()}`
        : ""
    // The folder `.git` is another one when it is made anew; its time changes all the while.
    const folder = dot?._tag === "Some" ? `${dot.value.dev}:${dot.value.ino}` : ""
    return `${folder} ${told(config)}`
  })
  const factsOf = Effect.fnUntraced(function* (root: string) {
    const before = known.get(root)
    if (before !== undefined && before.stamp === (yield* stampOf(root, before.common))) return before
    const facts = yield* ask(host, root)
    const told: Facts = { ...facts, stamp: yield* stampOf(root, facts.common) }
    known.set(root, told)
    return told
  })

  return Effect.fnUntraced(function* (repository: string) {
    const bad = (why: string) =>
      new SandboxError({
        reason: "BadSpec",
        message: `The repository ${JSON.stringify(repository)} can not be used: ${why}`
      })
    if (!path.isAbsolute(repository)) return yield* bad("its path is relative. Give an absolute one.")
    const root = yield* Effect.mapError(real(repository), (cause) => missing(repository, cause.message))
    if (/[\r\n]/.test(root)) {
      return yield* bad(
        `its real path, ${JSON.stringify(root)}, has a line break, which git's list of objects can not hold. Move it.`
      )
    }
    const { common, format, own } = yield* factsOf(root)
    if ((yield* list(path.join(own, "pack"))).some((name) => name.endsWith(".promisor"))) {
      return yield* bad("it is a partial clone, and a workspace can not fetch what it lacks. Give a whole clone.")
    }
    const found: Repository = {
      root,
      common,
      objects: yield* objectFolders(host, own),
      format,
      shallow: yield* read(path.join(common, "shallow"))
    }
    return found
  })
}

/** The folder and those that it borrows objects from, as git follows them. */
const objectFolders = Effect.fnUntraced(function* ({ path, read, ...host }: HostFiles, own: string) {
  const all = [own]
  for (let next = 0; next < all.length; next++) {
    const folder = all[next] ?? own
    const text = (yield* read(path.join(folder, "info", "alternates"))) ?? ""
    for (const line of text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))) {
      if (line.startsWith('"')) {
        return yield* new SandboxError({
          reason: "BadSpec",
          message: `${folder} borrows objects from a folder with an odd name: ${line}. Run \`git repack -a -d\` there and remove info/alternates.`
        })
      }
      const real = yield* Effect.option(host.real(path.resolve(folder, line)))
      if (real._tag === "Some" && !all.includes(real.value)) all.push(real.value)
    }
  }
  const [, ...borrowed] = all
  return [own, ...borrowed] as const
})

/** Refuses what is no name of a branch. */
export const checkName = (branch: string): Effect.Effect<void, SandboxError> =>
  RefName.isBranch(branch)
    ? Effect.void
    : Effect.fail(
        new SandboxError({
          reason: "BadSpec",
          message: `${JSON.stringify(branch.slice(0, 120))} is no name of a branch. \`git help check-ref-format\` says what is.`
        })
      )

/** Where branches stand. Tags of these names are answered as well, under their full names. */
export const branches = Effect.fnUntraced(function* (
  host: HostFiles,
  repository: Repository,
  names: ReadonlyArray<string>
) {
  const known = yield* RefFiles.branches(host, repository.common, names)
  if (known !== undefined) return known
  const format = "--format=%(refname)%00%(objectname)%00%(worktreepath)"
  const refs = names.flatMap((name) => [`refs/heads/${name}`, `refs/tags/${name}`])
  const answer = yield* Git.text(
    host.git(["-C", repository.root, "for-each-ref", format, "--", ...refs]),
    "Looking for branches"
  )
  const found = new Map<string, RefFiles.Branch>()
  for (const line of answer.split("\n")) {
    const [ref, head, worktree] = line.split("\0")
    // A bare repository names itself.
    const isNone = worktree === undefined || worktree === "" || worktree === repository.common
    if (ref !== undefined) found.set(ref, { head, worktree: isNone ? undefined : worktree })
  }
  return found
})

/** Where a branch stands. */
export const branch = (host: HostFiles, repository: Repository, name: string) =>
  Effect.map(
    branches(host, repository, [name]),
    (found): RefFiles.Branch => found.get(`refs/heads/${name}`) ?? { head: undefined, worktree: undefined }
  )

/** The commit that a revision names. */
export const resolve = Effect.fnUntraced(function* (host: HostFiles, repository: Repository, revision: string) {
  if (revision === "" || /[\0\r\n]/.test(revision)) return undefined
  const known = revision === "HEAD" ? yield* RefFiles.head(host, repository) : undefined
  if (known !== undefined) return known
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`]
  const { code, stdout } = yield* host.git(["-C", repository.root, ...args])
  return code === 0 ? stdout : undefined
})

/** Whether a text is the full id of an object. */
export const isId = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
