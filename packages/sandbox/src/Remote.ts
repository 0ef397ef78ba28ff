/**
 * A sandbox whose workspace is on another machine: everything about it but the **connection**. An adapter says how one command
 * starts there and which folder is ours; checkouts, files, phases, the end of process trees, snapshots and what is brought
 * back are the same for all.
 *
 * The other side needs Linux with `/proc`, a POSIX shell, grep, tar and git 2.29. A checkout there has the whole history of
 * its branch, and nothing else of the repository or its configuration; filters such as Git LFS are those of the other side.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as ChildProcess from "effect/process/ChildProcess"
import { type ChildProcessHandle, ChildProcessSpawner, makeHandle } from "effect/process/ChildProcessSpawner"
import type { PlatformError } from "effect/PlatformError"
import * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import * as CleanSpawner from "./CleanSpawner.ts"
import * as Confined from "./Confined.ts"
import * as InsideFileSystem from "./InsideFileSystem.ts"
import * as Delivery from "./internal/Delivery.ts"
import * as HostFiles from "./internal/HostFiles.ts"
import * as InsideTree from "./internal/InsideTree.ts"
import * as Pipeline from "./internal/Pipeline.ts"
import * as RemoteCheckout from "./internal/RemoteCheckout.ts"
import * as RemoteWorkspace from "./internal/RemoteWorkspace.ts"
import * as Phases from "./Phases.ts"
import * as Ports from "./Ports.ts"
import * as Sandbox from "./Sandbox.ts"
import type { SandboxSpec } from "./SandboxSpec.ts"
import type { Supports } from "./Supports.ts"

/** What a connection is made for. */
export interface Request {
  /**
   * Names the place there: at most 120 letters, digits, `.`, `_` and `-`. The same repository (or none) and id have the same
   * key at every opening, also after this process was killed; other repositories and machines have others. A provider finds its
   * machine again by it, as a label. Nobody else on this machine is connected with it.
   */
  readonly key: string
  /** For `discard`, it holds no more than the id and the workspace. */
  readonly spec: SandboxSpec
}

/** A machine that commands run on, as long as the scope. When it closes, the machine stays, with its files. */
export interface Connection {
  /**
   * Starts one command there. It gets `cwd`, an absolute path there, and `env`, which is all that it shall see, and gives back
   * both outputs as they come, input with its end, and the exit code: 128 and the signal's number after a death by one. When
   * the scope closes it lets go of the command; it need not end it. A connection that is lost fails with `PlatformError` and
   * is never an exit code. `detached` and `forceKillAfter` mean nothing there.
   */
  readonly spawn: (
    command: ChildProcess.StandardCommand
  ) => Effect.Effect<ChildProcessHandle, PlatformError, Scope.Scope>
  /** A folder there that is ours, and there: a real path, without a line break. Each key has a folder of its own in it. */
  readonly directory: string
  /** The fixed minimum of the environment there: `PATH`, `HOME`, `LANG`, `TMPDIR`, `TERM`, `USER`. */
  readonly minimum: Readonly<Record<string, string>>
  /** Finds a port that nobody there listens on. Left out: the machine is ours, and ports are counted up. */
  readonly port?: Effect.Effect<number, Sandbox.SandboxError>
  readonly expose?: (port: number) => Effect.Effect<Sandbox.Address, Sandbox.SandboxError, Scope.Scope>
  readonly setEgress?: Sandbox.Infrastructure["setEgress"]
  readonly pause?: Effect.Effect<void, Sandbox.SandboxError>
  readonly resume?: Effect.Effect<void, Sandbox.SandboxError>
  /** Removes the machine with all that is on it. Left out: only the folder of the key is removed. */
  readonly destroy?: Effect.Effect<void, Sandbox.SandboxError>
}

/** What an adapter gives. */
export interface Options {
  readonly name: string
  /** `killsTree` holds, and `limits` has `wall`; `workspaces` are at most `Checkout` and `Empty`. */
  readonly supports: Supports
  /** Finds the machine of a key, or makes it. What a connection that failed half-way made is gone, or found by the next. */
  readonly connect: (request: Request) => Effect.Effect<Connection, Sandbox.SandboxError, Scope.Scope>
  /** Removes the machine of a key, if there is one. Left out: it is connected with, and `destroy` or the folder's removal run. */
  readonly discard?: (key: string) => Effect.Effect<void, Sandbox.SandboxError>
}

/** What the marks of all processes of a key begin with; no other key's do. */
export const markOf = (key: string): string => `mw-${key}:`

