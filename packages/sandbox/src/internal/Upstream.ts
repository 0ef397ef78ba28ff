/**
 * Connections to where requests go. A name is resolved once for each of them, by us; what it resolves to is judged, and that
 * very address is connected to, so that there is nothing to swap in between.
 */
import { lookup as systemLookup } from "node:dns/promises"
import * as http from "node:http"
import * as https from "node:https"
import { connect, isIP, type LookupFunction, type Socket } from "node:net"
import { getCACertificates } from "node:tls"
import { hostLoopback, show, type Target } from "./Domains.ts"
import { Refused } from "./Refused.ts"

/** Resolves a name to all of its addresses. */
export type Lookup = (name: string) => Promise<ReadonlyArray<{ readonly address: string; readonly family: number }>>

/** How names are resolved unless the caller says. */
export const system: Lookup = (name) => systemLookup(name, { all: true })

/** What connections are made with. */
export interface Options {
  readonly lookup: Lookup
  /** Why an address may not be connected to. */
  readonly judgeAddress: (target: Target, address: string) => Refused | undefined
  /** Trusted beside the authorities that Node trusts, as PEM. */
  readonly ca: string | undefined
  /** How long a connection may take to be there, in milliseconds. */
  readonly patience: number
}

/** One HTTP request. */
export interface Asked {
  readonly target: Target
  readonly isSecure: boolean
  readonly method: string
  readonly path: string
  readonly headers: http.OutgoingHttpHeaders
}

/** Makes connections. */
export interface Upstream {
  /** A connection for whatever protocol; it fails with an `error` event. */
  readonly dial: (target: Target) => Socket
  /** Starts a request, over a connection that is kept for the next. It fails with an `error` event. */
  readonly request: (asked: Asked) => http.ClientRequest
  /** Closes the connections that no request uses. */
  readonly dropIdle: () => void
  readonly close: () => void
}

/** Where `hostLoopback` leads, tried in this order; the host's resolver is not asked. */
const loopback: Awaited<ReturnType<Lookup>> = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 }
]

/** At once, to one host. */
const connections = 64

/** Makes them. */
export const make = ({ ca, judgeAddress, lookup, patience }: Options): Upstream => {
  const keep = { keepAlive: true, maxSockets: connections, maxFreeSockets: 8, timeout: patience }
  const authorities = ca === undefined ? {} : { ca: [...getCACertificates("default"), ca] }
  const plain = new http.Agent(keep)
  const secure = new https.Agent({ ...keep, ...authorities, rejectUnauthorized: true })

  const lookupFor =
    (target: Target): LookupFunction =>
    (name, { all }, done) => {
      const finding = name === hostLoopback ? Promise.resolve(loopback) : lookup(name)
      finding.then(
        (found) => {
          const refused = found.map(({ address }) => judgeAddress(target, address)).find((one) => one !== undefined)
          const [first] = found
          if (refused !== undefined) done(refused, "")
          else if (first === undefined) done(new Error("it has no address"), "")
          else if (all === true) done(null, [...found])
          else done(null, first.address, first.family)
        },
        (cause: unknown) => done(cause instanceof Error ? cause : new Error(String(cause)), "")
      )
    }
  // An address is never looked up.
  const refusedAddress = (target: Target) => (isIP(target.host) === 0 ? undefined : judgeAddress(target, target.host))

  return {
    dial: (target) => {
      const refused = refusedAddress(target)
      const socket = connect({ ...target, lookup: lookupFor(target), allowHalfOpen: true, noDelay: true })
      if (refused !== undefined) return socket.destroy(refused)
      const timer = setTimeout(() => socket.destroy(tooSlow(target)), patience)
      socket.once("connect", () => clearTimeout(timer)).once("close", () => clearTimeout(timer))
      return socket
    },
    request: ({ headers, isSecure, method, path, target }) => {
      const options: https.RequestOptions = {
        ...target,
        method,
        path,
        headers,
        lookup: lookupFor(target),
        setHost: false,
        maxHeaderSize: 65_536,
        insecureHTTPParser: false
      }
      const request = isSecure
        ? https.request({ ...options, agent: secure, servername: isIP(target.host) === 0 ? target.host : "" })
        : http.request({ ...options, agent: plain })
      request.maxHeadersCount = 0
      const refused = refusedAddress(target)
      if (refused !== undefined) return request.destroy(refused)
      let timer: NodeJS.Timeout | undefined
      request.once("socket", (socket) => {
        if (!socket.connecting) return
        timer = setTimeout(() => request.destroy(tooSlow(target)), patience)
        socket.once(isSecure ? "secureConnect" : "connect", () => clearTimeout(timer))
      })
      request.once("close", () => clearTimeout(timer))
      return request
    },
    dropIdle: () => {
      for (const agent of [plain, secure]) {
        for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
      }
    },
    close: () => {
      plain.destroy()
      secure.destroy()
    }
  }
}

const tooSlow = (target: Target) => new Error(`${show(target)} does not answer`)

/** Why nothing came of a request, for those inside. */
export const failure = (target: Target, cause: Error): Refused =>
  cause instanceof Refused
    ? cause
    : new Refused({
        rule: "upstream",
        status: 502,
        // Where several addresses were tried, there is a code and no message.
        message: `${show(target)} can not be reached: ${["code" in cause ? String(cause.code) : "", cause.message].filter((part) => part !== "").join(", ")}.`
      })
