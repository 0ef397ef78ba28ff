/**
 * The proxy itself: `node:http` without a port of its own. It judges each request, sends it on, and closes what is open when
 * the rules change. Whatever a client does, it ends at most its own connection.
 */
import * as http from "node:http"
import { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { type Target } from "./Domains.ts"
import * as Exchange from "./Exchange.ts"
import * as Message from "./Message.ts"
import { malformed, Refused } from "./Refused.ts"
import * as Tunnel from "./Tunnel.ts"
import * as Upstream from "./Upstream.ts"

/** How much a proxy bears. Times are in milliseconds. */
export interface Bounds {
  /** Connections of clients at once; more are turned away. */
  readonly connections: number
  /** How long a request's head, a connection to a server and the first bytes of a tunnel may take. */
  readonly patience: number
  /** How long nothing may happen on a connection that is in use. */
  readonly idle: number
}

/** What a proxy bears unless the caller says. */
export const usual: Bounds = { connections: 512, patience: 30_000, idle: 600_000 }

/** What decides. */
export interface Rules {
  /** Why a request or a tunnel may not go there. */
  readonly judge: (target: Target) => Refused | undefined
  readonly judgeAddress: (target: Target, address: string) => Refused | undefined
  /** What a tunnel to a place may carry. */
  readonly carries: (target: Target) => Tunnel.Cargo | Refused
  /** Why a request may not become a connection of its own, though it is let through. */
  readonly judgeUpgrade: (target: Target) => Refused | undefined
  /** How a request is sent on. */
  readonly plan: (line: Message.Line) => Promise<Exchange.Plan>
  /** Answers a request itself. `undefined` when it is to be sent on. */
  readonly answer: (
    line: Message.Line,
    request: http.IncomingMessage
  ) => Promise<{ readonly status: number; readonly type: string; readonly body: Buffer } | undefined>
  /** Told of what was not let through. */
  readonly refused: (target: Target | undefined, refused: Refused) => void
}

/** A proxy. */
export interface Proxy {
  readonly accept: (socket: Socket) => void
  /** Judges all that is open again, and closes what may not be any more. */
  readonly review: () => void
  readonly close: () => void
}

/** Something that is open to a place. */
interface Passage {
  readonly target: Target
  readonly address: () => string | undefined
  readonly end: () => void
}

/** Requests that a client may send before the first is answered. */
const ahead = 8

/** Makes it. */
export const make = (upstream: Upstream.Upstream, rules: Rules, bounds: Bounds): Proxy => {
  const clients = new Set<Socket>()
  const passages = new Set<Passage>()
  /** Where a tunnel leads whose bytes turned out to be HTTP. */
  const tunnels = new WeakMap<object, Target>()
  const pending = new WeakMap<object, number>()
  let isClosed = false

  const pass = (passage: Passage) => {
    passages.add(passage)
    return () => void passages.delete(passage)
  }

  const told = (target: Target | undefined, refused: Refused): Refused => {
    rules.refused(target, refused)
    return refused
  }

  const refuse = (response: http.ServerResponse, refused: Refused) => {
    if (response.headersSent || response.destroyed) return void response.destroy()
    const body = `${refused.message}\n`
    response.writeHead(refused.status, {
      "content-type": "text/plain; charset=utf-8",
      "content-length": Buffer.byteLength(body),
      "x-millwright-rule": refused.rule
    })
    response.end(response.req.method === "HEAD" ? "" : body)
  }

  const serve = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const inside = tunnels.get(request.socket)
    const line = Message.line(request, inside)
    if (line instanceof Refused) return refuse(response, told(inside, line))
    const refused = rules.judge(line.target)
    if (refused !== undefined) return refuse(response, told(line.target, refused))
    try {
      const own = await rules.answer(line, request)
      if (own !== undefined) {
        response.writeHead(own.status, { "content-type": own.type, "content-length": own.body.length })
        return void response.end(request.method === "HEAD" ? "" : own.body)
      }
      const plan = await rules.plan(line)
      // The rules may have changed while a secret was asked for.
      const late = rules.judge(line.target)
      if (late !== undefined) return refuse(response, told(line.target, late))
      const client = Exchange.start(upstream, request, plan)
      if (client instanceof Refused) return refuse(response, told(line.target, client))
      client.setTimeout(bounds.idle, () => client.destroy(new Error("it was silent for too long")))
      const leave = pass({
        target: plan.target,
        address: () => client.socket?.remoteAddress,
        end: () => {
          client.destroy()
          request.socket.destroy()
        }
      })
      response.once("close", leave)
      Exchange.carry({ client, request, response }, plan, (refused) => refuse(response, told(line.target, refused)))
    } catch (cause) {
      refuse(response, told(line.target, asRefused(cause)))
    }
  }

  const serveUpgrade = async (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    const close = (target: Target | undefined, refused: Refused) => say(socket, told(target, refused))
    const line = Message.line(request, tunnels.get(socket))
    if (line instanceof Refused) return close(undefined, line)
    if (request.headers.upgrade?.toLowerCase() !== "websocket" || Message.hasBody(request)) {
      return close(line.target, malformed("Of upgrades, only web sockets are passed on."))
    }
    const refused = rules.judge(line.target) ?? rules.judgeUpgrade(line.target)
    if (refused !== undefined) return close(line.target, refused)
    try {
      const plan = await rules.plan(line)
      const late = rules.judge(line.target)
      if (late !== undefined) return close(line.target, late)
      const client = Exchange.start(upstream, request, plan)
      if (client instanceof Refused) return close(line.target, client)
      client.setHeader("connection", "Upgrade")
      client.setHeader("upgrade", "websocket")
      client.setTimeout(bounds.idle, () => client.destroy(new Error("it was silent for too long")))
      const leave = pass({
        target: plan.target,
        address: () => client.socket?.remoteAddress,
        end: () => {
          client.destroy()
          client.socket?.destroy()
          socket.destroy()
        }
      })
      socket.once("close", leave)
      Exchange.upgrade({ client, socket, head }, plan, (refused) => close(line.target, refused))
    } catch (cause) {
      close(line.target, asRefused(cause))
    }
  }

  const serveTunnel = (request: http.IncomingMessage, client: Socket, head: Buffer) => {
    const target = Message.tunnel(request)
    if (target instanceof Refused) return say(client, told(undefined, target))
    const cargo = tunnels.has(client)
      ? malformed("There are no tunnels in tunnels.")
      : (rules.judge(target) ?? rules.carries(target))
    if (cargo instanceof Refused) return say(client, told(target, cargo))
    const established = () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n")
      if (head.length > 0) client.unshift(head)
    }
    const plain = () => {
      tunnels.set(client, target)
      server.emit("connection", client)
      // The look at its first bytes has paused it.
      client.resume()
    }
    if (cargo === "Requests") {
      established()
      return plain()
    }
    const other = upstream.dial(target)
    const gone = () => other.destroy()
    client.once("close", gone)
    const failed = (cause: Error) => say(client, told(target, Upstream.failure(target, cause)))
    const leave = pass({
      target,
      address: () => other.remoteAddress,
      end: () => {
        other.destroy()
        client.destroy()
      }
    })
    other.once("close", leave).once("error", failed)
    other.once("connect", () => {
      client.off("close", gone)
      other.off("error", failed).on("error", () => client.destroy())
      for (const socket of [client, other]) socket.setTimeout(bounds.idle, () => socket.destroy())
      established()
      Tunnel.open({
        target,
        cargo,
        client,
        upstream: other,
        patience: bounds.patience,
        plain,
        mismatched: () =>
          void told(
            target,
            new Refused({ rule: "name", message: "The connection asks for another server than the tunnel does." })
          )
      })
    })
  }

  const server = http.createServer({
    maxHeaderSize: 32_768,
    headersTimeout: bounds.patience,
    // A whole request may take as long as it moves.
    requestTimeout: 0,
    keepAliveTimeout: bounds.patience,
    connectionsCheckingInterval: Math.min(bounds.patience, 5_000),
    insecureHTTPParser: false,
    noDelay: true
  })
  // All of them, within the size: one that is not seen would be read by the next in line.
  server.maxHeadersCount = 0
  server.timeout = bounds.idle
  server.on("request", (request, response) => {
    const count = (pending.get(request.socket) ?? 0) + 1
    if (count > ahead) return request.socket.destroy()
    pending.set(request.socket, count)
    response.once("close", () => pending.set(request.socket, (pending.get(request.socket) ?? 1) - 1))
    response.on("error", () => response.destroy())
    request.on("error", () => response.destroy())
    void serve(request, response)
  })
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy())
    void serveUpgrade(request, socket, head)
  })
  server.on("connect", (request, socket, head) => {
    // What `accept` gave to the server is what it gives back.
    if (socket instanceof Socket) serveTunnel(request, socket, head)
    else socket.destroy()
  })
  server.on("clientError", (cause: Error & { code?: string }, socket) => {
    if (cause.code === "ECONNRESET" || !socket.writable) return socket.destroy()
    say(socket, told(undefined, malformed("This is no request that a proxy can follow.")))
  })
  // It never listens; what watches over slow clients is started by this.
  server.emit("listening")

  return {
    accept: (socket) => {
      socket.on("error", () => socket.destroy())
      if (isClosed || clients.size >= bounds.connections) return socket.destroy()
      clients.add(socket)
      socket.once("close", () => clients.delete(socket))
      // One side of a tunnel may end before the other, whatever the server was told that made the socket.
      socket.allowHalfOpen = true
      server.emit("connection", socket)
    },
    review: () => {
      upstream.dropIdle()
      for (const passage of passages) {
        const address = passage.address()
        const refused =
          rules.judge(passage.target) ??
          (address === undefined ? undefined : rules.judgeAddress(passage.target, address))
        if (refused === undefined) continue
        told(passage.target, refused)
        passage.end()
      }
    },
    close: () => {
      isClosed = true
      server.close()
      for (const socket of clients) socket.destroy()
      for (const passage of passages) passage.end()
      upstream.close()
    }
  }
}

const asRefused = (cause: unknown): Refused =>
  cause instanceof Refused
    ? cause
    : new Refused({ rule: "upstream", status: 502, message: "The request could not be sent on." })

/** Answers on a connection that has left the hands of the server. */
const say = (socket: Duplex, { message, rule, status }: Refused): void => {
  const body = `${message}\n`
  const head = [
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? "Refused"}`,
    "content-type: text/plain; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-millwright-rule: ${rule}`,
    "connection: close"
  ]
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy())
}
