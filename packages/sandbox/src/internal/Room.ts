/**
 * The **room** of a sandbox: the one tree of folders that all its commands see, as arguments of `bwrap`. It is put together
 * once, before anything runs in it. A command gets the whole of it and can not be given another one: no path is looked up
 * again, so there is none that a command could have swapped for a link meanwhile.
 */
import * as Effect from "effect/Effect"
import { existsSync, lstatSync, readlinkSync, realpathSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { SandboxError } from "../Sandbox.ts"
import type { SandboxSpec } from "../SandboxSpec.ts"
import type { Prepared } from "../Workspaces.ts"
import * as MountPoint from "./MountPoint.ts"

/** The home of commands. */
export const home = "/home/agent"
/**
 * Where the holder mounts a file system of its own in memory, for what commands write outside of their workspace: on the one
 * folder that neither it nor `bwrap` needs. It is gone with the holder.
 */
export const scratch = "/sys"
/** An empty folder that is there in every room. */
export const empty = "/sys"

/** What of the machine is in every room. */
export interface Toolchain {
  readonly arguments: ReadonlyArray<string>
  /** Of programs, the host's own Node first. */
  readonly path: string
}

/** What has no secret in it, and programs do not work without. */
const settings = [
  "alternatives",
  "ca-certificates",
  "ca-certificates.conf",
  "crypto-policies",
  "fonts",
  "gai.conf",
  "host.conf",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "locale.alias",
  "localtime",
  "mime.types",
  "nsswitch.conf",
  "pki",
  "protocols",
  "services",
  "ssl/certs",
  "ssl/openssl.cnf",
  "timezone"
].map((name) => `/etc/${name}`)

const programs = ["/usr", "/opt", "/nix", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]

/** Looks what this machine has. */
export const toolchain = (node: string): Toolchain => {
  const folders = programs.flatMap((path) => {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) return []
    return found.isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path]
  })
  const binaries = dirname(realpathSync(node))
  const isElsewhere = !programs.some((folder) => isBelow(binaries, folder))
  // An installation that was unpacked somewhere has its tools in `lib` beside `bin`.
  const modules = join(dirname(binaries), "lib", "node_modules")
  const own = [binaries, ...(basename(binaries) === "bin" && existsSync(modules) ? [modules] : [])]
  return {
    arguments: [
      ...folders,
      ...(isElsewhere ? own.flatMap((path) => ["--ro-bind", path, path]) : []),
      ...visible("/etc"),
      ...settings.flatMap((path) => (existsSync(path) ? ["--ro-bind", path, path] : []))
    ],
    path: [...(isElsewhere ? [binaries] : []), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"].join(":")
  }
}

/** Folders that commands write to but that are no workspace. */
const writable: Readonly<Record<string, string>> = {
  "/tmp": "tmp",
  "/var/tmp": "tmp",
  [home]: "home",
  "/dev/shm": "shm"
}
/** Where nothing can be mounted, nor around it. */
const ofKernel = ["/proc", "/sys", "/dev"]
/** What can not be replaced as a whole. */
const ofSystem = [...programs, "/etc", "/run", "/var", "/boot", "/root", "/home", ...Object.keys(writable)]

/** Whether a path is the folder or below it. */
const isBelow = (path: string, folder: string): boolean =>
  path === folder || folder === "/" || path.startsWith(`${folder}/`)

/** A room, for the script of the holder. */
export interface Room {
  /** For `bwrap`. What follows adds to them. */
  readonly arguments: ReadonlyArray<string>
  /** Targets that must have no link in them: below folders that commands could write to before. */
  readonly direct: ReadonlyArray<string>
  /** Mounted on themselves when they are there: so that they can not be moved away with what is in them. */
  readonly fixed: ReadonlyArray<string>
  /** Read only when they are there. */
  readonly protect: ReadonlyArray<string>
}

/** What is in every room. */
const base = ({
  network,
  tools
}: {
  readonly tools: Toolchain
  readonly network: "host" | "own"
}): ReadonlyArray<string> => {
  const named = network === "host" ? "/etc" : `${scratch}/etc`
  return [
    tools.arguments,
    ["passwd", "group"].flatMap((name) => ["--ro-bind", `${scratch}/etc/${name}`, `/etc/${name}`]),
    ["hosts", "resolv.conf"].flatMap((name) => ["--ro-bind-try", `${named}/${name}`, `/etc/${name}`]),
    // The holder's own, uncovered: the kernel lets a command have one of its own only beside such a one.
    words("--dev-bind /proc /proc --dev /dev"),
    [empty, "/home", "/run", "/var"].flatMap(visible),
    words("--symlink /run /var/run"),
    Object.entries(writable).flatMap(([target, name]) => ["--bind", `${scratch}/${name}`, target]),
    words("--remount-ro /dev")
  ].flat()
}

