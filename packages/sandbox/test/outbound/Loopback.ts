/** Servers on loopback that a way out leads to, a certificate authority for them, and clients that are under nobody's control. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Outbound from "../../src/Outbound.ts"
import type { SandboxSpec } from "../../src/SandboxSpec.ts"

/** A folder that is gone when the scope closes. */
export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "outbound-test-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
)

/** An authority of its own, and a certificate of it for names. */
export const issue = (names: ReadonlyArray<string>) => {
  const path = mkdtempSync(join(tmpdir(), "outbound-ca-"))
  try {
    const openssl = (...args: ReadonlyArray<string>) => execFileSync("openssl", args, { cwd: path, stdio: "pipe" })
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test", "-days", "2")
    openssl("req", ...key, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=server")
    const alternatives = names.map((name) => `${/^[\d.]+$/.test(name) ? "IP" : "DNS"}:${name}`).join()
    writeFileSync(join(path, "extensions"), `subjectAltName=${alternatives}\n`)
    openssl(
      "x509",
      "-req",
      "-in",
      "request.pem",
      "-CA",
      "ca.pem",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
      "-out",
      "cert.pem",
      "-days",
      "2",
      "-extfile",
      "extensions"
    )
    const read = (name: string) => readFileSync(join(path, name), "utf8")
    return { ca: read("ca.pem"), key: read("key.pem"), cert: read("cert.pem") }
  } finally {
    rmSync(path, { recursive: true, force: true })
  }
}

/** An address of loopback that a spec can name; 127.0.0.1 is not such a one. */
export const address = "127.0.0.2"

/** Names that lead to loopback in these tests. */
export const names: Readonly<Record<string, ReadonlyArray<string>>> = {
  "origin.test": [address],
  "other.test": [address],
  "api.origin.test": [address],
  "private.test": ["10.1.2.3"],
  "metadata.test": ["169.254.169.254"],
  "mixed.test": ["192.0.2.1", address],
  "six.test": ["::ffff:127.0.0.2"]
}

let issued: ReturnType<typeof issue> | undefined
/** The authority, and the certificate that it gave to all of the names. */
export const authority = () => (issued ??= issue([...Object.keys(names), address]))

/** What a request was, as it reached a server. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

// What is still connected is not waited for: the way out closes its side when its own scope does.
const close = (server: Server) =>
  Effect.sync(() => {
    server.close()
    if (server instanceof http.Server || server instanceof https.Server) server.closeAllConnections()
  })

/** Listens on a port of loopback that is free, until the scope closes. */
export const listening = (server: Server, at = address) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Server>((done) => void server.listen(0, at, () => done(Effect.succeed(server)))),
      close
    ),
    (server) => (server.address() as AddressInfo).port
  )

/** A server that keeps what it saw, and answers as it is told. */
export const origin = Effect.fnUntraced(function* (
  answer: (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void = (_, response) =>
    response.end("hello"),
  isSecure = false
) {
  const seen: Array<Seen> = []
  const listener = (request: http.IncomingMessage, response: http.ServerResponse) => {
    let body = ""
    request.on("data", (chunk) => (body += String(chunk)))
    request.on("end", () => {
      seen.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body })
      answer(request, response, body)
    })
  }
  const server = isSecure ? https.createServer(authority(), listener) : http.createServer(listener)
  return { seen, server, port: yield* listening(server) }
})

/** A way out, behind a port of 127.0.0.1. */
export const wayOut = Effect.fnUntraced(function* (
  spec: Pick<SandboxSpec, "egress" | "secrets" | "registry">,
  options: Partial<Outbound.Options> = {}
) {
  const refusals: Array<Outbound.Refusal> = []
  const lookups: Array<string> = []
  const out = yield* Outbound.make(spec, {
    broker: undefined,
    lockFile: Effect.succeed(undefined),
    ca: authority().ca,
    lookup: async (name) => {
      lookups.push(name)
      const found = names[name]
      if (found === undefined) throw Object.assign(new Error(`no such name ${name}`), { code: "ENOTFOUND" })
      return found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
    },
    refused: (refusal) => refusals.push(refusal),
    ...options
  })
  const server = createServer(out.accept)
  const port = yield* listening(server, "127.0.0.1")
  return { ...out, lookups, port, refusals, proxied: out.environment(port) }
})

/** `Allow` with `address` on the ports. */
export const allow = (domains: ReadonlyArray<string>, ...ports: ReadonlyArray<number>) => ({
  _tag: "Allow" as const,
  domains: [...domains, ...ports.map((port) => `${address}:${port}`)]
})

/** Sends bytes to a port, and takes what comes back until the other side ends or `until` is there. */
export const raw = (
  port: number,
  bytes: string | ReadonlyArray<string>,
  until?: (text: string) => boolean
): Effect.Effect<string> =>
  Effect.callback<string>((done) => {
    const socket = connect(port, "127.0.0.1")
    let text = ""
    const finish = () => {
      socket.destroy()
      done(Effect.succeed(text))
    }
    socket.on("error", finish).on("close", finish)
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
      if (until?.(text) === true) finish()
    })
    for (const part of [bytes].flat()) socket.write(part, "latin1")
    return Effect.sync(() => socket.destroy())
  })

/** The status of an answer. */
export const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0)

/** Asks for a URL in the absolute form. */
export const get = (
  port: number,
  url: string,
  { body, headers = {}, method = "GET" }: { method?: string; headers?: http.OutgoingHttpHeaders; body?: string } = {}
): Effect.Effect<{ status: number; headers: http.IncomingHttpHeaders; text: string }> =>
  Effect.callback((done) => {
    const request = http.request(
      {
        host: "127.0.0.1",
        port,
        method,
        path: url,
        agent: false,
        headers: {
          host: new URL(url).host,
          ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
          ...headers
        }
      },
      (response) => {
        let text = ""
        response.on("data", (chunk) => (text += String(chunk)))
        const finish = () => done(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, text }))
        response.on("end", finish).on("error", finish)
      }
    )
    request.on("error", (cause) => done(Effect.succeed({ status: 0, headers: {}, text: cause.message })))
    request.end(body)
    return Effect.sync(() => request.destroy())
  })

/** A tunnel to a place; the answer's status, and the socket when it is 200. */
export const tunnel = (
  port: number,
  where: string,
  headers: http.OutgoingHttpHeaders = {}
): Effect.Effect<{ readonly status: number; readonly socket: Socket; readonly text: string }> =>
  Effect.callback((done) => {
    const request = http.request({
      host: "127.0.0.1",
      port,
      method: "CONNECT",
      path: where,
      agent: false,
      headers: { host: where, ...headers }
    })
    request.on("connect", (response, socket, head) => {
      let text = ""
      // A server that speaks first may have done so already.
      if (head.length > 0) socket.unshift(head)
      if (response.statusCode === 200) {
        return done(Effect.succeed({ status: 200, socket: socket as Socket, text }))
      }
      socket.on("data", (chunk) => (text += String(chunk)))
      socket.on("close", () =>
        done(Effect.succeed({ status: response.statusCode ?? 0, socket: socket as Socket, text }))
      )
    })
    request.on("error", (cause) => done(Effect.die(cause)))
    request.end()
  })

/** Fails with both texts when one is not in the other. */
export const includes = (text: string, part: string, what: string) =>
  assert.isTrue(text.includes(part), `${what} should include ${JSON.stringify(part)}, but is ${JSON.stringify(text)}`)
