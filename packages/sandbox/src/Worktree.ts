/**
 * A git worktree as the workspace of an id: made, found again after a crash, and removed.
 *
 * It lives at `<repository>/.millwright/worktrees/<id>`. Only what must not happen twice at once is done under the lock
 * of the repository, and takes milliseconds; files are checked out outside of it, so workspaces are filled in parallel.
 * Git's own notes about a worktree (its *admin* folder) are looked up from the repository's side and never through the
 * `.git` file of the workspace, which whatever ran there could have rewritten.
 */
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import * as Checkout from "./Git.ts"
import { SandboxError } from "./Sandbox.ts"
import type { Companion } from "./SandboxSpec.ts"
import * as WorkspaceLock from "./WorkspaceLock.ts"

/** Where things are. All paths are real and absolute. */
export interface Place {
  readonly id: string
  readonly root: string
  /** The workspace. */
  readonly directory: string
  /** Held while the workspace is open. */
  readonly lock: string
  /** Held while a worktree of the repository is made or removed. */
  readonly repositoryLock: string
}

/** A worktree that is open. */
export interface Workspace {
  /** Whether it was made just now. It stays new, and is made anew by the next opening, until `finish` was called. */
  readonly isNew: boolean
  readonly finish: Effect.Effect<void, SandboxError>
}

const isThere = ({ reason }: PlatformError) => reason._tag === "AlreadyExists"

