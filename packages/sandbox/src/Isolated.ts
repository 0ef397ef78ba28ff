/**
 * A sandbox on this machine that isolates: everything about it but the **cell**, which is what stands between its commands and
 * the host. An adapter brings the cell; workspaces, files, phases, network rules and the end are the same for all.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import type { Server } from "node:net"
import * as CleanSpawner from "./CleanSpawner.ts"
import * as Confined from "./Confined.ts"
import * as Delivery from "./internal/Delivery.ts"
import * as Enterable from "./internal/Enterable.ts"
import * as InsideFileSystem from "./InsideFileSystem.ts"
import * as Outbound from "./Outbound.ts"
import * as Phases from "./Phases.ts"
import * as Ports from "./Ports.ts"
import * as Sandbox from "./Sandbox.ts"
import type { Egress, SandboxSpec } from "./SandboxSpec.ts"
import { SecretBroker } from "./SecretBroker.ts"
import type { Supports } from "./Supports.ts"
import * as Workspaces from "./Workspaces.ts"

/** What a cell is made for. */
export interface Entry {
  readonly spec: SandboxSpec
  readonly workspace: Workspaces.Prepared
  /** The host's network, or one that has nothing but its own loopback. */
  readonly network: "host" | "own"
}

/** What stands between commands and the host, as long as its scope. Everything in it ends with it, and with this process. */
export interface Cell extends Required<Pick<CleanSpawner.Options, "wrap" | "end" | "minimum">> {
  /**
   * As `wrap`, for the host's own commands: what brings commits back, copies the workspace and reads its files. What those of
   * roles and tools have used up of their limits must not hold these back. Left out: `wrap`.
   */
  readonly wrapOwn?: Cell["wrap"]
  /** Listens on a port of the cell's own loopback, for the way out. */
  readonly listen?: (port: number) => Effect.Effect<Server, Sandbox.SandboxError, Scope.Scope>
  /** Changes what the cell's own way out lets through. It has one where this is there, and gets none of ours. */
  readonly setEgress?: (egress: Egress) => Effect.Effect<void, Sandbox.SandboxError>
  /** Makes a port on which a command listens reachable from the host. */
  readonly expose?: (port: number) => Effect.Effect<Sandbox.Address, Sandbox.SandboxError, Scope.Scope>
  readonly pause?: Effect.Effect<void, Sandbox.SandboxError>
  readonly resume?: Effect.Effect<void, Sandbox.SandboxError>
}

/** What an adapter gives. */
export interface Options {
  readonly name: string
  readonly supports: Supports
  /** Whether the cell mounts overlays. */
  readonly overlay: boolean
  readonly enter: (entry: Entry) => Effect.Effect<Cell, Sandbox.SandboxError, Scope.Scope>
}

/** Where the way out listens, in a network of its own. */
const door = 62_128

