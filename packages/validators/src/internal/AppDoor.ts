/**
 * The only way out of a page: a proxy on loopback that lets through the origins of the app and its twins, and nothing else,
 * whatever asks: a document, a redirect, a worker, a web socket, a prefetch. The browser itself resolves no name.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import { connect, type AddressInfo, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import { SurfaceError } from "../Surface.ts"

/** A door that is open. */
export interface Door {
  /** Where the browser finds it. */
  readonly proxy: string
}

/** The header by which an answer of the door itself is known: `refused` or `unreachable`. */
export const header = "x-millwright-door"

const withoutHops = (headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !["proxy-connection", "proxy-authorization"].includes(name))
  )

const urlOf = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined)

const portOf = ({ port, protocol }: URL): string => port || (/^(?:http|ws):$/.test(protocol) ? "80" : "443")

/** A host and a port, as a tunnel names them. */
const placeOf = (url: URL): string => `${url.hostname}:${portOf(url)}`

/** Opens a door to origins until the scope closes. What goes through it is cut then. */
export const open = (origins: ReadonlySet<string>): Effect.Effect<Door, SurfaceError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Opened, SurfaceError>((resume) => {
        const { end, server } = make(origins)
        server.once("error", (cause) =>
          resume(
            new SurfaceError({
              reason: "Crashed",
              message: `No port of loopback could be opened for the browser: ${cause.message}. Look at the limits of this process.`,
              cause
            })
          )
        )
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, end })))
      }),
      ({ end }) => Effect.sync(end)
    ),
    // An open TCP server always has an address with a port.
    ({ server }) => ({ proxy: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  )

interface Opened {
  readonly server: http.Server
  readonly end: () => void
}

const make = (origins: ReadonlySet<string>): Opened => {
  const places = new Set([...origins].map((origin) => placeOf(new URL(origin))))
  const open = new Set<Duplex>()
  const hold = (socket: Duplex) => {
    open.add(socket)
    socket.on("error", () => socket.destroy())
    socket.once("close", () => open.delete(socket))
  }

  const answer = (response: http.ServerResponse, status: number, what: "refused" | "unreachable") => {
    if (response.headersSent) return void response.destroy()
    response.writeHead(status, { [header]: what, "content-type": "text/plain" })
    response.end(what)
  }

  const server = http.createServer((request, response) => {
    const url = urlOf(request.url ?? "")
    if (url === undefined || !origins.has(url.origin)) {
      return answer(response, 403, "refused")
    }
    const upstream = http.request(
      url,
      { method: request.method ?? "GET", headers: withoutHops(request.headers), agent: false },
      (answered) => {
        response.writeHead(answered.statusCode ?? 502, answered.headers)
        answered.pipe(response)
        answered.on("error", () => response.destroy())
      }
    )
    upstream.on("socket", hold)
    upstream.on("error", () => answer(response, 502, "unreachable"))
    response.on("close", () => upstream.destroy())
    request.pipe(upstream)
  })
  server.on("connection", hold)
  server.on("connect", (request: http.IncomingMessage, client: Socket, head: Buffer) => {
    const url = urlOf(`https://${request.url ?? ""}`)
    if (url === undefined || !places.has(placeOf(url))) {
      return void client.end("HTTP/1.1 403 Forbidden\r\n\r\n")
    }
    const upstream = connect(Number(portOf(url)), url.hostname.replaceAll(/^\[|\]$/g, ""))
    hold(upstream)
    upstream.once("error", () => client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"))
    upstream.once("connect", () => {
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n")
      upstream.write(head)
      upstream.pipe(client)
      client.pipe(upstream)
    })
    client.once("close", () => upstream.destroy())
  })
  return {
    server,
    end: () => {
      server.close()
      for (const socket of open) socket.destroy()
    }
  }
}