/** What can be done with worktrees, with the services of the host. */
export const make = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner
  const git = Checkout.make(spawner)
  const ask = Effect.provideService(ChildProcessSpawner, spawner)
  const failed = (what: string) => (cause: PlatformError) =>
    new SandboxError({
      reason: "SetupFailed",
      message: `${what} failed: ${cause.message}. Mend that and open the sandbox again.`,
      cause
    })
  const files = <A, R>(what: string, effect: Effect.Effect<A, PlatformError, R>) =>
    Effect.mapError(effect, failed(what))

  /** Finds the repository, and makes the folders that locks and workspaces live in. */
  const locate = Effect.fnUntraced(function* (spec: Pick<Companion, "repository"> & { readonly id: string }) {
    const root = yield* repositoryRoot(spec.repository)
    const own = path.join(root, ".millwright")
    const place: Place = {
      id: spec.id,
      root,
      directory: path.join(own, "worktrees", spec.id),
      lock: path.join(own, "locks", spec.id),
      repositoryLock: path.join(own, "locks", "+repository")
    }
    yield* files(
      `Making the folder ${own}`,
      Effect.gen(function* () {
        yield* fs.makeDirectory(own, { recursive: true })
        // Also where whoever made the folder was cancelled, or killed, before it could hide it.
        const hide = fs.writeFileString(path.join(own, ".gitignore"), "*\n", { flag: "wx" })
        yield* Effect.catchIf(hide, isThere, () => Effect.void)
        for (const file of [place.directory, place.lock]) {
          yield* fs.makeDirectory(path.dirname(file), { recursive: true })
        }
      }).pipe(Effect.uninterruptible)
    )
    for (const file of [place.directory, place.lock]) {
      const real = yield* files(`Looking at ${own}`, fs.realPath(path.dirname(file)))
      if (real !== path.dirname(file)) {
        return yield* new SandboxError({
          reason: "SetupFailed",
          message: `${path.dirname(file)} is a symbolic link to ${real}; workspaces are made inside of the repository only. Remove it.`
        })
      }
    }
    return place
  })

  const repositoryRoot = Effect.fnUntraced(function* (repository: string) {
    const missing = (why: string) =>
      new SandboxError({
        reason: "NoSuchSource",
        message: `${repository} is not the root of a git repository: ${why}. Give the folder that holds .git, or run \`git init\` there.`
      })
    const root = yield* Effect.mapError(fs.realPath(repository), (cause) => missing(cause.message))
    // Without the ceiling, git would take the repository that a plain folder happens to lie in.
    const env = { GIT_CEILING_DIRECTORIES: path.dirname(root) }
    const answer = yield* git(["-C", root, "rev-parse", "--is-bare-repository"], env)
    if (answer.code !== 0) return yield* missing(answer.stderr)
    if (answer.stdout === "true") return root
    const top = yield* Effect.mapError(ask(Git.root(root)), (error) => missing(error.message))
    if ((yield* Effect.mapError(fs.realPath(top), (cause) => missing(cause.message))) !== root) {
      return yield* missing(`that is ${top}`)
    }
    return root
  })

  /** The admin folders of the repository's worktrees, with the workspace that each belongs to. */
  const admins = Effect.fnUntraced(function* ({ root }: Place) {
    const common = yield* Effect.mapError(ask(Git.commonDir(root)), Checkout.fromGit)
    const folder = path.join(common, "worktrees")
    const names = yield* Effect.orElseSucceed(fs.readDirectory(folder), () => [])
    return yield* Effect.forEach(names, (name) =>
      Effect.map(
        Effect.orElseSucceed(fs.readFileString(path.join(folder, name, "gitdir")), () => ""),
        (gitdir) => ({ admin: path.join(folder, name), workspace: path.dirname(gitdir.trim()) })
      )
    )
  })

  const remove = (file: string) => files(`Removing ${file}`, fs.remove(file, { recursive: true, force: true }))
  const exists = (file: string) => Effect.orElseSucceed(fs.exists(file), () => false)
  // No id has a `~`, so no other workspace is called like this.
  const salvageOf = (place: Place) => `${place.directory}~`
  const readyOf = (admin: string) => path.join(admin, "millwright")
  const inside = (admin: string, place: Place) => (args: ReadonlyArray<string>) =>
    git(["-C", place.directory, `--git-dir=${admin}`, `--work-tree=${place.directory}`, ...args])

  /** Lets the `.git` file of the workspace point where it belongs; never writes through a link. */
  const mendPointer = (place: Place, admin: string) => {
    const file = path.join(place.directory, ".git")
    const pointer = `gitdir: ${admin}\n`
    const write = Effect.andThen(fs.remove(file, { force: true }), fs.writeFileString(file, pointer, { flag: "wx" }))
    return files(
      `Mending ${file}`,
      Effect.flatMap(Effect.option(fs.readFileString(file)), (is) =>
        is._tag === "Some" && is.value === pointer ? Effect.void : write
      )
    )
  }

  /** Makes the branch when it is not there. Answers with the commit that it was made at. */
  const ensureBranch = Effect.fnUntraced(function* (place: Place, { base, branch }: Companion) {
    const ref = `refs/heads/${branch}`
    const isName = yield* git(["check-ref-format", ref])
    if (isName.code !== 0 || branch.startsWith("-")) {
      return yield* new SandboxError({
        reason: "BadSpec",
        message: `${JSON.stringify(branch.slice(0, 120))} is no name of a branch. \`git help check-ref-format\` says what is.`
      })
    }
    const there = yield* Effect.mapError(ask(Git.branchHead(place.root, branch)), Checkout.fromGit)
    if (there._tag === "Some") return undefined
    const start = yield* Effect.mapError(ask(Git.resolve(place.root, base)), (error) =>
      error.reason === "UnknownRevision" || error.reason === "NoCommits"
        ? new SandboxError({
            reason: "NoSuchSource",
            message:
              `${place.root} has no commit ${JSON.stringify(base.slice(0, 120))}, at which the branch ${branch} shall start. Give a ` +
              `commit, branch or tag that \`git log\` shows there; an empty repository needs a first commit.`
          })
        : Checkout.fromGit(error)
    )
    yield* Checkout.text(git(["-C", place.root, "update-ref", ref, start, ""]), `Making the branch ${branch}`)
    return start
  })

  /** Leaves a workspace that is registered with git, and says what is still to do with its files. */
  const register = Effect.fnUntraced(function* (place: Place, spec: Companion) {
    const all = yield* admins(place)
    const own = path.dirname(place.directory)
    for (const { admin, workspace } of all) {
      // Of our own only: a worktree of somebody else may be on a disk that is not mounted.
      if (path.dirname(workspace) === own && !(yield* exists(workspace))) yield* remove(admin)
    }
    const ours = all.find(({ workspace }) => workspace === place.directory)
    const isThere = yield* exists(place.directory)
    if (ours !== undefined && isThere && (yield* exists(readyOf(ours.admin)))) {
      yield* mendPointer(place, ours.admin)
      const { code } = yield* inside(ours.admin, place)(["rev-parse", "--git-common-dir"])
      if (code === 0) return { _tag: "Reused", admin: ours.admin, made: yield* ensureBranch(place, spec) } as const
    } else if (ours !== undefined && isThere) {
      // Nothing has run in a workspace that was never ready.
      yield* remove(place.directory)
    }
    if (ours !== undefined) yield* remove(ours.admin)
    const made = yield* ensureBranch(place, spec)
    const salvage = salvageOf(place)
    if (yield* exists(place.directory)) {
      yield* (yield* exists(salvage))
        ? remove(place.directory)
        : files(`Moving ${place.directory}`, fs.rename(place.directory, salvage))
    }
    yield* Checkout.text(
      git(["-C", place.root, "worktree", "add", "--no-checkout", place.directory, spec.branch]),
      `Making the worktree ${place.directory}`
    ).pipe(Effect.onError(() => withdraw(place, spec, made)))
    const admin = (yield* admins(place)).find(({ workspace }) => workspace === place.directory)?.admin
    if (admin === undefined) {
      return yield* new SandboxError({
        reason: "SetupFailed",
        message: `Git made ${place.directory}, but has no notes about it. Run \`git worktree list\` in ${place.root}.`
      })
    }
    return { _tag: "Made", admin, made } as const
  })

  /** Removes the branch that was made just now, as long as nobody has moved it. */
  const withdraw = (place: Place, { branch }: Companion, made: string | undefined) =>
    made === undefined || made === ""
      ? Effect.void
      : Effect.ignore(git(["-C", place.root, "update-ref", "-d", `refs/heads/${branch}`, made]))

  /** Fills a new workspace: with what was left of it, or else from the commit. */
  const fill = Effect.fnUntraced(function* (place: Place, admin: string) {
    const salvage = salvageOf(place)
    const left = (yield* Effect.orElseSucceed(fs.readDirectory(salvage), () => [])).filter((name) => name !== ".git")
    const mode = left.length === 0 ? ["--hard"] : []
    for (const name of left) {
      yield* files("Moving what was left", fs.rename(path.join(salvage, name), path.join(place.directory, name)))
    }
    yield* remove(salvage)
    const reset = yield* inside(admin, place)(["-c", "checkout.workers=0", "reset", "-q", ...mode])
    if (reset.code !== 0) return yield* Checkout.refusal(reset.stderr, `Checking out ${place.directory}`)
  })

  const finish = (admin: string) => files("Finishing the workspace", fs.writeFileString(readyOf(admin), "ready\n"))

  /** Brings a workspace that was there before to its branch. */
  const renew = Effect.fnUntraced(function* (place: Place, spec: Companion, admin: string) {
    const run = inside(admin, place)
    const doing = `Opening ${place.directory}`
    // The workspace is locked by us, so whatever held these is gone.
    for (const name of yield* Effect.orElseSucceed(fs.readDirectory(admin), () => [])) {
      if (name.endsWith(".lock")) yield* remove(path.join(admin, name))
    }
    if (spec.fresh !== undefined && spec.fresh !== false) {
      const at =
        spec.fresh === true
          ? []
          : [yield* Effect.mapError(ask(Git.resolve(spec.repository, spec.fresh.at)), Checkout.fromGit)]
      yield* run(["rebase", "--quit"])
      yield* run(["am", "--quit"])
      yield* run(["bisect", "reset", "HEAD"])
      yield* Checkout.text(run(["-c", "checkout.workers=0", "checkout", "-q", "-f", spec.branch, "--"]), doing)
      yield* Checkout.text(run(["-c", "checkout.workers=0", "reset", "-q", "--hard", ...at]), doing)
      yield* Checkout.text(run(["clean", "-q", "-ffd"]), doing)
      return
    }
    const head = yield* run(["symbolic-ref", "-q", "HEAD"])
    if (head.stdout === `refs/heads/${spec.branch}`) return
    const stays = (why: string) =>
      new SandboxError({
        reason: "SetupFailed",
        message:
          `The workspace ${place.directory} is on ${head.stdout || "a detached HEAD"} and not on ${spec.branch}, and ${why}. Commit ` +
          `there what shall stay, or open it with \`fresh\`.`
      })
    if (
      head.code !== 0 &&
      (yield* run(["merge-base", "--is-ancestor", "HEAD", `refs/heads/${spec.branch}`])).code !== 0
    ) {
      return yield* stays("its commits are on no branch")
    }
    const switched = yield* run(["switch", "-q", "--no-guess", spec.branch])
    if (switched.code === 0) return
    const error = Checkout.refusal(switched.stderr, doing)
    return yield* error.reason === "Busy" ? error : stays(`git can not switch it: ${switched.stderr}`)
  })

  const locked = (place: Place) => WorkspaceLock.holding(place.repositoryLock)

  /** Takes a workspace away, with git's notes about it. The branch stays. */
  const discard = (place: Place) =>
    Effect.gen(function* () {
      for (const { admin, workspace } of yield* admins(place)) {
        if (workspace === place.directory) yield* remove(admin)
      }
      yield* remove(place.directory)
      yield* remove(salvageOf(place))
    }).pipe(locked(place), Effect.uninterruptible)

  /** Takes away what an opening that failed has made, with what its set-up committed on a branch that it made. */
  const undo = Effect.fnUntraced(function* (
    place: Place,
    spec: Companion,
    { admin, made }: { readonly admin: string; readonly made: string | undefined }
  ) {
    // What this worktree committed last: where somebody else has moved the branch, it stands somewhere else.
    const last = yield* Effect.option(inside(admin, place)(["rev-parse", "-q", "--verify", "HEAD@{0}"]))
    yield* discard(place)
    yield* withdraw(place, spec, made)
    if (made !== undefined && last._tag === "Some") yield* withdraw(place, spec, last.value.stdout)
  })

  /**
   * Makes or renews a workspace that the caller has locked. What it made is gone again when it fails or is cancelled, and when
   * the scope closes before `finish` was called.
   */
  const open = (place: Place, spec: Companion): Effect.Effect<Workspace, SandboxError, Scope.Scope> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const { _tag, admin, made } = yield* locked(place)(register(place, spec))
        if (_tag === "Reused") {
          yield* restore(renew(place, spec, admin))
          return { isNew: false, finish: Effect.void }
        }
        if (yield* exists(salvageOf(place))) {
          // What was salvaged stays for the next opening, whatever becomes of this one.
          yield* fill(place, admin)
          yield* finish(admin)
          return { isNew: false, finish: Effect.void }
        }
        let isFinished = false
        yield* Effect.addFinalizer(() =>
          Effect.suspend(() => (isFinished ? Effect.void : Effect.ignore(undo(place, spec, { admin, made }))))
        )
        yield* restore(fill(place, admin))
        return { isNew: true, finish: Effect.map(finish(admin), () => void (isFinished = true)) }
      })
    )

  return { locate, open, discard }
})
