/** Cells made with bubblewrap: what this machine can hold, found out once by trying, and how a cell is entered. */
import * as Effect from "effect/Effect"
import * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { existsSync } from "node:fs"
import { release } from "node:os"
import type * as Isolated from "../Isolated.ts"
import type { Address, SandboxError } from "../Sandbox.ts"
import type { Limits } from "../SandboxSpec.ts"
import type { Overlay } from "../Workspaces.ts"
import * as Supports from "../Supports.ts"
import * as CellTree from "./CellTree.ts"
import * as Cgroup from "./Cgroup.ts"
import * as Enterable from "./Enterable.ts"
import * as Entrance from "./Entrance.ts"
import * as HostProcesses from "./HostProcesses.ts"
import * as Holder from "./Holder.ts"
import * as Machine from "./Machine.ts"
import * as NetworkDoor from "./NetworkDoor.ts"
import * as Room from "./Room.ts"
import * as Seccomp from "./Seccomp.ts"

/** How cells are made. */
export interface Options extends Partial<Machine.Programs> {
  readonly scratch?: number
  readonly overlay?: boolean
}

const gibibyte = 1024 ** 3

/** What all cells of a layer have in common. */
interface Ground {
  readonly host: ChildProcessSpawner["Service"]
  readonly programs: Machine.Programs
  readonly tools: Room.Toolchain
  readonly hidden: ReadonlyArray<string>
  readonly seccomp: Uint8Array
  readonly scratch: number
  readonly places: Cgroup.Places
  /** Whether the kernel counts processes for each user namespace, for who is not root. */
  readonly countsProcesses: boolean
}

/** Looks what the machine has, tries a cell, and answers with what `Isolated` makes a sandbox of. */
export const make = Effect.fnUntraced(function* (
  host: ChildProcessSpawner["Service"],
  { overlay, scratch = gibibyte, ...asked }: Options
): Effect.fn.Return<Pick<Isolated.Options, "enter" | "overlay" | "supports">, SandboxError> {
  const programs = yield* Machine.programs(host, asked)
  const ground: Ground = {
    host,
    programs,
    tools: Room.toolchain(process.execPath),
    hidden: Object.keys(Entrance.dangerous).filter((path) => existsSync(path)),
    seccomp: Seccomp.program(process.arch === "arm64" ? "arm64" : "x64"),
    scratch,
    places: Cgroup.find(),
    countsProcesses: process.getuid?.() !== 0 && isNewer(release(), 5, 14)
  }
  yield* trial(ground, [])
  const canOverlay = overlay ?? (yield* Effect.isSuccess(trial(ground, [ofScratch])))
  const held = Object.keys(ground.places)
  const resources = (["cpus", "memory", "processes"] as const).filter(
    (resource) => held.includes(resource) || (resource === "processes" && ground.countsProcesses)
  )
  return {
    overlay: canOverlay,
    enter: (entry) => enter(ground, entry),
    supports: {
      ...Supports.none,
      isolation: "os",
      companions: true,
      workspaces: ["Checkout", "Folder", "Empty"],
      network: "allow",
      broker: true,
      mounts: true,
      ports: true,
      snapshot: true,
      pause: true,
      limits: [...resources, "wall"],
      killsTree: true
    }
  }
})

const isNewer = (version: string, major: number, minor: number): boolean => {
  const [first = 0, second = 0] = version.split(".").map(Number)
  return first > major || (first === major && second >= minor)
}

/** An overlay of folders that the holder has made. */
const ofScratch: Overlay = {
  lower: `${Room.scratch}/etc`,
  upper: `${Room.scratch}/shm`,
  work: `${Room.scratch}/home`,
  target: `${Room.scratch}/tmp`
}

/** Runs a command in a cell with nothing in it, which shows whether the kernel allows all that a cell takes. */
const trial = (ground: Ground, overlays: ReadonlyArray<Overlay>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { host, programs, scratch, tools } = ground
      const room = Room.bare(tools)
      const leaks = HostProcesses.leaks()
      const holder = yield* Holder.start(host, { programs, room, overlays, network: "own", scratch, leaks })
      const entrance = entranceOf(ground, { cell: randomUUID(), holder, launcher: [], leaks })
      const spawned = yield* host.spawn(yield* Entrance.wrap(entrance, ChildProcess.make("true", [], { cwd: "/" })))
      const said = yield* Stream.mkString(Stream.decodeText(spawned.stderr))
      const code = yield* spawned.exitCode
      if (code !== 0) return yield* Machine.unavailable(`a trial ended with ${code} and said: ${said.trim()}`)
    })
  ).pipe(Effect.mapError((cause) => Machine.unavailable(`${Machine.why()}. ${cause.message}`, cause)))

