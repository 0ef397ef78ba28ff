/**
 * A sandbox in a container of podman or docker: commands see an image of your choice, the workspace, and nothing else of this
 * machine; no capability, no new privilege, a narrow filter of system calls, a root that is read only, and a network of its
 * own unless `egress` is `Open`: that is the host's, with its loopback. With secrets or a registry it is its own all the same,
 * and `Open` is what its one way out lets through.
 *
 * - Needs podman (or docker) and, in the image, a POSIX shell, git, find and tar. `runsc` as `runtime` puts gVisor
 *   in between, where it is installed.
 * - When this process dies, however it does, the container ends; what a crash of the engine left is removed at the next start.
 * - A command takes the engine about 0.1 s. `/tmp` and the home are memory, and gone when the sandbox closes.
 * - The environment of a command is in no list of processes of the host; its program and arguments are.
 * - Run as root, commands are root without capabilities: better not root.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as ContainerCell from "../internal/ContainerCell.ts"
import * as ContainerEngine from "../internal/ContainerEngine.ts"
import * as Isolated from "../Isolated.ts"
import * as Sandbox from "../Sandbox.ts"
import * as Supports from "../Supports.ts"

/** How containers are made. */
export type Options = ContainerCell.Options

/** A sandbox in a container. Fails with `Unavailable`, and says what to do, where the machine can not make one. */
export const layerWith = (options: Options): Layer.Layer<Sandbox.Sandbox, Sandbox.SandboxError, Sandbox.Services> =>
  Layer.effect(
    Sandbox.Sandbox,
    Effect.gen(function* () {
      if (process.platform !== "linux") {
        return yield* ContainerEngine.unavailable(`it is for Linux, and this is ${process.platform}`)
      }
      const host = yield* ChildProcessSpawner
      const fileSystem = yield* FileSystem.FileSystem
      const engine = yield* ContainerEngine.make(host, options)
      yield* ContainerCell.sweep(engine)
      const enter = ContainerCell.make(host, engine, options)
      return yield* Isolated.make({
        name: "container",
        // What is mounted in the host's place would not be seen in the container's.
        overlay: false,
        supports: {
          ...Supports.none,
          isolation: "container",
          companions: true,
          workspaces: ["Checkout", "Folder", "Empty"],
          network: "allow",
          broker: true,
          mounts: true,
          ports: true,
          snapshot: true,
          pause: engine.canPause,
          image: true,
          limits: [...engine.limits, "wall"],
          killsTree: true
        },
        enter: (entry) => Effect.provideService(enter(entry), FileSystem.FileSystem, fileSystem)
      })
    })
  )

/** A sandbox in a container of the image that the spec names. */
export const layer: Layer.Layer<Sandbox.Sandbox, Sandbox.SandboxError, Sandbox.Services> = layerWith({})
