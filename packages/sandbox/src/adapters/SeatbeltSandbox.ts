/**
 * A sandbox of macOS' own: `sandbox-exec` with a profile that denies everything but the workspace, what the spec mounts and the
 * programs of the machine. **Its profile is tested as a text; it was never run.** Run the suite on your machine before you trust it.
 *
 * - Commands share the machine's process list, its loopback and its users: they see other processes, and cannot signal them.
 * - There is no network of its own: of the loopback, they reach the port of our proxy and the ports of the spec.
 * - A process that left its process group is not found when its command ends (`killsTree` is false), and lives on, in the
 *   same profile. When this process is killed, so do its commands.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import type * as Scope from "effect/Scope"
import { existsSync, realpathSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as HeldFolder from "../internal/HeldFolder.ts"
import * as SeatbeltProfile from "../internal/SeatbeltProfile.ts"
import * as Isolated from "../Isolated.ts"
import * as Outbound from "../Outbound.ts"
import * as ProcessTree from "../ProcessTree.ts"
import * as Sandbox from "../Sandbox.ts"
import { SecretBroker } from "../SecretBroker.ts"
import * as Supports from "../Supports.ts"

const launcher = "/usr/bin/sandbox-exec"

/** A sandbox of macOS. Fails with `Unavailable` elsewhere. */
export const layer: Layer.Layer<Sandbox.Sandbox, Sandbox.SandboxError, Sandbox.Services> = Layer.effect(
  Sandbox.Sandbox,
  Effect.gen(function* () {
    if (process.platform !== "darwin" || !existsSync(launcher)) {
      return yield* new Sandbox.SandboxError({
        reason: "Unavailable",
        message: `There is no ${launcher} here; it is part of macOS. On Linux, take the bubblewrap adapter.`
      })
    }
    const files = yield* FileSystem.FileSystem
    yield* HeldFolder.sweep(tmpdir())
    const broker = Option.getOrUndefined(yield* Effect.serviceOption(SecretBroker))
    return yield* Isolated.make({
      name: "seatbelt",
      overlay: false,
      supports: {
        ...Supports.none,
        isolation: "os",
        workspaces: ["Checkout", "Folder", "Empty"],
        network: "allow",
        broker: true,
        mounts: true,
        snapshot: true
      },
      enter: (entry) => enter(entry, files, broker)
    })
  })
)

const onDisk = <A, R>(effect: Effect.Effect<A, PlatformError, R>) =>
  Effect.mapError(
    effect,
    (cause) =>
      new Sandbox.SandboxError({
        reason: "SetupFailed",
        message: `The profile can not be written: ${cause.message}`,
        cause
      })
  )

const enter = Effect.fnUntraced(function* (
  { spec, workspace }: Isolated.Entry,
  files: FileSystem.FileSystem,
  broker: SecretBroker["Service"] | undefined
) {
  const isOpen = spec.egress?._tag === "Open"
  const folder = yield* onDisk(
    Effect.flatMap(HeldFolder.make(files, { directory: tmpdir(), kind: "seatbelt-" }), files.realPath)
  )
  const home = join(folder, "home")
  const scratch = join(folder, "tmp")
  for (const path of [home, scratch]) yield* onDisk(files.makeDirectory(path))

  const lockFile = Effect.firstSuccessOf(
    ["pnpm-lock.yaml", "package-lock.json"].map((name) =>
      Effect.map(files.readFileString(join(workspace.directory, name)), (text) => ({ name, text }))
    )
  )
  const out = yield* Outbound.make(spec, { broker, lockFile: Effect.orElseSucceed(lockFile, () => undefined) })
  const proxy = isOpen ? undefined : yield* door(out)
  const program = dirname(realpathSync(process.execPath))
  const profile = join(folder, "profile.sb")
  const text = SeatbeltProfile.compile({
    ...{ spec, workspace, proxy, programs: [program], scratch: [home, scratch] },
    ports: Object.values(spec.ports ?? {}).filter((port) => port !== null)
  })
  yield* onDisk(files.writeFileString(profile, text, { mode: 0o600 }))
  return {
    wrap: (command) =>
      Effect.sync(() =>
        ChildProcess.make(launcher, ["-f", profile, command.command, ...command.args], {
          ...command.options,
          env: { ...(proxy === undefined ? {} : out.environment(proxy)), ...command.options.env }
        })
      ),
    end,
    setEgress: (egress) =>
      isOpen || egress._tag === "Open"
        ? Effect.fail(
            new Sandbox.SandboxError({
              reason: "Unsupported",
              message:
                "A profile is for the life of a command: `Open` can not be taken back, nor given later. Open the sandbox anew."
            })
          )
        : out.setEgress(egress),
    minimum: {
      ...{ PATH: `${program}:/usr/bin:/bin:/usr/sbin:/sbin`, HOME: home, LANG: "en_US.UTF-8" },
      ...{ TMPDIR: scratch, TERM: "dumb", USER: "agent" }
    }
  } satisfies Isolated.Cell
})

/** Listens on a free port of the loopback. */
const door = (out: Outbound.Outbound): Effect.Effect<number, Sandbox.SandboxError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>, Sandbox.SandboxError>((resume) => {
        const server = createServer(out.accept)
        server.once("error", (cause) =>
          resume(
            Effect.fail(
              new Sandbox.SandboxError({
                reason: "SetupFailed",
                message: `The proxy can not listen: ${cause.message}`,
                cause
              })
            )
          )
        )
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.sync(() => void server.close())
    ),
    (server) => {
      const address = server.address()
      return address === null || typeof address === "string" ? 0 : address.port
    }
  )

/** Without `/proc`, what is known of a tree is its process group. */
const end: typeof ProcessTree.end = ({ group }, { grace, signal }) =>
  Effect.uninterruptible(
    Effect.gen(function* () {
      if (group === undefined) return
      const send = (signal: NodeJS.Signals | 0): boolean => {
        try {
          return process.kill(-group, signal)
        } catch {
          return false
        }
      }
      const deadline = performance.now() + grace
      for (let isThere = send(signal); isThere; isThere = send(0)) {
        const late = performance.now() - deadline
        if (late > 1_000) return
        if (late >= 0) send("SIGKILL")
        yield* ProcessTree.pause(5)
      }
    })
  )
