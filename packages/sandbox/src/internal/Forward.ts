/** A port of this machine's loopback whose connections are each carried by a command. */
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as PlatformError from "effect/PlatformError"
import type { ChildProcessHandle } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createServer, type Server, type Socket } from "node:net"
import { type Address, SandboxError } from "../Sandbox.ts"

type Bytes = Stream.Stream<Uint8Array, PlatformError.PlatformError>

/** How many connections are carried at once; more are closed. */
const most = 256

const write = (socket: Socket, chunk: Uint8Array) =>
  Effect.callback<void>((resume) => {
    if (socket.destroyed) return resume(Effect.interrupt)
    socket.write(chunk, () => resume(Effect.void))
  })

/** Listens until the scope closes; then every connection is closed. */
export const make = Effect.fnUntraced(function* (
  carry: (input: Bytes) => Effect.Effect<ChildProcessHandle, PlatformError.PlatformError, Scope.Scope>
) {
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  const sockets = new Set<Socket>()
  const carried = (socket: Socket) =>
    Effect.scoped(
      Effect.gen(function* () {
        const input = Stream.fromAsyncIterable<Uint8Array, PlatformError.PlatformError>(socket, (cause) =>
          PlatformError.systemError({ _tag: "Unknown", module: "ChildProcess", method: "expose", cause })
        )
        const handle = yield* carry(input)
        yield* Stream.runForEach(handle.stdout, (chunk) => write(socket, chunk))
      })
    ).pipe(Effect.ignore, Effect.ensuring(Effect.sync(() => void socket.end(() => socket.destroy()))))
  const server = yield* Effect.acquireRelease(
    Effect.callback<Server, SandboxError>((resume) => {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        if (sockets.size >= most) return void socket.destroy()
        sockets.add(socket)
        socket.once("close", () => sockets.delete(socket))
        socket.on("error", () => socket.destroy())
        run(carried(socket))
      })
      server.once("error", (cause) =>
        resume(
          Effect.fail(
            new SandboxError({
              reason: "SetupFailed",
              message: `No port of 127.0.0.1 can be had: ${cause.message}.`,
              cause
            })
          )
        )
      )
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resume(Effect.void))
      })
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return { host: "127.0.0.1", port, url: `http://127.0.0.1:${port}/` } satisfies Address
})
