/** Doors into the network of a cell, without the rest of a sandbox. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { execFile } from "node:child_process"
import { createServer } from "node:net"
import * as Holder from "../src/internal/Holder.ts"
import * as Machine from "../src/internal/Machine.ts"
import * as NetworkDoor from "../src/internal/NetworkDoor.ts"
import * as Room from "../src/internal/Room.ts"
import { suite } from "./adapters/bubblewrapFixture.ts"
import { listening } from "./outbound/Loopback.ts"

/** How a program of the host gets into a network that has nothing but its loopback. */
const entrance = Effect.gen(function* () {
  const host = yield* ChildProcessSpawner
  const programs = yield* Machine.programs(host, {})
  const room = Room.bare(Room.toolchain(process.execPath))
  const holder = yield* Holder.start(host, {
    ...{ programs, room, overlays: [], network: "own", scratch: 1_000_000, leaks: [] }
  })
  return [programs.nsenter, ...holder.networkEntrance, "--"] as const
})

const client = `
require("node:net").connect(Number(process.argv[1]), "127.0.0.1")
  .on("data", (data) => process.stdout.write(data))
  .on("error", (error) => process.stdout.write(error.code))
`

/** What a connection from inside hears, or the code of its error. */
const heard = ([program, ...argv]: NetworkDoor.Prefix, port: number) =>
  Effect.callback<string>((resume) => {
    const words = [...argv, process.execPath, "-e", client, "--", String(port)]
    const child = execFile(program, words, { timeout: 20_000 }, (error, stdout) =>
      resume(error === null ? Effect.succeed(stdout) : Effect.die(error))
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  })

suite("a listener in the network of a cell", () => {
  it.live(
    "gets the connections from inside, stands in nobody's way on the host, and is gone with its scope",
    () =>
      Effect.gen(function* () {
        const prefix = yield* entrance
        // The same port is taken on the host: it is another loopback.
        const port = yield* listening(
          createServer((socket) => socket.end("the host")),
          "127.0.0.1"
        )
        assert.strictEqual(yield* heard(prefix, port), "ECONNREFUSED", "nothing should listen yet")
        const opened = Effect.fnUntraced(function* (greeting: string) {
          const server = yield* NetworkDoor.listen(prefix, port)
          server.on("connection", (socket) => socket.end(greeting))
        })
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* opened("first")
            assert.strictEqual(yield* heard(prefix, port), "first")
            assert.strictEqual(yield* heard(prefix, port), "first", "the second connection")
            const error = yield* Effect.flip(Effect.scoped(opened("taken")))
            assert.strictEqual(error.reason, "SetupFailed")
            assert.include(error.message, "EADDRINUSE")
            assert.strictEqual(yield* heard(prefix, port), "first", "after one that failed")
          })
        )
        assert.strictEqual(yield* heard(prefix, port), "ECONNREFUSED", "it should be gone")
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* opened("second")
            assert.strictEqual(yield* heard(prefix, port), "second")
          })
        )
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )
})
