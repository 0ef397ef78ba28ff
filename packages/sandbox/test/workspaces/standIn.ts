/**
 * A sandbox that works in the folders of `Workspaces` and isolates nothing: a stand-in for a cell, to try them on. With
 * `overlay`, which takes root on Linux, it mounts in the host's own name space while it is open.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Scope from "effect/Scope"
import * as Exit from "effect/Exit"
import { execFileSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as CleanSpawner from "../../src/CleanSpawner.ts"
import * as Confined from "../../src/Confined.ts"
import * as Delivery from "../../src/internal/Delivery.ts"
import * as Phases from "../../src/Phases.ts"
import * as ProcessTree from "../../src/ProcessTree.ts"
import * as Sandbox from "../../src/Sandbox.ts"
import * as Supports from "../../src/Supports.ts"
import * as Workspaces from "../../src/Workspaces.ts"

/** Why this process may not mount overlays. */
export const missing = (() => {
  const folder = mkdtempSync(join(tmpdir(), "overlay-"))
  const at = (name: string) => join(folder, name)
  try {
    for (const name of ["lower", "upper", "work", "target"]) mkdirSync(at(name))
    const options = `lowerdir=${at("lower")},upperdir=${at("upper")},workdir=${at("work")},userxattr`
    execFileSync("mount", ["-t", "overlay", "overlay", "-o", options, at("target")], { stdio: "ignore" })
    execFileSync("umount", [at("target")])
    return undefined
  } catch {
    return "this process may not mount overlays: that takes root on Linux"
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})()

/** The sandbox. */
export const layer = (name: string, overlay: boolean) =>
  Layer.effect(
    Sandbox.Sandbox,
    Effect.gen(function* () {
      const host = yield* ChildProcessSpawner
      const fileSystem = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const workspaces = yield* Workspaces.make
      return Sandbox.make({
        name,
        supports: {
          ...Supports.none,
          workspaces: ["Checkout", "Folder", "Empty"],
          snapshot: true,
          companions: true,
          killsTree: ProcessTree.isSupported
        },
        discard: workspaces.discard,
        open: Effect.fnUntraced(function* (spec) {
          const workspace = yield* workspaces.prepare(spec, { name, overlay })
          const { directories, directory } = workspace
          // Removing a folder is not stopped by what another name space has mounted on it; here it would be.
          const mounts = yield* Scope.fork(yield* Effect.scope)
          for (const { lower, target, upper, work } of workspace.overlays) {
            const options = `lowerdir=${lower},upperdir=${upper},workdir=${work},userxattr`
            yield* Effect.acquireRelease(
              Effect.sync(() => execFileSync("mount", ["-t", "overlay", "overlay", "-o", options, target])),
              () => Effect.sync(() => execFileSync("umount", ["-l", target]))
            ).pipe(Scope.provide(mounts))
          }
          const confined = Confined.make({ fileSystem, path, root: directory, protect: [".git"] })
          const spawnerWith = (env: Readonly<Record<string, string>>, wall?: number) =>
            CleanSpawner.make({
              host,
              // Companions are beside the workspace.
              fileSystem: {
                realPath: (cwd) =>
                  Object.values(directories).includes(cwd) ? Effect.succeed(cwd) : confined.realPath(cwd)
              },
              directory,
              env: { GIT_CEILING_DIRECTORIES: path.dirname(directory), ...env },
              mark: randomUUID(),
              wall
            })
          const keeper = yield* spawnerWith({})
          yield* workspace.settle(keeper)
          const { deliver, giveUp } = yield* Delivery.make(workspace.deliver(keeper))
          const life = yield* Scope.fork(yield* Effect.scope)
          const spawner = yield* Scope.provide(spawnerWith(spec.env ?? {}, spec.limits?.wall), life)
          yield* Phases.run(spec, { spawner, isNew: workspace.isNew, finish: workspace.finish })
          const services = Context.make(ChildProcessSpawner, spawner).pipe(
            Context.add(FileSystem.FileSystem, confined),
            Context.add(Path.Path, Confined.path({ path, root: directory }))
          )
          const destroy = giveUp.pipe(
            Effect.andThen(Scope.close(life, Exit.void)),
            Effect.andThen(Scope.close(mounts, Exit.void)),
            Effect.andThen(workspace.remove)
          )
          return { directory, directories, services, host: { deliver, snapshot: workspace.snapshot(keeper), destroy } }
        })
      })
    })
  ).pipe(Layer.provide(NodeServices.layer))
