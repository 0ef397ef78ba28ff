/**
 * Folders that are no clones: those of the user as they are, and new ones with nothing in them. What is noted about them
 * lies with the state of the user, below `$XDG_STATE_HOME/millwright` or `~/.local/state/millwright`.
 */
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { SandboxError } from "../Sandbox.ts"
import type { Snapshot } from "../SandboxSpec.ts"
import * as WorkspaceLock from "../WorkspaceLock.ts"
import * as Enterable from "./Enterable.ts"
import * as FolderGit from "./FolderGit.ts"
import type { HostFiles } from "./HostFiles.ts"
import * as OwnFolder from "./OwnFolder.ts"
import type { Found, Part } from "./Part.ts"
import type { SnapshotStore } from "./SnapshotStore.ts"

/** What can be done with folders. */
export const make = (host: HostFiles, snapshots: SnapshotStore) => {
  const { exists, fs, kind, list, makeFolder, path, read, remove, replace } = host

  const state = OwnFolder.state(host)

  const contains = (outer: string, inner: string) =>
    inner === outer || inner.startsWith(outer === "/" ? "/" : `${outer}/`)

  /** Whether somebody has a lock. */
  const isHeld = (lock: string) =>
    Effect.map(Effect.exit(Effect.scoped(WorkspaceLock.take(lock, "held"))), (exit) => exit._tag === "Failure")

  /** Refuses a folder around or inside of one that is open. Two that are opened at once do not miss each other. */
  const claim = Effect.fnUntraced(function* (state: string, directory: string) {
    const open = path.join(state, "open")
    const busy = (other: string) =>
      new SandboxError({
        reason: "Busy",
        message: `The folder ${directory} can not be opened while ${other} is open: one lies in the other. Close that first, or use another folder.`
      })
    yield* makeFolder(open)
    yield* Effect.gen(function* () {
      for (const name of yield* list(open)) {
        const other = yield* read(path.join(open, name))
        if (other === undefined || other === directory) continue
        const isRelated = contains(other, directory) || contains(directory, other)
        if (isRelated && (yield* isHeld(path.join(state, "locks", name)))) return yield* busy(other)
        // What a killed process left.
        if (isRelated || !(yield* exists(other))) yield* remove(path.join(open, name))
      }
      const own = path.join(open, Digest.of(directory))
      yield* Effect.acquireRelease(replace(own, directory), () => Effect.ignore(remove(own)))
    }).pipe(WorkspaceLock.holding(path.join(state, "locks", "+folders")))
    // The worktrees of a repository are others, and open ones are somebody's.
    const folders = [".millwright", "locks"]
    const kinds = yield* Effect.forEach(folders, (_, index) =>
      kind(path.join(directory, ...folders.slice(0, index + 1)))
    )
    // Commands may have run here before: no lock is looked for through a link.
    if (kinds.some((is) => is !== "Directory")) return
    const locks = path.join(directory, ...folders)
    for (const name of yield* list(locks)) {
      const lock = path.join(locks, name)
      if (name.startsWith("+") || (yield* kind(lock)) !== "File") continue
      if (yield* isHeld(lock)) return yield* busy(`its workspace ${name}`)
    }
  })

  const nothing = Effect.void

  const found = (options: {
    readonly directory: string
    readonly notes: string
    readonly lock: string
    /** Where it is noted how its `.git` was. */
    readonly note: string
    readonly before: Effect.Effect<void, SandboxError, Scope.Scope>
    readonly settle: Part["settle"]
    readonly snapshot: Part["snapshot"]
    /** Whether there is anything to note down when it is set up. */
    readonly isNoted: boolean
    /** Removes what a first opening that failed made. */
    readonly undo: Effect.Effect<void, SandboxError>
    readonly remove: Effect.Effect<void, SandboxError>
  }): Found => {
    const { directory, lock, notes } = options
    const ready = path.join(notes, "ready")
    return {
      directory,
      notes,
      lock,
      remove: options.remove,
      prepare: Effect.gen(function* () {
        const isNew = (yield* kind(ready)) === undefined
        let isFinished = !isNew
        yield* Effect.addFinalizer(() => Effect.suspend(() => (isFinished ? nothing : Effect.ignore(options.undo))))
        if (isNew) yield* options.undo
        yield* options.before
        const part: Part = {
          directory,
          overlays: [],
          readable: [],
          protect: yield* FolderGit.guard(host, { directory, note: options.note }),
          isNew,
          settle: (inside) => (isNew ? options.settle(inside) : nothing),
          deliver: () => nothing,
          snapshot: options.snapshot,
          finish: Effect.suspend(() => {
            if (isFinished) return nothing
            isFinished = true
            if (!options.isNoted) return nothing
            return Effect.andThen(makeFolder(notes), replace(ready, "ready\n"))
          }),
          remove: options.remove
        }
        return part
      })
    }
  }

  /** A folder of the user. */
  const folder = Effect.fnUntraced(function* (
    asked: string,
    { isNoted, sandbox }: { readonly sandbox: string; readonly isNoted: boolean }
  ) {
    const directory = yield* Effect.mapError(
      fs.realPath(asked),
      (cause) =>
        new SandboxError({
          reason: "NoSuchSource",
          message: `The folder ${asked} can not be opened: ${cause.message}. Make it, or give another.`
        })
    )
    const bad = (why: string) =>
      new SandboxError({ reason: "BadSpec", message: `${asked} can not be a workspace: ${why}. Give another folder.` })
    if ((yield* kind(directory)) !== "Directory") return yield* bad("it is no folder")
    if (directory === "/") return yield* bad("it is the root of the file system")
    yield* Enterable.byProcess(directory)
    if (/[\0\r\n]/.test(directory)) return yield* bad("its real path has a line break")
    if (directory.split("/").includes(".millwright")) return yield* bad("it lies where other workspaces are kept")
    if (yield* FolderGit.isRepository(host, directory))
      return yield* bad("it is, or lies in, what git keeps a repository in")
    const own = yield* state
    if (contains(own, directory) || contains(directory, own)) return yield* bad(`Millwright keeps its state in ${own}`)
    const digest = Digest.of(directory)
    const notes = path.join(own, "folders", digest)
    const note = path.join(own, "guarded", digest)
    const snapshotsOf = path.join(own, "snapshots")
    return found({
      directory,
      notes,
      lock: path.join(own, "locks", digest),
      note,
      isNoted,
      before: claim(own, directory),
      settle: () => nothing,
      snapshot: (inside) => snapshots.save(inside, { folder: snapshotsOf, sandbox, directory, isGit: false }),
      undo: nothing,
      remove: Effect.andThen(FolderGit.recover(host, { directory, note }), remove(notes))
    })
  })

  /** A new folder. */
  const empty = Effect.fnUntraced(function* (
    id: string,
    { from, sandbox }: { readonly sandbox: string; readonly from?: Snapshot | undefined }
  ) {
    const own = yield* state
    const notes = path.join(own, "empty", id)
    const directory = path.join(notes, "workspace")
    const snapshotsOf = path.join(own, "snapshots")
    const removal = Effect.andThen(remove(path.join(notes, "ready")), remove(notes))
    return found({
      directory,
      notes,
      lock: path.join(own, "locks", `empty-${id}`),
      note: path.join(notes, "guarded"),
      isNoted: true,
      before: makeFolder(directory),
      settle: (inside) =>
        from === undefined
          ? nothing
          : snapshots.restore(inside, { folder: snapshotsOf, snapshot: from, sandbox, directory }),
      snapshot: (inside) => snapshots.save(inside, { folder: snapshotsOf, sandbox, directory, isGit: false }),
      undo: removal,
      remove: removal
    })
  })

  return { folder, empty }
}
