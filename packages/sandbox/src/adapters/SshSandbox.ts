/**
 * A sandbox on a machine of your own, over the `ssh` program: one connection for each sandbox, which all of its commands share.
 *
 * - The machine runs Linux, with sshd, git 2.29, tar and grep. Workspaces lie in a folder there and stay when it is closed.
 * - What stands between commands and this machine is that they run on another one. There they have the rights of the
 *   user that logs in, see its other sandboxes and its network: give each level of trust a user of its own.
 * - No agent, port or display is forwarded. A machine whose key is not known is refused.
 * - When this process dies or the connection is lost, every process of the sandbox ends.
 * - Commands beyond the tenth at a time (`MaxSessions` of sshd) take a connection each.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import * as Forward from "../internal/Forward.ts"
import type * as InsideTree from "../internal/InsideTree.ts"
import * as SshConnection from "../internal/SshConnection.ts"
import * as Remote from "../Remote.ts"
import * as Sandbox from "../Sandbox.ts"
import * as Supports from "../Supports.ts"

/** How the machine is reached: its name, and what `ssh` would not find by itself. */
export type Options = SshConnection.Options

/** What it holds. */
export const supports: Supports.Supports = {
  ...Supports.none,
  isolation: "remote",
  companions: true,
  workspaces: ["Checkout", "Empty"],
  ports: true,
  snapshot: true,
  killsTree: true
}

// The machine is not ours alone: what is free now is tried in any order, so that two who ask at once find different ones.
const searching = `
for port do
  grep -qi ":$(printf %04X "$port") " /proc/net/tcp /proc/net/tcp6 2> /dev/null || { echo "$port"; exit; }
done
exit 1
`

const free = (spawn: InsideTree.Spawn) =>
  Effect.gen(function* () {
    const ports = Array.from({ length: 50 }, () => String(20_000 + Math.floor(Math.random() * 12_000)))
    const handle = yield* spawn(
      ChildProcess.make("/bin/sh", ["-c", searching, "sh", ...ports], { env: {}, stdin: "ignore" })
    )
    return Number(yield* Stream.mkString(Stream.decodeText(handle.stdout)))
  }).pipe(
    Effect.scoped,
    Effect.mapError((cause) => cause.message),
    Effect.filterOrFail(
      (port) => port > 0,
      () => "none of 50 that were tried is free"
    ),
    Effect.mapError(
      (why) => new Sandbox.SandboxError({ reason: "ProviderFailed", message: `No port can be had there: ${why}.` })
    )
  )

/** A sandbox on a machine that is reached over ssh. */
export const layer = (options: Options): Layer.Layer<Sandbox.Sandbox, never, Sandbox.Services> =>
  Layer.effect(
    Sandbox.Sandbox,
    Effect.gen(function* () {
      const host = yield* ChildProcessSpawner
      const fileSystem = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      return yield* Remote.make({
        name: "ssh",
        supports,
        connect: Effect.fnUntraced(function* ({ key }) {
          const { carry, ...connection } = yield* SshConnection.make(options, Remote.markOf(key)).pipe(
            Effect.provideService(ChildProcessSpawner, host),
            Effect.provideService(FileSystem.FileSystem, fileSystem)
          )
          return {
            ...connection,
            port: free(connection.spawn),
            expose: (port) => Forward.make((input) => carry(port, input))
          }
        })
      }).pipe(
        Effect.provideService(ChildProcessSpawner, host),
        Effect.provideService(FileSystem.FileSystem, fileSystem),
        Effect.provideService(Path.Path, path)
      )
    })
  )
