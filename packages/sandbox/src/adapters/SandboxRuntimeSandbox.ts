/**
 * A sandbox over sandbox-runtime, whose package `@anthropic-ai/sandbox-runtime` 0.0.83 is needed, with bubblewrap, socat and ripgrep. On Linux, `bubblewrap` of this package is faster and
 * holds more; this one is for who wants the allow-list of that project.
 *
 * One process for each sandbox holds an instance of it, in an empty folder, with lists of its own: reading is denied but for
 * what is named, and environments are clean. What it does not hold, and nobody who uses it can mend:
 *
 * - As root, commands can write to some of `/proc/sys`, and with that run code on the host: it refuses to open.
 * - System V shared memory of the host can be read; only a few system calls are filtered; nothing is limited.
 * - Its rules, with the names of allowed hosts, can be seen in the list of processes of the host.
 * - A command and its arguments have 128 KiB together.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import { existsSync } from "node:fs"
import { tmpdir } from "node:os"
import * as HeldFolder from "../internal/HeldFolder.ts"
import * as RuntimeCell from "../internal/RuntimeCell.ts"
import * as Isolated from "../Isolated.ts"
import * as Sandbox from "../Sandbox.ts"
import * as Supports from "../Supports.ts"

/** How it is made. */
export interface Options {
  /** Opens as root all the same: for tests, and for machines that are thrown away. */
  readonly asRoot?: boolean
}

const unavailable = (message: string) => new Sandbox.SandboxError({ reason: "Unavailable", message })

const program = (name: string, hint: string): Effect.Effect<string, Sandbox.SandboxError> => {
  const found = ["/usr/bin", "/usr/local/bin", "/bin"]
    .map((folder) => `${folder}/${name}`)
    .find((path) => existsSync(path))
  return found === undefined
    ? Effect.fail(unavailable(`There is no program \`${name}\`. Install ${hint}.`))
    : Effect.succeed(found)
}

/** A sandbox over sandbox-runtime. Fails with `Unavailable`, and says what to install. */
export const layerWith = (options: Options): Layer.Layer<Sandbox.Sandbox, Sandbox.SandboxError, Sandbox.Services> =>
  Layer.effect(
    Sandbox.Sandbox,
    Effect.gen(function* () {
      if (process.platform !== "linux") {
        return yield* unavailable("This adapter was made and tried for Linux only. Take the seatbelt adapter on macOS.")
      }
      if (process.getuid?.() === 0 && options.asRoot !== true) {
        return yield* unavailable(
          "sandbox-runtime does not hold root: from inside, /proc/sys/kernel can be written. Run as another user, or take the bubblewrap adapter."
        )
      }
      const module = yield* Effect.try({
        try: () => import.meta.resolve("@anthropic-ai/sandbox-runtime"),
        catch: () =>
          unavailable(
            "The package @anthropic-ai/sandbox-runtime can not be loaded. Add it to the dependencies of your project, beside @millwright/sandbox."
          )
      })
      const bwrap = yield* program("bwrap", "bubblewrap (Debian: bubblewrap)")
      const socat = yield* program("socat", "socat (Debian: socat)")
      yield* program("rg", "ripgrep (Debian: ripgrep)")
      yield* HeldFolder.sweep(tmpdir())
      return yield* Isolated.make({
        name: "sandboxRuntime",
        overlay: false,
        supports: {
          ...Supports.none,
          isolation: "os",
          workspaces: ["Checkout", "Folder", "Empty"],
          network: "allow",
          mounts: true,
          snapshot: true,
          killsTree: true
        },
        enter: RuntimeCell.make(module, { bwrap, socat }, yield* FileSystem.FileSystem)
      })
    })
  )

/** A sandbox over sandbox-runtime. */
export const layer: Layer.Layer<Sandbox.Sandbox, Sandbox.SandboxError, Sandbox.Services> = layerWith({})
