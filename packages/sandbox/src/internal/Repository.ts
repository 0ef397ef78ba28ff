/** A repository of the host that workspaces are cloned from: where it keeps what, and what is asked of its branches. */
import * as Effect from "effect/Effect"
import * as Git from "../Git.ts"
import { SandboxError } from "../Sandbox.ts"
import type { HostFiles } from "./HostFiles.ts"

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

/** Where a branch stands. */
export interface Branch {
  readonly head: string | undefined
  /** The working tree that has it checked out. */
  readonly worktree: string | undefined
}

/** Finds the repository whose root a path is. */
export const find = Effect.fnUntraced(function* (host: HostFiles, repository: string) {
  const { fs, git, kind, list, path, read } = host
  const missing = (why: string) =>
    new SandboxError({
      reason: "NoSuchSource",
      message: `${repository} is not the root of a git repository: ${why}. Give the folder that holds .git, or run \`git init\` there.`
    })
  if (!path.isAbsolute(repository)) {
    return yield* new SandboxError({
      reason: "BadSpec",
      message: `The path of the repository ${JSON.stringify(repository)} is relative. Give an absolute one.`
    })
  }
  const root = yield* Effect.mapError(fs.realPath(repository), (cause) => missing(cause.message))
  if (/[\r\n]/.test(root)) {
    return yield* new SandboxError({
      reason: "BadSpec",
      message: `The real path of the repository, ${JSON.stringify(root)}, has a line break, which git's list of objects can not hold. Move it.`
    })
  }
  // Without the ceiling, git would take the repository that a plain folder happens to lie in.
  const env = { GIT_CEILING_DIRECTORIES: path.dirname(root) }
  const asked = [
    "--path-format=absolute",
    "--git-common-dir",
    "--git-path",
    "objects",
    "--git-path",
    "shallow",
    "--show-object-format",
    "--is-bare-repository"
  ]
  const answer = yield* git(["-C", root, "rev-parse", ...asked], env)
  if (answer.code !== 0) return yield* missing(answer.stderr)
  const [common = "", own = "", shallowFile = "", format = "", isBare] = answer.stdout.split("\n")
  // A folder below the root of a working tree is not a root: there a bare repository or `.git` is.
  if (isBare === "false" && (yield* kind(path.join(root, ".git"))) === undefined) {
    return yield* missing(`it lies in the repository ${path.dirname(common)}`)
  }
  if ((yield* list(path.join(own, "pack"))).some((name) => name.endsWith(".promisor"))) {
    return yield* new SandboxError({
      reason: "BadSpec",
      message: `${root} is a partial clone, and a workspace can not fetch what it lacks. Give a whole clone.`
    })
  }
  const found: Repository = {
    root,
    common: yield* Effect.mapError(fs.realPath(common), (cause) => missing(cause.message)),
    objects: yield* objectFolders(host, own),
    format: format === "sha256" ? format : "sha1",
    shallow: yield* read(shallowFile)
  }
  return found
})

/** The folder and those that it borrows objects from, as git follows them. */
const objectFolders = Effect.fnUntraced(function* ({ attempt, fs, path, read }: HostFiles, own: string) {
  const first = yield* attempt(`Looking for the objects of a repository`, fs.realPath(own))
  const all = [first]
  for (let next = 0; next < all.length; next++) {
    const folder = all[next] ?? first
    const text = (yield* read(path.join(folder, "info", "alternates"))) ?? ""
    for (const line of text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))) {
      if (line.startsWith('"')) {
        return yield* new SandboxError({
          reason: "BadSpec",
          message: `${folder} borrows objects from a folder with an odd name: ${line}. Run \`git repack -a -d\` there and remove info/alternates.`
        })
      }
      const real = yield* Effect.option(fs.realPath(path.resolve(folder, line)))
      if (real._tag === "Some" && !all.includes(real.value)) all.push(real.value)
    }
  }
  const [, ...borrowed] = all
  return [first, ...borrowed] as const
})

/** Refuses what is no name of a branch. */
export const checkName = Effect.fnUntraced(function* ({ git }: HostFiles, branch: string) {
  const isName = !/[\0\r\n]/.test(branch) && !branch.startsWith("-")
  const { code } = isName ? yield* git(["check-ref-format", `refs/heads/${branch}`]) : { code: 1 }
  if (code === 0) return
  return yield* new SandboxError({
    reason: "BadSpec",
    message: `${JSON.stringify(branch.slice(0, 120))} is no name of a branch. \`git help check-ref-format\` says what is.`
  })
})

/** Asks where a branch stands. */
export const branch = Effect.fnUntraced(function* ({ git }: HostFiles, repository: Repository, name: string) {
  const ref = `refs/heads/${name}`
  const format = "--format=%(refname)%00%(objectname)%00%(worktreepath)"
  const answer = yield* Git.text(
    git(["-C", repository.root, "for-each-ref", format, "--", ref]),
    `Looking for the branch ${name}`
  )
  for (const line of answer.split("\n")) {
    const [is, head, worktree] = line.split("\0")
    // A bare repository names itself.
    if (is === ref) {
      const isNone = worktree === undefined || worktree === "" || worktree === repository.common
      return { head, worktree: isNone ? undefined : worktree } satisfies Branch
    }
  }
  return { head: undefined, worktree: undefined } satisfies Branch
})

/** The commit that a revision names. */
export const resolve = Effect.fnUntraced(function* ({ git }: HostFiles, repository: Repository, revision: string) {
  if (revision === "" || /[\0\r\n]/.test(revision)) return undefined
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`]
  const { code, stdout } = yield* git(["-C", repository.root, ...args])
  return code === 0 ? stdout : undefined
})

/** Whether a text is the full id of an object. */
export const isId = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
