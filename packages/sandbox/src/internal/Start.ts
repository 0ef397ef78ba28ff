/** Where a workspace starts: the branch of its repository, made when it is not there, or moved back. */
import * as Effect from "effect/Effect"
import * as Git from "../Git.ts"
import { SandboxError } from "../Sandbox.ts"
import type { Companion } from "../SandboxSpec.ts"
import type { HostFiles } from "./HostFiles.ts"
import * as RefName from "./RefName.ts"
import * as Repository from "./Repository.ts"

/** Where a workspace starts. */
export interface Start {
  readonly branch: string
  readonly commit: string
  /** Whether the branch was made just now. */
  readonly isMade: boolean
  /** The commit that it is moved back to. */
  readonly at: string | undefined
}

/** Where the branch stands; it is made when it is not there. */
export const make = Effect.fnUntraced(function* (
  host: HostFiles,
  repository: Repository.Repository,
  { base, branch, fresh }: Companion
) {
  const { git } = host
  yield* Repository.checkName(branch)
  const isBranch = RefName.isBranch(base)
  const found = yield* Repository.branches(host, repository, isBranch ? [branch, base] : [branch])
  const { head, worktree } = found.get(`refs/heads/${branch}`) ?? {}
  if (worktree !== undefined) {
    return yield* new SandboxError({
      reason: "Busy",
      message: `The branch ${branch} is checked out in ${worktree}, where nobody may move it from here. Switch that to another branch, or name another one here.`
    })
  }
  const ref = `refs/heads/${branch}`
  const update = (to: string, from: string) =>
    Git.text(git(["-C", repository.root, "update-ref", ref, to, from]), `Moving the branch ${branch}`)
  if (head === undefined) {
    const isTag = found.has(`refs/tags/${base}`)
    const named = isTag ? undefined : found.get(`refs/heads/${base}`)?.head
    const commit = named ?? (yield* Repository.resolve(host, repository, base))
    if (commit === undefined) {
      return yield* new SandboxError({
        reason: "NoSuchSource",
        message:
          `${repository.root} has no commit ${JSON.stringify(base.slice(0, 120))}, at which the branch ${branch} shall start. Give a ` +
          `commit, branch or tag that \`git log\` shows there; an empty repository needs a first commit.`
      })
    }
    yield* update(commit, "")
    return { branch, commit, isMade: true, at: undefined } satisfies Start
  }
  if (typeof fresh !== "object") return { branch, commit: head, isMade: false, at: undefined } satisfies Start
  const at = yield* Repository.resolve(host, repository, fresh.at)
  if (at === undefined && !Repository.isId(fresh.at)) {
    return yield* new SandboxError({
      reason: "NoSuchSource",
      message: `${repository.root} has no commit ${JSON.stringify(fresh.at.slice(0, 120))} to move the branch ${branch} back to.`
    })
  }
  if (at !== undefined && at !== head) yield* update(at, head)
  // What was never brought to the repository may still be in the workspace.
  return { branch, commit: at ?? head, isMade: false, at: at ?? fresh.at } satisfies Start
})

/** Removes the branch that was made just now, as long as nobody has moved it. */
export const withdraw = ({ git }: HostFiles, { root }: Repository.Repository, { branch, commit }: Start) =>
  Effect.ignore(git(["-C", root, "update-ref", "-d", `refs/heads/${branch}`, commit]))
