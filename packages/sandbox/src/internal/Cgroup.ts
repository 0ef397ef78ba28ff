/**
 * Limits that the kernel holds for a group of processes: control groups, in their first version where this process may make
 * some in its own, in the second where one on the way to the root was handed over.
 *
 * A group bears the number of the process that made it. What one that was killed has left is removed at the next start.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import * as ProcessTree from "../ProcessTree.ts"
import { SandboxError } from "../Sandbox.ts"
import type { Limits } from "../SandboxSpec.ts"
import * as Access from "./Access.ts"
import * as HostProcesses from "./HostProcesses.ts"

/** What a group can hold. */
export type Controlled = "cpus" | "memory" | "processes"

const controllers: Readonly<Record<Controlled, string>> = { cpus: "cpu", memory: "memory", processes: "pids" }
const all: ReadonlyArray<Controlled> = ["cpus", "memory", "processes"]

/** Where groups are made. */
export interface Place {
  readonly version: 1 | 2
  readonly folder: string
}

/** Where groups can be made, for each resource. */
export type Places = Readonly<Partial<Record<Controlled, Place>>>

/** Where this process is in a tree of groups, as a folder. */
interface Mounted {
  readonly version: 1 | 2
  readonly controllers: ReadonlyArray<string>
  readonly top: string
  readonly own: string
}

/** Reads where the trees are mounted and where in them this process is: `/proc/self/mountinfo` and `/proc/self/cgroup`. */
export const mounted = (mounts: string, membership: string): ReadonlyArray<Mounted> =>
  mounts.split("\n").flatMap((line) => {
    const [left = "", right = ""] = line.split(" - ")
    const [, , , root = "/", escaped = ""] = left.split(" ")
    const [type, , options = ""] = right.split(" ")
    if (type !== "cgroup" && type !== "cgroup2") return []
    const top = escaped.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))
    const names = type === "cgroup" ? options.split(",") : []
    const own = membership.split("\n").flatMap((line) => {
      const [id = "", list = "", ...path] = line.split(":")
      const isThis =
        type === "cgroup2" ? id === "0" && list === "" : list.split(",").some((name) => names.includes(name))
      return isThis ? [path.join(":")] : []
    })[0]
    if (own === undefined) return []
    const below = relative(root, own)
    // In a container the tree can be mounted from where this process is not.
    const folder = below.startsWith("..") ? top : join(top, below)
    return [{ version: type === "cgroup" ? 1 : 2, controllers: names, top, own: folder } as const]
  })

const text = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

const attempt = (change: () => void): boolean => {
  try {
    change()
    return true
  } catch {
    return false
  }
}

const words = (path: string): ReadonlyArray<string> => text(path).split(/\s+/)

/** The folder itself and those above it, the innermost first. */
const upwards = (folder: string, top: string): ReadonlyArray<string> =>
  folder === top || !folder.startsWith(top) ? [top] : [folder, ...upwards(dirname(folder), top)]

const folderFor = (controller: string, { controllers, own, top, version }: Mounted): string | undefined => {
  if (version === 1) return controllers.includes(controller) && canMake(own, controller) ? own : undefined
  return upwards(own, top).find((folder) => {
    const control = join(folder, "cgroup.subtree_control")
    const isOn =
      words(control).includes(controller) ||
      (words(join(folder, "cgroup.controllers")).includes(controller) &&
        attempt(() => writeFileSync(control, `+${controller}`)))
    return isOn && Access.canWrite(join(folder, "cgroup.procs")) && canMake(folder, controller)
  })
}

/** Tries it, since a folder that looks writable may be mounted read only. */
const canMake = (folder: string, controller: string): boolean => {
  const trial = join(folder, name())
  if (!attempt(() => mkdirSync(trial))) return false
  const has = readdirSync(trial).some((file) => file.startsWith(`${controller}.`))
  attempt(() => rmdirSync(trial))
  return has
}

/** The number of this process and when it was started, which nobody else has had together. */
const owner = (): string => `millwright-${process.pid}-${HostProcesses.startOf(process.pid)}-`
const name = (): string => `${owner()}${randomUUID().slice(0, 8)}`

/** Looks where groups can be made, and removes what the dead have left there. */
export const find = (): Places => {
  const trees = mounted(text("/proc/self/mountinfo"), text("/proc/self/cgroup"))
  const places = all.flatMap((resource): ReadonlyArray<readonly [Controlled, Place]> => {
    for (const tree of trees) {
      const folder = folderFor(controllers[resource], tree)
      if (folder !== undefined) return [[resource, { version: tree.version, folder }]]
    }
    return []
  })
  for (const folder of new Set(places.map(([, { folder }]) => folder))) sweep(folder)
  return Object.fromEntries(places)
}

const sweep = (folder: string): void => {
  for (const name of readdirSync(folder)) {
    const [, pid, started] = /^millwright-(\d+)-(\d+)-/.exec(name) ?? []
    if (pid !== undefined && HostProcesses.startOf(Number(pid)) !== started) {
      attempt(() => rmdirSync(join(folder, name)))
    }
  }
}

const period = 100_000

/** The files of a limit and what is written to them; the first has to be there. */
const files = (
  version: 1 | 2,
  resource: Controlled,
  value: number
): ReadonlyArray<readonly [file: string, text: string]> => {
  const text = String(value)
  if (resource === "processes") return [["pids.max", text]]
  if (resource === "memory") {
    return version === 1
      ? [
          ["memory.limit_in_bytes", text],
          ["memory.memsw.limit_in_bytes", text]
        ]
      : [
          ["memory.max", text],
          ["memory.swap.max", "0"]
        ]
  }
  // The kernel takes no less than a millisecond.
  const quota = String(Math.max(1_000, Math.round(value * period)))
  return version === 1
    ? [
        ["cpu.cfs_quota_us", quota],
        ["cpu.cfs_period_us", String(period)]
      ]
    : [["cpu.max", `${quota} ${period}`]]
}

/** Makes the groups of a sandbox, until the scope closes, and answers with the files that a process enters them by. */
export const enter = Effect.fnUntraced(function* (
  places: Places,
  limits: Limits
): Effect.fn.Return<ReadonlyArray<string>, SandboxError, Scope.Scope> {
  const asked = all.flatMap((resource) => {
    const [place, value] = [places[resource], limits[resource]]
    return place === undefined || value === undefined ? [] : [{ resource, value, ...place }]
  })
  const id = name()
  const groups = [...new Set(asked.map(({ folder }) => join(folder, id)))]
  yield* Effect.addFinalizer(() => Effect.forEach(groups, remove, { discard: true }))
  yield* Effect.try({
    try: () => {
      for (const group of groups) mkdirSync(group)
      for (const { folder, resource, value, version } of asked) {
        files(version, resource, value).forEach(([file, text], index) => {
          const path = join(folder, id, file)
          // What follows the first is not in every kernel: swap may not be counted.
          if (index === 0 || existsSync(path)) writeFileSync(path, text)
        })
      }
    },
    catch: (cause) =>
      new SandboxError({
        reason: "SetupFailed",
        message: `The limits of the sandbox could not be set: ${String(cause)}. Ask for others, or leave them out.`,
        cause
      })
  })
  return groups.map((group) => join(group, "cgroup.procs"))
})

/** How long the last processes of a group may take to be gone, in milliseconds. */
const patience = 1_000

const remove = (group: string) =>
  Effect.gen(function* () {
    const deadline = performance.now() + patience
    while (existsSync(group) && !attempt(() => rmdirSync(group)) && performance.now() < deadline) {
      yield* ProcessTree.pause(5)
    }
  })
