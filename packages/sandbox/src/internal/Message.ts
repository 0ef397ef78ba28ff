/** What a request to a proxy says: where it goes, and which of its headers are for us alone. */
import type * as http from "node:http"
import * as Domains from "./Domains.ts"
import { malformed, type Refused } from "./Refused.ts"

/** Where a request goes, and for what. */
export interface Line {
  readonly method: string
  readonly target: Domains.Target
  /** With the query, as it was sent. */
  readonly path: string
}

/** Reads the target of `CONNECT`. */
export const tunnel = (request: http.IncomingMessage): Domains.Target | Refused => {
  const found = Domains.authority(request.url ?? "")
  if (found?.port === undefined) return malformed("CONNECT takes `host:port`.")
  const target = { host: found.host, port: found.port }
  return agreeing(request, target, target.port) ?? target
}

/** Reads a request line, in the absolute form; in the usual one where the connection is known to lead somewhere. */
export const line = (request: http.IncomingMessage, inside: Domains.Target | undefined): Line | Refused => {
  const url = request.url ?? ""
  if (inside !== undefined && url.startsWith("/")) {
    return agreeing(request, inside, 80) ?? { method: methodOf(request), target: inside, path: withoutFragment(url) }
  }
  const found = /^http:\/\/([^/?#]*)([^#]*)/i.exec(url)
  if (found === null) {
    return malformed(
      "This is a proxy: ask it for http://host/path, or for a tunnel with CONNECT. It does not speak for hosts of its own."
    )
  }
  const [, where = "", rest = ""] = found
  if (where.includes("@")) return malformed("A user and a password do not belong in the URL of a request.")
  const parts = Domains.authority(where)
  if (parts === undefined) return malformed("The URL of the request has no host, or none that can be.")
  const target = { host: parts.host, port: parts.port ?? 80 }
  if (inside !== undefined && (inside.host !== target.host || inside.port !== target.port)) return disagreeing
  const path = rest.startsWith("/") ? rest : `/${rest}`
  return agreeing(request, target, 80) ?? { method: methodOf(request), target, path: withoutFragment(path) }
}

const methodOf = ({ method = "GET" }: http.IncomingMessage): string => method

const withoutFragment = (path: string): string => path.split("#", 1)[0] ?? path

const disagreeing = malformed(
  "The request names two hosts: that of its URL, and that of its Host header or connection."
)

/** Why the Host header does not agree with where the request goes. */
const agreeing = (request: http.IncomingMessage, target: Domains.Target, port: number): Refused | undefined => {
  const named = values(request.rawHeaders, "host")
  if (named.length > 1) return disagreeing
  const [name] = named
  // HTTP/1.0 knows none.
  if (name === undefined) return undefined
  const found = Domains.authority(name.trim())
  if (found === undefined || found.host !== target.host) return disagreeing
  return (found.port ?? port) === target.port || (found.port === undefined && Domains.usual.includes(target.port))
    ? undefined
    : disagreeing
}

const values = (raw: ReadonlyArray<string>, header: string): ReadonlyArray<string> =>
  raw.filter((_, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === header)

const perConnection = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "proxy-authorization",
  "proxy-authenticate",
  "proxy-authentication-info",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  "host"
])

/** The headers of a message that are for the other side, in their order, those that came twice as they came. */
export const endToEnd = (message: http.IncomingMessage): http.OutgoingHttpHeaders => {
  const { rawHeaders } = message
  const named = values(rawHeaders, "connection").flatMap((value) => value.toLowerCase().split(/[\s,]+/))
  // What frames the message stays, whatever the connection header says of it.
  const dropped = new Set([...perConnection, ...named.filter((name) => name !== "content-length")])
  const kept: Map<string, Array<string>> = new Map()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase()
    if (!dropped.has(name)) kept.set(name, [...(kept.get(name) ?? []), rawHeaders[at + 1] ?? ""])
  }
  return Object.fromEntries([...kept].map(([name, all]) => [name, all.length === 1 ? all[0] : all]))
}

/** How the body of a request is framed for the next: never other than it came. */
export const framing = (request: http.IncomingMessage): http.OutgoingHttpHeaders | Refused => {
  const coding = request.headers["transfer-encoding"]
  if (coding === undefined) return {}
  return coding.trim().toLowerCase() === "chunked"
    ? { "transfer-encoding": "chunked" }
    : malformed("The body is coded in a way that a proxy can not follow.")
}

/** Whether a request has a body. */
export const hasBody = ({ headers }: http.IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? "0") > 0