interface Way extends Pick<Entrance.Entrance, "cell" | "leaks"> {
  readonly holder: Holder.Holder
  readonly launcher: ReadonlyArray<string>
}

const entranceOf = (
  { hidden, programs, seccomp }: Ground,
  { cell, holder, launcher, leaks }: Way
): Entrance.Entrance => {
  const [program = programs.nsenter, ...argv] = [...launcher, programs.nsenter]
  return { cell, leaks, hidden, seccomp, prefix: [program, ...argv, ...holder.entrance, "--", programs.bwrap] }
}

// It writes itself into the groups, and is then what it was given.
const join = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"'

/** What stands before the command that enters, so that it and all below it are counted. */
const launcherOf = (
  { places, programs }: Ground,
  limits: Limits,
  groups: ReadonlyArray<string>
): ReadonlyArray<string> => [
  ...(groups.length > 0 ? ["/bin/sh", "-c", join, "limits", ...groups, "--"] : []),
  ...(limits.processes !== undefined && places.processes === undefined
    ? [programs.prlimit, `--nproc=${limits.processes}:${limits.processes}`, "--"]
    : [])
]

const minimum = (path: string): Isolated.Cell["minimum"] => ({
  PATH: path,
  HOME: Room.home,
  LANG: "C.UTF-8",
  TMPDIR: "/tmp",
  TERM: "dumb",
  USER: "agent"
})

const enter = Effect.fnUntraced(function* (
  ground: Ground,
  { network, spec, workspace }: Isolated.Entry
): Effect.fn.Return<Isolated.Cell, SandboxError, Scope.Scope> {
  const { host, places, programs, scratch, tools } = ground
  const { limits = {} } = spec
  yield* Effect.forEach(Enterable.above(workspace.directory), Enterable.byCommands, { discard: true })
  const room = yield* Room.plan(spec, workspace, { tools, network })
  const own = ownLimits(limits)
  const groups = yield* Cgroup.enter(places, limits)
  const ownGroups = yield* Cgroup.enter(places, own)
  const { overlays } = workspace
  const leaks = HostProcesses.leaks()
  const holder = yield* Holder.start(host, {
    programs,
    room,
    overlays,
    network,
    scratch: scratchOf(scratch, limits),
    leaks
  })
  const cell = randomUUID()
  const wrapWith = (launcher: ReadonlyArray<string>): Isolated.Cell["wrap"] => {
    const entrance = entranceOf(ground, { cell, holder, launcher, leaks })
    return (command) => (holder.hasEnded() ? Effect.fail(ended(workspace.directory)) : Entrance.wrap(entrance, command))
  }
  const door: NetworkDoor.Prefix = [programs.nsenter, ...holder.networkEntrance, "--"]
  return {
    wrap: wrapWith(launcherOf(ground, limits, groups)),
    wrapOwn: wrapWith(launcherOf(ground, own, ownGroups)),
    end: CellTree.end,
    minimum: minimum(tools.path),
    pause: CellTree.halt(cell),
    resume: CellTree.proceed(cell),
    ...(network === "own"
      ? { listen: (port) => NetworkDoor.listen(door, port), expose: (port) => NetworkDoor.expose(door, port) }
      : { expose: (port) => Effect.succeed(addressOf(port)) })
  }
})

/** What the host's own commands have at least, which do no more than git and tar do with one workspace. */
const reserve = { memory: gibibyte, processes: 256 } as const

/** What the host's own commands may take, in groups of their own. */
const ownLimits = (limits: Limits): Limits => ({
  ...limits,
  ...(limits.memory !== undefined && { memory: Math.max(limits.memory, reserve.memory) }),
  ...(limits.processes !== undefined && { processes: Math.max(limits.processes, reserve.processes) })
})

/**
 * How much commands can write to memory: what lies there counts as theirs for as long as it lies there, and has to leave room
 * for those that could remove it.
 */
const scratchOf = (scratch: number, { memory }: Limits): number =>
  memory === undefined ? scratch : Math.min(scratch, Math.max(Math.floor(memory / 2), pages))

/** What a file system in memory has at least, in bytes, for what the holder itself puts there. */
const pages = 1024 ** 2

/** In the host's network a port is where it is. */
const addressOf = (port: number): Address => ({ host: "127.0.0.1", port, url: `http://127.0.0.1:${port}` })

const ended = (directory: string) =>
  PlatformError.systemError({
    _tag: "BadResource",
    module: "ChildProcess",
    method: "spawn",
    description: `The sandbox of ${directory} has ended: somebody killed its holder. Open it again.`
  })
