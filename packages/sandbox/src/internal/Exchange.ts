/** One request through the way out and what is answered, streamed both ways; and those that become a connection of their own. */
import type * as http from "node:http"
import { type Duplex, pipeline } from "node:stream"
import * as Credentials from "./Credentials.ts"
import * as Domains from "./Domains.ts"
import * as Message from "./Message.ts"
import { malformed, Refused } from "./Refused.ts"
import * as Tunnel from "./Tunnel.ts"
import * as Upstream from "./Upstream.ts"

/** What is to be done for a request. */
export interface Plan {
  readonly target: Domains.Target
  readonly isSecure: boolean
  readonly path: string
  readonly injection: Credentials.Injection
  /** Whether requests to a place get into TLS outside, so that redirects there are told as plain ones. */
  readonly isBrokered: (target: Domains.Target) => boolean
}

/** Sends a request on as the plan says. Fails when what it says of its body can not be followed. */
export const start = (
  upstream: Upstream.Upstream,
  request: http.IncomingMessage,
  { injection, isSecure, path, target }: Plan
): http.ClientRequest | Refused => {
  const framing = Message.framing(request)
  if (framing instanceof Refused) return framing
  if (request.method === "TRACE") return malformed("TRACE would answer with what the request carries.")
  const headers: http.OutgoingHttpHeaders = {
    ...Message.endToEnd(request),
    ...framing,
    host: Domains.show(target, isSecure ? 443 : 80)
  }
  // What was packed could not be looked through for what must not come back.
  if (injection.values.length > 0) headers["accept-encoding"] = "identity"
  for (const [name, value] of injection.headers) headers[name] = value
  try {
    return upstream.request({ target, isSecure, path, headers, method: request.method ?? "GET" })
  } catch {
    return malformed("The request has a path or a header that can not be sent on.")
  }
}

/** What of an answer goes inside. */
const answered = (answer: http.IncomingMessage, { injection, isBrokered, target }: Plan): http.OutgoingHttpHeaders => {
  const headers = Message.endToEnd(answer)
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || typeof value === "number") continue
    headers[name] =
      typeof value === "string"
        ? Credentials.masked(value, injection.values)
        : value.map((one) => Credentials.masked(one, injection.values))
  }
  if (typeof headers.location === "string") headers.location = plainly(headers.location, target, isBrokered)
  return headers
}

/** A redirect to a place that is reached through us stays one. */
const plainly = (location: string, base: Domains.Target, isBrokered: Plan["isBrokered"]): string => {
  const url = URL.parse(location, `https://${Domains.show(base, 443)}/`)
  if (url?.protocol !== "https:" || !/^https:/i.test(location)) return location
  const host = Domains.canonical(url.hostname)
  return host !== undefined && isBrokered({ host, port: Number(url.port || "443") })
    ? location.replace(/^https:/i, "http:")
    : location
}

/** Carries a request there and the answer back. `ended` is called once, however it ends. */
export const carry = (
  {
    client,
    request,
    response
  }: {
    readonly client: http.ClientRequest
    readonly request: http.IncomingMessage
    readonly response: http.ServerResponse
  },
  plan: Plan,
  refuse: (refused: Refused) => void
): void => {
  response.once("close", () => client.destroy())
  // A request whose body did not come to its end can not be followed by another on the same connection.
  response.once("finish", () => request.complete || request.socket.destroySoon())
  client.on("error", (cause) => {
    request.unpipe(client)
    if (response.headersSent) response.destroy()
    else refuse(Upstream.failure(plan.target, cause))
  })
  client.on("response", (answer) => {
    try {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answered(answer, plan))
    } catch {
      client.destroy()
      return refuse(Upstream.failure(plan.target, new Error("its answer can not be passed on")))
    }
    const mask =
      answer.headers["content-encoding"] === undefined ? Credentials.masking(plan.injection.values) : undefined
    const done = () => {
      // `pipeline` has destroyed what is broken.
    }
    if (mask === undefined) pipeline(answer, response, done)
    else pipeline(answer, mask, response, done)
  })
  if (Message.hasBody(request)) request.pipe(client)
  else client.end()
}

/** Carries a request that wants its connection for itself, as a web socket does. */
export const upgrade = (
  {
    client,
    head,
    socket
  }: {
    readonly client: http.ClientRequest
    readonly socket: Duplex
    readonly head: Buffer
  },
  plan: Plan,
  refuse: (refused: Refused) => void
): void => {
  socket.once("close", () => client.destroy())
  let isAnswered = false
  client.on("error", (cause) => {
    if (isAnswered) socket.destroy()
    else refuse(Upstream.failure(plan.target, cause))
  })
  const write = (answer: http.IncomingMessage, more: http.OutgoingHttpHeaders) => {
    isAnswered = true
    socket.write(header(answer, { ...answered(answer, plan), ...more }), "latin1")
  }
  client.on("upgrade", (answer, other, rest) => {
    write(answer, { connection: "Upgrade", upgrade: "websocket" })
    socket.write(rest)
    other.write(head)
    Tunnel.join(socket, other)
  })
  client.on("response", (answer) => {
    write(answer, { connection: "close" })
    pipeline(answer, socket, () => socket.destroy())
  })
  client.end()
}

const header = (answer: http.IncomingMessage, headers: http.OutgoingHttpHeaders): string => {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => `${name}: ${String(one)}`)
  )
  return [`HTTP/1.1 ${answer.statusCode ?? 502} ${answer.statusMessage ?? ""}`, ...lines, "", ""].join("\r\n")
}
