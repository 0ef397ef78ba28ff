/**
 * Doors between the host and the network of a cell. A socket belongs to the network that it was made in, whoever holds it; so
 * a process of ours goes in for a moment, makes one and hands it over.
 *
 * It takes `node:child_process` since Effect's spawner hands no sockets over.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { createServer, Server, type Socket } from "node:net"
import { type Address, SandboxError } from "../Sandbox.ts"

/** How a program of the host gets into the network of a cell: what stands before its own arguments. */
export type Prefix = readonly [program: string, ...argv: ReadonlyArray<string>]

const failed = (what: string, cause?: unknown): SandboxError =>
  new SandboxError({
    reason: "SetupFailed",
    message: `${what} of the sandbox could not be opened: ${String(cause)}.`,
    cause
  })

// The values come as arguments, and nothing of the host's environment is there.
const listener = `
const server = require("node:net").createServer()
server.once("error", (error) => process.send(String(error), () => process.exit(1)))
server.listen({ host: "127.0.0.1", port: Number(process.argv[1]) }, () =>
  process.send("listening", server, () => process.disconnect()))
`
const connector = `
const { connect } = require("node:net")
process.on("message", (_, socket) => {
  if (!socket) return
  const inside = connect({ host: "127.0.0.1", port: Number(process.argv[1]), allowHalfOpen: true })
  const end = () => { inside.destroy(); socket.destroy() }
  socket.allowHalfOpen = true
  socket.on("error", end); inside.on("error", end)
  socket.pipe(inside); inside.pipe(socket)
})
process.on("disconnect", () => process.exit(0))
process.send("ready")
`

const helper = ([program, ...argv]: Prefix, script: string, port: number) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(program, [...argv, process.execPath, "-e", script, "--", String(port)], {
        cwd: "/",
        env: {},
        stdio: ["ignore", "ignore", "ignore", "ipc"]
      })
    ),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )

/** How long a helper may take to answer, in milliseconds. */
const patience = 10_000

/** What a helper says first, with what it hands over. */
const answer = (child: ChildProcess, what: string) =>
  Effect.callback<readonly [message: unknown, handle: unknown], SandboxError>((resume) => {
    const onMessage = (message: unknown, handle: unknown) => resume(Effect.succeed([message, handle]))
    const onEnd = (cause: unknown) => resume(Effect.fail(failed(what, cause)))
    child.once("message", onMessage).once("error", onEnd).once("exit", onEnd)
    return Effect.sync(() => child.off("message", onMessage).off("error", onEnd).off("exit", onEnd))
  }).pipe(
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () => Effect.fail(failed(what, `its helper did not answer within ${patience} ms`))
    })
  )

/** Listens on a port of the cell's loopback, in this process. */
export const listen = (prefix: Prefix, port: number): Effect.Effect<Server, SandboxError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.scoped(
      Effect.gen(function* () {
        const child = yield* helper(prefix, listener, port)
        const [message, server] = yield* answer(child, `The way out on port ${port}`)
        if (!(server instanceof Server)) return yield* failed(`The way out on port ${port}`, message)
        return server
      })
    ),
    (server) => Effect.sync(() => void server.close())
  )

/** Makes a port of the cell's loopback reachable on one of the host's, by whoever can reach that. */
export const expose = (prefix: Prefix, port: number): Effect.Effect<Address, SandboxError, Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* helper(prefix, connector, port)
    yield* answer(child, `Port ${port}`)
    const sockets = new Set<Socket>()
    const server = yield* Effect.acquireRelease(
      Effect.callback<Server, SandboxError>((resume) => {
        // Nothing is read here: what has been read would not be handed over.
        const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
          sockets.add(socket)
          socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket))
          if (child.connected) child.send("socket", socket, (error) => error && socket.destroy())
          else socket.destroy()
        })
        server.once("error", (cause) => resume(Effect.fail(failed(`Port ${port}`, cause))))
        server.listen({ host: "127.0.0.1", port: 0 }, () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          for (const socket of sockets) socket.destroy()
        })
    )
    const at = server.address()
    if (at === null || typeof at === "string") return yield* failed(`Port ${port}`, "it has no address")
    return { host: "127.0.0.1", port: at.port, url: `http://127.0.0.1:${at.port}` }
  })
