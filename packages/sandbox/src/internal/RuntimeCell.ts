/** The cell of `@anthropic-ai/sandbox-runtime` on Linux: what it is told for a workspace, and how its commands run and end. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Redacted from "effect/Redacted"
import { existsSync, realpathSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Cell, Entry } from "../Isolated.ts"
import * as ProcessTree from "../ProcessTree.ts"
import { SandboxError } from "../Sandbox.ts"
import type { Egress } from "../SandboxSpec.ts"
import * as Entrance from "./Entrance.ts"
import * as HeldFolder from "./HeldFolder.ts"
import * as HostProcesses from "./HostProcesses.ts"
import { quote } from "./Relay.ts"
import * as RuntimeHelper from "./RuntimeHelper.ts"

/** The programs that it runs, by absolute path. */
export interface Programs {
  readonly bwrap: string
  readonly socat: string
}

const system = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix"]
const settings = [
  ...["alternatives", "ssl", "ca-certificates", "ca-certificates.conf", "ld.so.cache", "ld.so.conf", "ld.so.conf.d"],
  ...["passwd", "group", "nsswitch.conf", "resolv.conf", "hosts", "localtime", "timezone", "services", "protocols"]
].map((name) => `/etc/${name}`)

/** Makes the cell. `module` is the address of the package. */
export const make = (module: string, programs: Programs, fileSystem: FileSystem.FileSystem) => (entry: Entry) =>
  Effect.gen(function* () {
    const { spec, workspace } = entry
    const folder = yield* HeldFolder.make(fileSystem, { directory: tmpdir(), kind: "runtime-" }).pipe(
      Effect.mapError(
        (cause) =>
          new SandboxError({ reason: "SetupFailed", message: `A folder can not be made: ${cause.message}`, cause })
      )
    )
    // Its own things, which it shows to commands, and those of commands.
    const [own, home, scratch] = ["own", "home", "tmp"].map((name) => join(realpathSync(folder), name))
    if (own === undefined || home === undefined || scratch === undefined) return yield* Effect.die("no folders")
    yield* Effect.forEach([own, home, scratch], (path) => Effect.orDie(fileSystem.makeDirectory(path)))

    if (spec.egress?._tag === "Open") return yield* noOpen
    const roots = [workspace.directory, ...Object.values(workspace.directories)]
    const mounts = spec.mounts ?? []
    const config = (egress: Egress | undefined): RuntimeHelper.Config => ({
      network: {
        allowedDomains: egress?._tag === "Allow" ? egress.domains : [],
        deniedDomains: [],
        strictAllowlist: true
      },
      filesystem: {
        denyRead: ["/"],
        allowRead: [
          ...[...system, ...settings, dirname(realpathSync(process.execPath))].filter((path) => existsSync(path)),
          // What it filters system calls with.
          join(dirname(dirname(fileURLToPath(module))), "vendor"),
          ...[...roots, ...workspace.readable, own, home, scratch, ...mounts.map(({ source }) => source)]
        ],
        allowWrite: [
          ...[...roots, home, scratch],
          ...mounts.filter(({ access }) => access === "Write").map(({ source }) => source)
        ],
        denyWrite: workspace.protect.filter((path) => existsSync(path))
      },
      bwrapPath: programs.bwrap,
      socatPath: programs.socat
    })
    const helper = yield* RuntimeHelper.make({ module, folder: own, config: config(spec.egress) })

    const wrap: Cell["wrap"] = Effect.fnUntraced(function* (command) {
      const { args, options } = command
      const words = [command.command, ...args.map((word) => (Redacted.isRedacted(word) ? Redacted.value(word) : word))]
      // It gives commands a folder for temporary files that is not there.
      const text = `export TMPDIR=${quote(scratch)}; cd ${quote(options.cwd ?? workspace.directory)} && exec ${words.map(quote).join(" ")}`
      const wrapped = yield* Effect.mapError(helper.wrap(text), (cause) =>
        PlatformError.systemError({
          _tag: "Unknown",
          module: "ChildProcess",
          method: "spawn",
          description: cause.message,
          cause
        })
      )
      return ChildProcess.make("/bin/sh", ["-c", `exec ${wrapped}`], {
        ...options,
        cwd: own,
        // What whoever started this process left open is no descriptor of a command.
        additionalFds: { ...Entrance.covers(HostProcesses.leaks()), ...options.additionalFds }
      })
    })
    return {
      wrap,
      end,
      setEgress: (egress) => (egress._tag === "Open" ? noOpen : helper.update(config(egress))),
      minimum: {
        ...{ PATH: `${dirname(realpathSync(process.execPath))}:/usr/local/bin:/usr/bin:/bin`, HOME: home },
        ...{ LANG: "C.UTF-8", TMPDIR: scratch, TERM: "dumb", USER: "agent" }
      }
    } satisfies Cell
  })

const noOpen = Effect.fail(
  new SandboxError({
    reason: "Unsupported",
    message: "sandbox-runtime lets through named domains only. Name them with `Allow`, or take the bubblewrap adapter."
  })
)

/** Signals go to the command and its children, which are in the innermost namespace, and the end to all that stands above. */
const end: typeof ProcessTree.end = ({ mark }, { grace, signal }) =>
  Effect.uninterruptible(
    Effect.gen(function* () {
      if (mark === "") return
      const deadline = performance.now() + grace
      const settled = performance.now() + HostProcesses.settling
      let isAsked = false
      for (let look = HostProcesses.marked(mark); ; look = HostProcesses.marked(mark)) {
        const left = look.found
        const now = performance.now()
        const late = now - deadline
        if ((left.length === 0 && (look.isSure || now > settled)) || late > 1_000) return
        const all = left.flatMap(HostProcesses.descendants)
        if (late >= 0) HostProcesses.send([...all, ...left], "SIGKILL")
        else if (!isAsked) {
          const depths = all.map((pid) => HostProcesses.numbers(pid))
          const deepest = Math.max(...depths.map(({ length }) => length))
          const members = all.filter((_, index) => depths[index]?.length === deepest && depths[index]?.at(-1) !== 1)
          HostProcesses.send(members, signal)
          isAsked = members.length > 0
        }
        yield* ProcessTree.pause(5)
      }
    })
  )
