/** The branch that a workspace started from, moved forward to what was committed, where nothing stands between the two. */
import * as Effect from "effect/Effect"
import { SandboxError } from "../Sandbox.ts"
import type { Companion } from "../SandboxSpec.ts"
import type { HostFiles } from "./HostFiles.ts"
import * as Repository from "./Repository.ts"

/** Makes what moves base branches forward. A base that is no branch stays, and so does one that is as far. */
export const make = (host: HostFiles) => {
  const find = Repository.finder(host)
  return Effect.fnUntraced(function* ({ base, branch, repository: root }: Companion) {
    const repository = yield* find(root)
    const name = base.replace(/^refs\/heads\//, "")
    const { head: tip } = yield* Repository.branch(host, repository, branch)
    const { head, worktree } = yield* Repository.branch(host, repository, name)
    if (name === branch || tip === undefined || head === undefined || head === tip) return
    const stays = (reason: SandboxError["reason"], why: string) =>
      new SandboxError({
        reason,
        message: `The branch ${name} of ${repository.root} was not moved forward to ${branch}: ${why} The commits are on ${branch}, and closing the workspace the next time tries again.`
      })
    const git = (...args: ReadonlyArray<string>) => host.git(["-C", repository.root, ...args])
    if ((yield* git("merge-base", "--is-ancestor", tip, head)).code === 0) return
    if (worktree !== undefined) {
      return yield* stays("Busy", `it is checked out in ${worktree}. Switch that to another branch.`)
    }
    if ((yield* git("merge-base", "--is-ancestor", head, tip)).code !== 0) {
      return yield* stays("SetupFailed", `it has commits that ${branch} has not. Rebase on ${head.slice(0, 12)}.`)
    }
    const ref = `refs/heads/${name}`
    const { code, stderr } = yield* git("update-ref", "-m", "millwright: deliver", ref, tip, head)
    if (code !== 0) return yield* stays("Busy", `it was moved just now, or is locked: ${stderr}.`)
  })
}
