/**
 * A sandbox over a git worktree. It isolates **nothing**, and says so in `supports`: commands run with the rights of this
 * process and can read and write whatever it can. What it holds is order, not defence: a workspace and a branch for each
 * id, a clean environment, no process left behind, and a file system that does not leave the workspace by mistake.
 *
 * - Workspaces lie in `.millwright/worktrees/` of the repository, beside a `.gitignore` that hides them.
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
import * as ProcessTree from "../ProcessTree.ts"
import * as Sandbox from "../Sandbox.ts"
import type { SandboxSpec } from "../SandboxSpec.ts"
import * as Supports from "../Supports.ts"
import * as WorkspaceLock from "../WorkspaceLock.ts"
import * as Worktree from "../Worktree.ts"

/** A sandbox over a git worktree, with no isolation. */
export const layer: Layer.Layer<Sandbox.Sandbox, never, Sandbox.Services> = Layer.effect(
  Sandbox.Sandbox,
  Effect.gen(function* () {
    const host = yield* ChildProcessSpawner
    const fileSystem = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const worktree = yield* Worktree.make

    /** Locks the workspace, and ends what a process that was killed has left running in it. */
    const claim = Effect.fnUntraced(function* (place: Worktree.Place) {
      const message = `The workspace ${place.directory} is open, in this process or another. Wait until it is closed, or use another id.`
      yield* WorkspaceLock.take(place.lock, message)
      const mark = `mw-${Digest.short(Digest.of(place.directory))}-`
      yield* ProcessTree.end({ mark }, { signal: "SIGKILL", grace: 0 })
      return mark
    })

    const checkoutOf = ({ id, workspace }: Pick<SandboxSpec, "id" | "workspace">) =>
      workspace._tag === "Checkout"
        ? Effect.succeed({ id, ...workspace })
        : Effect.die(new Error(`A workspace ${workspace._tag} is not supported, and was refused before`))

    const open = Effect.fnUntraced(function* (spec: SandboxSpec) {
      const checkout = yield* checkoutOf(spec)
      const place = yield* worktree.locate(checkout)
      const mark = yield* claim(place)
      yield* worktree.open(place, checkout)
      const confined = Confined.make({ fileSystem, path, root: place.directory, protect: [".git"] })
      const spawner = yield* CleanSpawner.make({
        host,
        fileSystem: confined,
        directory: place.directory,
        // When a command removes the `.git` file, git must not go on with the repository around the workspace.
        env: { GIT_CEILING_DIRECTORIES: path.dirname(place.directory), ...spec.env },
        mark: `${mark}${randomUUID()}`,
        wall: spec.limits?.wall
      })
      const services = Context.make(ChildProcessSpawner, spawner).pipe(
        Context.add(FileSystem.FileSystem, confined),
        Context.add(Path.Path, Confined.path({ path, root: place.directory }))
      )
      return { directory: place.directory, services }
    })

    return Sandbox.make({
      name: "worktree",
      supports: { ...Supports.none, killsTree: ProcessTree.isSupported },
      open,
      discard: (spec) =>
        Effect.scoped(
          Effect.gen(function* () {
            const place = yield* worktree.locate(yield* checkoutOf(spec))
            yield* claim(place)
            yield* worktree.discard(place)
          })
        )
    })
  })
)
