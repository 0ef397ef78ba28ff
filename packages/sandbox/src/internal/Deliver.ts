/**
 * Brings the commits of a workspace to the branch of its repository.
 *
 * The workspace is hostile. Of what it says only two things are taken: the id of a commit, and a pack of objects, which the
 * host's git checks object by object (`--strict`), up to a size, in a folder beside the repository's objects. Only when the
 * commit is whole do the objects move in, and the branch, by compare and swap, on to it: forward, or to another commit that
 * follows where the branch stood when the workspace was new, as long as nobody else has moved it since. No ref, no name and
 * no configuration of the workspace is read, so what it has rewritten can do no more than let this fail.
 */
import * as Effect from "effect/Effect"
import { SandboxError } from "../Sandbox.ts"
import type { Companion } from "../SandboxSpec.ts"
import type { HostFiles } from "./HostFiles.ts"
import * as InsideCall from "./InsideCall.ts"
import * as OwnFolder from "./OwnFolder.ts"
import * as Receive from "./Receive.ts"
import * as Repository from "./Repository.ts"

/** What is brought where. */
interface Options {
  readonly inside: InsideCall.Inside
  readonly directory: string
  readonly repository: Repository.Repository
  /** Where objects are checked. Nobody else uses it. */
  readonly incoming: string
  readonly branch: string
  /** Where the branch stood when the workspace was new. */
  readonly origin: string
  /** Where the branch stood when the workspace was opened. */
  readonly known: string
  /** The branch that is moved forward as well. */
  readonly base: string | undefined
}

/** What is brought of the workspace of a spec; `name` is the workspace's. */
export interface Asked extends Pick<Options, "directory" | "repository" | "origin" | "known"> {
  readonly name: string
  readonly spec: Companion
}

/** What brings the commits, as often as it is asked. Fails when they can not be brought; then they stay in the workspace. */
export const make = (host: HostFiles, { name, spec, ...asked }: Asked) => {
  const options = {
    ...asked,
    incoming: OwnFolder.incoming(host, asked.repository, name),
    branch: spec.branch,
    base: spec.deliver === "Merge" ? spec.base : undefined
  }
  let known = asked.known
  return (inside: InsideCall.Inside): Effect.Effect<void, SandboxError> =>
    Effect.suspend(() =>
      Effect.map(deliver(host, { ...options, inside, known }), (brought) => {
        known = brought
      })
    )
}

const deliver = Effect.fnUntraced(function* (host: HostFiles, options: Options) {
  const { base, branch, directory, known, origin, repository } = options
  const tip = yield* tipOf(options)
  if (tip === known && base === undefined) return tip
  const stays = (reason: SandboxError["reason"], why: string) =>
    new SandboxError({
      reason,
      message:
        `The commits of ${directory} were not brought to the branch ${branch} of ${repository.root}: ${why} They stay in the ` +
        `workspace, as ${tip} on its branch ${branch}, and closing it the next time tries again.`
    })
  const next = Effect.fnUntraced(function* (name: string, env: Readonly<Record<string, string>>) {
    const { head, worktree } = yield* Repository.branch(host, repository, name)
    if (head === tip) return undefined
    if (worktree !== undefined) {
      return yield* stays("Busy", `${name} is checked out in ${worktree}. Switch that to another branch.`)
    }
    if (head === undefined) return { name, from: "" }
    const isIn = (older: string, newer: string) =>
      Effect.map(
        host.git(["-C", repository.root, "merge-base", "--is-ancestor", older, newer], env),
        ({ code }) => code === 0
      )
    if (yield* isIn(head, tip)) return { name, from: head }
    if (name === branch && head === known && (yield* isIn(origin, tip))) return { name, from: head }
    if (yield* isIn(tip, head)) return undefined
    return yield* stays(
      "SetupFailed",
      `${name} was moved to ${head.slice(0, 12)} by somebody else. Open the workspace and rebase on that commit.`
    )
  })
  const move = Effect.fnUntraced(function* (to: { readonly name: string; readonly from: string } | undefined) {
    if (to === undefined) return
    const args = ["update-ref", "-m", "millwright: deliver", `refs/heads/${to.name}`, tip, to.from]
    const { code, stderr } = yield* host.git(["-C", repository.root, ...args])
    if (code !== 0) return yield* stays("Busy", `${to.name} was moved just now, or is locked: ${stderr}.`)
  })

  const there = yield* Repository.resolve(host, repository, tip)
  if (there === undefined) {
    yield* Receive.receive(host, { ...options, known, tip, stays, check: (env) => next(branch, env) })
  }
  yield* move(yield* next(branch, {}))
  if (base !== undefined && base !== branch) {
    const target = base.replace(/^refs\/heads\//, "")
    // A tag or a commit can not be moved forward.
    if ((yield* Repository.branch(host, repository, target)).head !== undefined) yield* move(yield* next(target, {}))
  }
  return tip
})

/** The commit that the branch of the workspace stands on. */
const tipOf = Effect.fnUntraced(function* ({ branch, directory, inside, known }: Options) {
  const args = ["-C", directory, "rev-parse", "-q", "--verify", `refs/heads/${branch}^{commit}`]
  const doing = `Looking for commits in ${directory}`
  const { code, stdout } = yield* InsideCall.run(inside, { doing, directory, command: "git", args, timeout: 10_000 })
  if (code === 0 && Repository.isId(stdout) && stdout.length === known.length) return stdout
  return yield* new SandboxError({
    reason: "SetupFailed",
    message: `${directory} has no branch ${branch} any more, or its .git is damaged, so no commits were brought to the repository. Open it again to have it mended.`
  })
})
