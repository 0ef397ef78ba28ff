/**
 * A sandbox of the Linux kernel's own making: namespaces, a filter of system calls and control groups, put together with
 * [bubblewrap](https://github.com/containers/bubblewrap). It needs no root, no service and no image, and opens in milliseconds.
 *
 * Commands see the workspace, what the spec mounts, the programs of the machine read only, and nothing else of it: no other
 * file, no environment, no process, and no network but their own loopback and what `egress` lets through. All of one sandbox
 * share `/tmp`, the home and the loopback; each has a process space of its own, which the kernel ends with it. When
 * this process dies, however it does, so does everything inside.
 *
 * - Needs bubblewrap 0.8 and util-linux, and a kernel that lets its user make user namespaces.
 * - Inside, the user is `agent`. On the host it is the user of this process: files in the workspace are theirs, and its
 *   supplementary groups still count. Better not root.
 * - `limits` hold where control groups may be made: as root, or where a manager handed some over. Elsewhere `processes` is
 *   held by the kernel's count for each user, and `cpus` and `memory` are not supported; `supports` says which. Of
 *   `processes`, each command takes three for its own start. What the host itself does inside, as bringing commits back, is
 *   counted apart, with 1 GiB and 256 processes at least: commands that have used up theirs do not hold it back.
 * - With `egress` `Open`, commands see the host's network: what listens on its loopback and on abstract sockets too.
 * - A socket in a folder that is mounted, or in a `Folder`, is one that commands can connect to: the kernel's filters
 *   do not see to which path.
 * - A pause halts what runs. A command that is started meanwhile runs.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as BubblewrapCell from "../internal/BubblewrapCell.ts"
import * as Isolated from "../Isolated.ts"
import * as Sandbox from "../Sandbox.ts"

/** How the sandbox is made. */
export interface Options {
  /** Absolute path of `bwrap`. Default: where the system has it; a PATH is never asked. */
  readonly bwrap?: string
  /** Absolute path of `nsenter`. Default: as above. */
  readonly nsenter?: string
  /** Absolute path of `unshare`. Default: as above. */
  readonly unshare?: string
  /**
   * How much commands can write to `/tmp`, `/dev/shm` and their home together, in bytes of memory. It counts as theirs for
   * `limits.memory`, so it is no more than half of that. Default: 1 GiB.
   */
  readonly scratch?: number
  /** Whether a checkout is put together of layers and not copied. Default: where the kernel can. */
  readonly overlay?: boolean
}

/** A sandbox of namespaces. Fails with `Unavailable`, and says what to do, where the machine can not make one. */
export const layerWith = (options: Options): Layer.Layer<Sandbox.Sandbox, Sandbox.SandboxError, Sandbox.Services> =>
  Layer.effect(
    Sandbox.Sandbox,
    Effect.gen(function* () {
      const cells = yield* BubblewrapCell.make(yield* ChildProcessSpawner, options)
      return yield* Isolated.make({ name: "bubblewrap", ...cells })
    })
  )

/** A sandbox of namespaces, with what the machine has. */
export const layer: Layer.Layer<Sandbox.Sandbox, Sandbox.SandboxError, Sandbox.Services> = layerWith({})