/** Derives the sandbox. */
export const make = Effect.fnUntraced(function* ({ connect, discard, name, supports }: Options) {
  const path = yield* Path.Path
  const workspaces = RemoteWorkspace.make(yield* HostFiles.make, name)

  /** Ends what a process that was killed has left running, and gives what commands of ours are started with. */
  const enter = Effect.fnUntraced(function* (key: string, connection: Connection) {
    const end = InsideTree.end(connection.spawn)
    yield* end({ mark: markOf(key) }, { signal: "SIGKILL", grace: 0 })
    /** How many commands run with a mark: those of a pipeline have the same. */
    const running = new Map<string, number>()
    const count = (mark: string, by: number) => running.set(mark, (running.get(mark) ?? 0) + by)
    const spawn: InsideTree.Spawn = Effect.fnUntraced(function* (command) {
      const mark = InsideTree.markOf(command)
      count(mark, 1)
      const handle = yield* connection.spawn(command)
      let isRunning = true
      // Who is told that it has ended may close its scope at once: then it does not count any more.
      const exitCode = Effect.tap(handle.exitCode, () =>
        Effect.sync(() => {
          if (isRunning) count(mark, -1)
          isRunning = false
        })
      )
      yield* Effect.forkScoped(Effect.ignore(exitCode))
      return makeHandle({ ...handle, exitCode })
    })
    return (options: Pick<CleanSpawner.Options, "fileSystem" | "directory" | "env" | "wall">) =>
      CleanSpawner.make({
        ...options,
        host: Pipeline.make(spawn),
        minimum: connection.minimum,
        mark: `${markOf(key)}${randomUUID()}`,
        wrap: (command) => Effect.succeed(InsideTree.supervised(command)),
        // What has ended by itself has taken its tree with it.
        end: (tree, how) =>
          Effect.suspend(() => {
            if (running.get(tree.mark) !== 0) return end(tree, how)
            running.delete(tree.mark)
            return Effect.void
          })
      })
  })

  const open = Effect.fnUntraced(function* (spec: SandboxSpec) {
    const place = yield* workspaces.find(spec)
    yield* place.lock
    const connection = yield* connect({ key: place.key, spec })
    const spawnerWith = yield* enter(place.key, connection)
    // The host's own, which outlives that of roles and tools: what is brought back is asked when all of theirs has ended.
    const keeper = yield* spawnerWith({
      // It is never asked for a folder other than its own.
      fileSystem: { realPath: Effect.succeed },
      directory: connection.directory,
      env: {}
    })
    const folder = `${connection.directory}/${place.key}`
    const workspace = yield* place.prepare(keeper, folder)
    const { directories, directory } = workspace
    const { deliver, giveUp } = yield* Delivery.make(workspace.deliver)

    const roots = [directory, ...Object.values(directories)] as const
    const files = InsideFileSystem.make({ spawner: keeper, roots, protect: [".git"] })
    const ports = yield* portsOf(spec, connection)
    const env = {
      ...CleanSpawner.inheritedEnvironment(spec),
      ...Ports.environment(ports),
      ...spec.env
    }
    const life = yield* Scope.fork(yield* Effect.scope)
    const spawner = yield* Scope.provide(
      spawnerWith({ fileSystem: files, directory, env, wall: spec.limits?.wall }),
      life
    )
    yield* Phases.run(spec, { spawner, isNew: workspace.isNew, finish: workspace.finish })

    const services = Context.make(ChildProcessSpawner, spawner).pipe(
      Context.add(FileSystem.FileSystem, InsideFileSystem.make({ spawner, roots, protect: [".git"] })),
      Context.add(Path.Path, Confined.path({ path, root: directory }))
    )
    const { destroy = RemoteCheckout.remove(keeper, folder), expose, pause, resume, setEgress } = connection
    const infrastructure: Partial<Sandbox.Infrastructure> = {
      deliver,
      ...(supports.snapshot && { snapshot: workspace.snapshot }),
      destroy: giveUp.pipe(Effect.andThen(Scope.close(life, Exit.void)), Effect.andThen(destroy)),
      ...(supports.ports && expose && { expose: (variable) => Effect.flatMap(Ports.of(ports, variable), expose) }),
      ...(supports.network !== "open" && setEgress && { setEgress }),
      ...(supports.pause && pause && { pause }),
      ...(supports.pause && resume && { resume })
    }
    return { directory, directories, services, host: infrastructure }
  })

  const removal = (spec: Pick<SandboxSpec, "id" | "workspace">) =>
    Effect.scoped(
      Effect.gen(function* () {
        const place = yield* workspaces.find(spec)
        yield* place.lock
        if (discard !== undefined) return yield* discard(place.key)
        const connection = yield* connect({ key: place.key, spec })
        if (connection.destroy !== undefined) return yield* connection.destroy
        const keeper = yield* (yield* enter(place.key, connection))({
          fileSystem: { realPath: Effect.succeed },
          directory: connection.directory,
          env: {}
        })
        yield* RemoteCheckout.remove(keeper, `${connection.directory}/${place.key}`)
      })
    )

  return Sandbox.make({ name, supports, open, discard: removal })
})

/** Where the machine is not ours, ports are those that nobody there listens on. */
const portsOf = Effect.fnUntraced(function* ({ ports = {} }: SandboxSpec, { port }: Connection) {
  if (port === undefined) return Ports.count({ ports })
  const taken = new Set(Object.values(ports))
  const found: Record<string, number> = {}
  for (const [variable, asked] of Object.entries(ports)) {
    let is = asked
    while (is === null || (asked === null && taken.has(is))) is = yield* port
    taken.add(is)
    found[variable] = is
  }
  return found
})