/** Derives the sandbox. Takes the `SecretBroker` that is in the context, if there is one. */
export const make = Effect.fnUntraced(function* ({ enter, name, overlay, supports }: Options) {
  const host = yield* ChildProcessSpawner
  const path = yield* Path.Path
  const workspaces = yield* Workspaces.make
  const broker = Option.getOrUndefined(yield* Effect.serviceOption(SecretBroker))

  const open = Effect.fnUntraced(function* (spec: SandboxSpec) {
    const workspace = yield* workspaces.prepare(spec, { name, overlay })
    const { directories, directory } = workspace
    yield* Enterable.byCommands(directory)
    // What is added to requests, and what is left out of answers, is done on the one way out of a network of its own.
    const network = spec.egress?._tag === "Open" && !isBrokered(spec) ? "host" : "own"
    const cell = yield* enter({ spec, workspace, network })

    const roots = [directory, ...Object.values(directories)] as const
    const spawnerWith = (own: Pick<CleanSpawner.Options, "env" | "wall" | "wrap">) =>
      CleanSpawner.make({
        host,
        fileSystem: { realPath: (cwd) => files.realPath(cwd) },
        directory,
        minimum: cell.minimum,
        mark: randomUUID(),
        end: cell.end,
        ...own
      })
    // The host's own, which outlives that of roles and tools: what is brought back is asked when all of theirs has ended.
    const keeper = yield* spawnerWith({ env: {}, wrap: cell.wrapOwn ?? cell.wrap })
    const files: FileSystem.FileSystem = InsideFileSystem.make({ spawner: keeper, roots, protect: [".git"] })
    yield* workspace.settle(keeper)
    const { deliver, giveUp } = yield* Delivery.make(workspace.deliver(keeper))

    const out = yield* way({ spec, cell, broker, files })
    const ports = network === "own" ? Ports.count(spec) : yield* Ports.take(spec)
    const named = { ...CleanSpawner.inheritedEnvironment(spec), ...Ports.environment(ports), ...spec.env }
    // What is let out may change; a command sees what holds when it starts.
    const env = () => ({ ...(network === "own" ? out.environment(door) : {}), ...named })
    const life = yield* Scope.fork(yield* Effect.scope)
    const spawner = yield* Scope.provide(spawnerWith({ env, wall: spec.limits?.wall, wrap: cell.wrap }), life)
    yield* Phases.run(spec, { spawner, isNew: workspace.isNew, finish: workspace.finish })

    const services = Context.make(ChildProcessSpawner, spawner).pipe(
      Context.add(FileSystem.FileSystem, InsideFileSystem.make({ spawner, roots, protect: [".git"] })),
      Context.add(Path.Path, Confined.path({ path, root: directory }))
    )
    const { expose, pause, resume } = cell
    const infrastructure: Partial<Sandbox.Infrastructure> = {
      deliver,
      snapshot: workspace.snapshot(keeper),
      ...(network === "own" && { setEgress: out.setEgress }),
      destroy: giveUp.pipe(Effect.andThen(Scope.close(life, Exit.void)), Effect.andThen(workspace.remove)),
      ...(expose && { expose: (variable) => Effect.flatMap(Ports.of(ports, variable), expose) }),
      ...(pause && { pause }),
      ...(resume && { resume })
    }
    return { directory, directories, services, host: infrastructure }
  })

  return Sandbox.make({ name, supports, open, discard: workspaces.discard })
})

const isBrokered = ({ registry, secrets = [] }: SandboxSpec): boolean => secrets.length > 0 || registry !== undefined

/** The way out of a cell: its door is opened when something shall go through. */
const way = Effect.fnUntraced(function* ({
  broker,
  cell,
  files,
  spec
}: {
  readonly spec: SandboxSpec
  readonly cell: Cell
  readonly broker: SecretBroker["Service"] | undefined
  readonly files: FileSystem.FileSystem
}) {
  if (cell.setEgress !== undefined) return { environment: () => ({}), setEgress: cell.setEgress }
  const scope = yield* Effect.scope
  const lockFile = spec.registry?.lockFileOnly === true ? yield* lockFileOf(files) : undefined
  const out = yield* Outbound.make(spec, { broker, lockFile: Effect.succeed(lockFile) })
  const open = yield* Effect.cached(
    Effect.gen(function* () {
      if (cell.listen === undefined) return
      const server = yield* Scope.provide(cell.listen(door), scope)
      server.on("connection", out.accept)
    })
  )
  if (isBrokered(spec) || spec.egress?._tag === "Allow") yield* open
  return {
    environment: out.environment,
    setEgress: (egress: Egress) => Effect.andThen(egress._tag === "Deny" ? Effect.void : open, out.setEgress(egress))
  }
})

/** No lock file is larger, in bytes. */
const largestLockFile = 16 * 1024 ** 2

/** The lock file of the workspace. One that can not be read is not "none": the rules would be those of another file. */
const lockFileOf = Effect.fnUntraced(function* (files: FileSystem.FileSystem) {
  for (const name of ["pnpm-lock.yaml", "package-lock.json"]) {
    let size = 0
    const text = yield* files.stream(name, { bytesToRead: largestLockFile + 1 }).pipe(
      Stream.tap((chunk) => {
        size += chunk.length
        return size > largestLockFile ? unreadable(name, `it has more than ${largestLockFile} bytes`) : Effect.void
      }),
      Stream.decodeText,
      Stream.mkString,
      Effect.catch((cause) => {
        if (cause._tag === "SandboxError") return Effect.fail(cause)
        return cause.reason._tag === "NotFound" ? Effect.succeed(undefined) : unreadable(name, cause.message)
      })
    )
    if (text !== undefined) return { name, text }
  }
})

const unreadable = (name: string, why: string) =>
  Effect.fail(
    new Sandbox.SandboxError({
      reason: "BadSpec",
      message: `The registry rules can not hold: the lock file ${name} can not be read: ${why}. Mend it, or leave \`lockFileOnly\` out.`
    })
  )