const words = (text: string): ReadonlyArray<string> => text.split(" ")

const visible = (path: string): ReadonlyArray<string> => ["--perms", "0755", "--dir", path]

/** A room with no workspace in it. */
export const bare = (tools: Toolchain): Room => ({
  arguments: base({ tools, network: "own" }),
  direct: [],
  fixed: [],
  protect: []
})

/** Plans a room. Fails with `BadSpec` and `NoSuchSource` for what can not be mounted. */
export const plan = Effect.fnUntraced(function* (
  { mounts = [] }: Pick<SandboxSpec, "mounts">,
  { directories, directory, protect, readable }: Pick<Prepared, "directories" | "directory" | "protect" | "readable">,
  options: { readonly tools: Toolchain; readonly network: "host" | "own" }
): Effect.fn.Return<Room, SandboxError> {
  const roots = [directory, ...Object.values(directories)]
  const wished = mounts.map(({ access, source, target = source }) => ({ access, source, target: trimmed(target) }))
  for (const root of roots) if (hides(root)) return yield* hiding("workspace", root)
  for (const { source, target } of wished) {
    if (hides(target)) return yield* hiding("mount", target)
    const wrong = wrongSource(source, roots)
    if (wrong !== undefined) return yield* wrong
  }
  // Outer ones first, or they would hide what is inside of them.
  const places: ReadonlyArray<MountPoint.Place> = [
    ...readable.map((path) => ({ source: path, target: path, access: "Read" as const })),
    ...roots.map((path) => ({ source: path, target: path, access: "Write" as const })),
    ...wished
  ].toSorted((a, b) => depth(a.target) - depth(b.target))
  const misplaced = MountPoint.problem(
    places,
    [...programs, ...settings].filter((path) => existsSync(path))
  )
  if (misplaced !== undefined) return yield* misplaced
  const pins = new Set(places.flatMap(({ target }) => pin(target)))
  const openings = places.filter(({ access }) => access === "Write").map(({ target }) => target)
  return {
    arguments: [
      ...base(options),
      ...[...pins].flatMap((path) => ["--tmpfs", path]),
      ...places.flatMap(({ access, source, target }) => [access === "Read" ? "--ro-bind" : "--bind", source, target]),
      ...[...pins].flatMap((path) => ["--remount-ro", path])
    ],
    direct: places
      .map(({ target }) => target)
      .filter((target) => openings.some((opening) => target !== opening && isBelow(target, opening))),
    fixed: roots.map((root) => join(root, ".git")),
    protect
  }
})

/** Without slashes at its end, and below the folder that a link of every room stands for. */
const trimmed = (path: string): string => path.replace(/\/+$/, "").replace(/^\/+var\/+run(?=\/)/, "/run") || "/"

const depth = (path: string): number => path.split("/").length

/**
 * The first folder below one that commands write to, on the way to a place. It is made a mount point, and read only: else
 * a command could rename it and put another one there.
 */
const pin = (target: string): ReadonlyArray<string> => {
  const folder = Object.keys(writable).find((folder) => isBelow(target, folder))
  if (folder === undefined) return []
  const first = join(folder, target.slice(folder.length + 1).split("/")[0] ?? "")
  return first === target ? [] : [first]
}

/** Whether something at the path would hide, or be in, what is the system's or the kernel's. */
const hides = (path: string): boolean =>
  [...ofSystem, ...ofKernel].some((folder) => isBelow(folder, path)) || isOfKernel(path)

const isOfKernel = (path: string): boolean =>
  !path.startsWith("/dev/shm/") && ofKernel.some((folder) => isBelow(path, folder))

const hiding = (what: string, target: string) =>
  new SandboxError({
    reason: "BadSpec",
    message: `A ${what} can not be at ${JSON.stringify(target)}: a folder of the system would be hidden by it. Give another folder.`
  })

const wrongSource = (source: string, roots: ReadonlyArray<string>): SandboxError | undefined => {
  const name = JSON.stringify(source)
  if (!existsSync(source)) {
    const message = `The mount ${name} is not there. Make it, or leave it out.`
    return new SandboxError({ reason: "NoSuchSource", message })
  }
  const real = realpathSync(source)
  if (real === "/" || isOfKernel(real) || isBelow(real, scratch)) {
    const message = `A mount can not show ${name}: it is all of the machine, or the kernel's. Name a folder in it.`
    return new SandboxError({ reason: "BadSpec", message })
  }
  const root = roots.find((root) => isBelow(source, root))
  if (root !== undefined && !isBelow(real, root)) {
    // A command may have put the link there.
    const message = `The mount ${name} leads out of its workspace, to ${JSON.stringify(real)}. Name that one if it is meant.`
    return new SandboxError({ reason: "BadSpec", message })
  }
  return undefined
}
