/**
 * A sandbox over a git worktree. It isolates **nothing**, and says so in `supports`: commands run with the rights of this
 * process and can read and write whatever it can. What it holds is order, not defence: a workspace and a branch for each
 * id, a clean environment, no process left behind, and a file system that does not leave the workspace by mistake.
 *
 * - Checkouts lie in `.millwright/worktrees/` of the repository, beside a `.gitignore` that hides them.
 * - The network is the host's. Ports that the spec leaves open are no other sandbox's on this machine (see `Ports`).
 * - `killsTree` holds on Linux (see `ProcessTree` for what gets away); elsewhere the process group is ended.
 * - When the process is killed, its commands live on until the same workspace is opened or discarded the next time.
 * - Needs git 2.36 or newer.
 */
import * as Digest from "@millwright/core/Digest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { randomUUID } from "node:crypto"
import * as CleanSpawner from "../CleanSpawner.ts"
import * as Confined from "../Confined.ts"
import * as BaseBranch from "../internal/BaseBranch.ts"
import * as HostFiles from "../internal/HostFiles.ts"
import * as Phases from "../Phases.ts"
import * as Ports from "../Ports.ts"
import * as ProcessTree from "../ProcessTree.ts"
import * as Sandbox from "../Sandbox.ts"
import type { SandboxSpec } from "../SandboxSpec.ts"
import * as Supports from "../Supports.ts"
import * as WorkspaceLock from "../WorkspaceLock.ts"
import * as Workspaces from "../Workspaces.ts"
import * as Worktree from "../Worktree.ts"

type Identity = Pick<SandboxSpec, "id" | "workspace">

const name = "worktree"

/** A sandbox over a git worktree, with no isolation. */
export const layer: Layer.Layer<Sandbox.Sandbox, never, Sandbox.Services> = Layer.effect(
  Sandbox.Sandbox,
  Effect.gen(function* () {
    const host = yield* ChildProcessSpawner
    const fileSystem = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const worktree = yield* Worktree.make

    const workspaces = yield* Workspaces.make
    const forward = BaseBranch.make(yield* HostFiles.make)

    /** Ends what a process that was killed has left running in a workspace. Answers with the mark of all that runs there. */
    const sweep = (directory: string) => {
      const mark = `mw-${Digest.short(Digest.of(directory))}-`
      return Effect.as(ProcessTree.end({ mark }, { signal: "SIGKILL", grace: 0 }), mark)
    }

    const claim = Effect.fnUntraced(function* (place: Worktree.Place) {
      const message = `The workspace ${place.directory} is open, in this process or another. Wait until it is closed, or use another id.`
      yield* WorkspaceLock.take(place.lock, message)
      return yield* sweep(place.directory)
    })

    const locate = Effect.fnUntraced(function* ({ id, workspace }: Identity) {
      if (workspace._tag !== "Checkout") return undefined
      return { checkout: workspace, place: yield* worktree.locate({ id, ...workspace }) }
    })

    /** Locks the workspace, makes or finds it, and ends what was left running in it. */
    const enter = Effect.fnUntraced(function* (spec: SandboxSpec) {
      const found = yield* locate(spec)
      if (found === undefined) {
        const prepared = yield* workspaces.prepare(spec, { name, overlay: false })
        return { ...prepared, mark: yield* sweep(prepared.directory), env: {} }
      }
      const { checkout, place } = found
      const mark = yield* claim(place)
      const opened = yield* worktree.open(place, checkout)
      // When a command removes the `.git` file, git must not go on with the repository around the workspace.
      const env = { GIT_CEILING_DIRECTORIES: path.dirname(place.directory) }
      return { ...opened, directory: place.directory, mark, env }
    })

    const open = Effect.fnUntraced(function* (spec: SandboxSpec) {
      const { workspace } = spec
      const { directory, env, finish, isNew, mark } = yield* enter(spec)
      const deliver = workspace._tag === "Checkout" && workspace.deliver === "Merge" ? forward(workspace) : Effect.void
      let isOpen = false
      // Commands have ended then; what a failed opening has committed goes with it.
      yield* Effect.addFinalizer(() =>
        Effect.suspend(() => (isOpen ? Effect.ignore(deliver, { log: "Warn" }) : Effect.void))
      )
      const ports = yield* Ports.take(spec)
      const confined = Confined.make({ fileSystem, path, root: directory, protect: [".git"] })
      const spawner = yield* CleanSpawner.make({
        host,
        fileSystem: confined,
        directory,
        env: {
          ...env,
          ...CleanSpawner.inheritedEnvironment(spec),
          ...Ports.environment(ports),
          ...spec.env
        },
        mark: `${mark}${randomUUID()}`,
        wall: spec.limits?.wall
      })
      yield* Phases.run(spec, { spawner, isNew, finish })
      const services = Context.make(ChildProcessSpawner, spawner).pipe(
        Context.add(FileSystem.FileSystem, confined),
        Context.add(Path.Path, Confined.path({ path, root: directory }))
      )
      isOpen = true
      return { directory, services, host: { deliver } }
    })

    return Sandbox.make({
      name,
      supports: {
        ...Supports.none,
        workspaces: ["Checkout", "Folder", "Empty"],
        killsTree: ProcessTree.isSupported
      },
      open,
      discard: (spec) =>
        Effect.scoped(
          Effect.gen(function* () {
            const found = yield* locate(spec)
            if (found !== undefined) {
              yield* claim(found.place)
              return yield* worktree.discard(found.place)
            }
            const { directory, remove } = yield* workspaces.prepare(spec, { name, overlay: false })
            yield* sweep(directory)
            yield* remove
          })
        )
    })
  })
)
