import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { createServer } from "node:http"
import { networkInterfaces } from "node:os"
import { connect as tls } from "node:tls"
import * as Loopback from "./Loopback.ts"

const { allow, get, includes, origin, raw, tunnel, wayOut } = Loopback

const strangers = Loopback.issue(["origin.test"]).ca

/** The body of a TLS request in a tunnel, or the code of the error. */
const secure = (port: number, where: string, { servername, host }: { servername?: string; host: string }) =>
  Effect.gen(function* () {
    const { socket, status, text } = yield* tunnel(port, where)
    if (status !== 200) return `${status} ${text}`
    return yield* Effect.callback<string>((done) => {
      const session = tls({ socket, ca: Loopback.authority().ca, ...(servername === undefined ? {} : { servername }) })
      let text = ""
      session.on("data", (chunk) => (text += String(chunk)))
      session.on("error", (cause: Error & { code?: string }) => done(Effect.succeed(String(cause.code))))
      session.on("close", () => done(Effect.succeed(text)))
      session.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
    })
  })

describe("what is let through", () => {
  it.live("a request to a host of the list, with its body and its headers, and the answer as it comes", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin((request, response, body) => {
          response.writeHead(201, { "set-cookie": ["a=1", "b=2"], "x-answer": "yes" })
          response.end(`${request.method} ${body}`)
        })
        const { port } = yield* wayOut({ egress: allow([`origin.test:${server.port}`], server.port) })
        const url = `http://ORIGIN.test.:${server.port}/a%2fb/../c?d=e`
        const answer = yield* get(port, url, {
          method: "POST",
          body: "body",
          headers: { "x-own": "1", te: "trailers" }
        })
        assert.deepStrictEqual([answer.status, answer.text], [201, "POST body"])
        assert.deepStrictEqual(answer.headers["set-cookie"], ["a=1", "b=2"])
        const [seen] = server.seen
        assert.strictEqual(seen?.url, "/a%2fb/../c?d=e", "the path should be passed on as it was sent")
        assert.strictEqual(seen?.headers.host, `origin.test:${server.port}`)
        assert.strictEqual(seen?.headers["x-own"], "1")
        assert.isUndefined(seen?.headers.te, "what is for one connection should not be passed on")
      })
    )
  )

  it.live("TLS in a tunnel to a host of the list, end to end", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin(undefined, true)
        const { port } = yield* wayOut({ egress: allow([`origin.test:${server.port}`], server.port) })
        const where = `origin.test:${server.port}`
        includes(yield* secure(port, where, { servername: "origin.test", host: "origin.test" }), "hello", "the answer")
      })
    )
  )

  it.live("what the list does not name gets 403, and is told how to allow it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin()
        const { lookups, port, refusals } = yield* wayOut({
          egress: allow([`*.origin.test:${server.port}`], server.port)
        })
        const refused = yield* get(port, `http://other.test:${server.port}/secret-path`)
        assert.strictEqual(refused.status, 403)
        includes(refused.text, `"other.test:${server.port}"`, "the answer")
        assert.strictEqual((yield* get(port, `http://origin.test:${server.port}/`)).status, 403, "the name itself")
        assert.strictEqual((yield* get(port, `http://xorigin.test:${server.port}/`)).status, 403, "a longer name")
        assert.strictEqual((yield* get(port, `http://api.origin.test/`)).status, 403, "another port")
        assert.strictEqual((yield* tunnel(port, "other.test:443")).status, 403)
        assert.strictEqual((yield* tunnel(port, "api.origin.test:22")).status, 403)
        assert.deepStrictEqual(lookups, [], "a name that is not let through should not be resolved")
        assert.strictEqual((yield* get(port, `http://api.origin.test:${server.port}/`)).status, 200)
        assert.deepInclude(refusals, { where: `other.test:${server.port}`, rule: "egress" })
        assert.notInclude(JSON.stringify(refusals), "secret-path")
      })
    )
  )

  it.live(
    "addresses of this machine and of private networks are refused, however they are written or resolved to",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const server = yield* origin()
          const ports = ["private.test", "metadata.test", "mixed.test", "six.test", "origin.test", "*.origin.test"]
          const { port, refusals } = yield* wayOut({
            egress: { _tag: "Allow", domains: ports.map((name) => `${name}:${server.port}`) }
          })
          for (const name of ["private.test", "metadata.test", "mixed.test", "six.test", "origin.test"]) {
            const { status, text } = yield* get(port, `http://${name}:${server.port}/`)
            assert.strictEqual(status, 403, `${name} should be refused: ${text}`)
            assert.strictEqual((yield* tunnel(port, `${name}:${server.port}`)).status, 403, `a tunnel to ${name}`)
          }
          assert.isTrue(refusals.every(({ rule }) => rule === "address"))
          for (const host of ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:7f00:1]"]) {
            const { status } = yield* get(port, `http://${host}:${server.port}/`, {
              headers: { host: `${host}:${server.port}` }
            })
            assert.strictEqual(status, 403, host)
          }
          assert.deepStrictEqual(server.seen, [])
        })
      )
  )

  it.live("an address of the list is let through in each of its forms", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin()
        const { port } = yield* wayOut({ egress: allow([], server.port) })
        for (const host of ["127.0.0.2", "2130706434", "0x7f.2", "[::ffff:127.0.0.2]"]) {
          const { status, text } = yield* get(port, `http://${host}:${server.port}/`, {
            headers: { host: `${host}:${server.port}` }
          })
          assert.strictEqual(status, 200, `${host}: ${text}`)
        }
      })
    )
  )

  it.live("the loopback of the host has a name, which is let through where exactly it and the port are named", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = createServer((_, response) => response.end("of the host"))
        const at = yield* Loopback.listening(server, "127.0.0.1")
        const host = `host.millwright.internal:${at}`
        const { lookups, port, setEgress } = yield* wayOut({ egress: { _tag: "Allow", domains: [host] } })
        assert.strictEqual((yield* get(port, `http://${host}/`)).text, "of the host")
        const { socket, status } = yield* tunnel(port, host)
        socket.destroy()
        assert.strictEqual(status, 200, "a tunnel")
        assert.deepStrictEqual(lookups, [], "the host's resolver has no say in it")

        const refused = Effect.fnUntraced(function* (url: string) {
          const { status, text } = yield* get(port, url)
          assert.strictEqual(status, 403, `${url} should be refused: ${text}`)
          return text
        })
        includes(yield* refused("http://host.millwright.internal:1/"), '"host.millwright.internal:1"', "another port")
        includes(yield* refused("http://host.millwright.internal/"), '"host.millwright.internal:80"', "the usual port")
        includes(yield* refused(`http://127.0.0.1:${at}/`), JSON.stringify(host), "its usual name")
        for (const egress of [
          { _tag: "Allow", domains: [`*.millwright.internal:${at}`] },
          { _tag: "Allow", domains: [] },
          { _tag: "Open" },
          { _tag: "Deny" }
        ] as const) {
          yield* setEgress(egress)
          yield* refused(`http://${host}/`)
        }
      })
    )
  )

  it.live("where nothing listens on 127.0.0.1, the host's loopback is ::1", (context) =>
    Effect.scoped(
      Effect.gen(function* () {
        if (!Object.values(networkInterfaces()).some((of) => of?.some(({ address }) => address === "::1"))) {
          return context.skip("This machine has no ::1")
        }
        const at = yield* Loopback.listening(
          createServer((_, response) => response.end("six")),
          "::1"
        )
        const host = `host.millwright.internal:${at}`
        const { port, setEgress } = yield* wayOut({ egress: { _tag: "Allow", domains: [host] } })
        assert.strictEqual((yield* get(port, `http://${host}/`)).text, "six")
        const { socket, status } = yield* tunnel(port, host)
        assert.strictEqual(status, 200, "a tunnel")
        // What is still allowed stays, also when it is judged by its address.
        yield* setEgress({ _tag: "Allow", domains: [host] })
        assert.isFalse(socket.destroyed)
        socket.destroy()
      })
    )
  )

  it.live("a port of the host on which nothing listens is told as such", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const gone = createServer()
        const closed = yield* Effect.scoped(Loopback.listening(gone, "127.0.0.1"))
        const host = `host.millwright.internal:${closed}`
        const { port } = yield* wayOut({ egress: { _tag: "Allow", domains: [host] } })
        const { status, text } = yield* get(port, `http://${host}/`)
        assert.strictEqual(status, 502)
        assert.match(text, /can not be reached: [A-Z]+\.$/m)
      })
    )
  )

  it.live("a name that leads to the loopback of the host is told its own", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { port } = yield* wayOut(
          { egress: { _tag: "Allow", domains: ["leads.test:4321", "host.millwright.internal:4321"] } },
          { lookup: async () => [{ address: "::1", family: 6 }] }
        )
        const { status, text } = yield* get(port, "http://leads.test:4321/")
        assert.strictEqual(status, 403)
        includes(text, "host.millwright.internal:4321", "the answer")
      })
    )
  )

  it.live("programs are told of the proxy only while something is let out", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { environment, setEgress } = yield* wayOut({ egress: { _tag: "Deny" } })
        const isTold = () => environment(1).http_proxy !== undefined
        assert.isFalse(isTold(), "Deny")
        yield* setEgress({ _tag: "Allow", domains: [] })
        assert.isFalse(isTold(), "Allow of nothing")
        yield* setEgress({ _tag: "Allow", domains: ["origin.test"] })
        assert.isTrue(isTold(), "Allow")
        yield* setEgress({ _tag: "Deny" })
        assert.deepStrictEqual(environment(1), {})
        yield* setEgress({ _tag: "Open" })
        assert.isTrue(isTold(), "Open")
        const brokered = yield* wayOut({ registry: { hosts: ["origin.test"] } })
        assert.isDefined(brokered.proxied.npm_config_registry)
      })
    )
  )

  it.live("a name is resolved once for a connection, and that address is connected to", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin((_, response) => {
          response.setHeader("connection", "close")
          response.end("hello")
        })
        const answers = ["127.0.0.2", "127.0.0.3"]
        const { port } = yield* wayOut(
          { egress: allow([`origin.test:${server.port}`], server.port) },
          { lookup: async () => [{ address: answers.shift() ?? "127.0.0.4", family: 4 }] }
        )
        assert.strictEqual((yield* get(port, `http://origin.test:${server.port}/`)).status, 200)
        assert.deepStrictEqual(answers, ["127.0.0.3"], "it should have been resolved once")
        assert.strictEqual((yield* get(port, `http://origin.test:${server.port}/`)).status, 403, "another address")
      })
    )
  )

  it.live("TLS that asks for another name than the tunnel, or for none, is ended", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin(undefined, true)
        const { port, refusals } = yield* wayOut({ egress: allow([`origin.test:${server.port}`], server.port) })
        const where = `origin.test:${server.port}`
        includes(yield* secure(port, where, { servername: "other.test", host: "other.test" }), "EPROTO", "another name")
        includes(yield* secure(port, where, { servername: "", host: "origin.test" }), "EPROTO", "no name")
        assert.deepStrictEqual(server.seen, [])
        assert.deepInclude(refusals, { where, rule: "name" })
      })
    )
  )

  it.live("an upstream whose certificate nobody vouches for is not trusted, in the tunnel or out of it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin(undefined, true)
        const { port } = yield* wayOut(
          {
            egress: allow([], server.port),
            registry: { hosts: [`origin.test:${server.port}`] }
          },
          // One that vouches for something else.
          { ca: strangers }
        )
        const { status, text } = yield* get(port, `http://origin.test:${server.port}/package`)
        assert.strictEqual(status, 502, text)
        assert.deepStrictEqual(server.seen, [])
      })
    )
  )
})

describe("while it is open", () => {
  it.live("connections that a new rule forbids are closed, and others are not", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin((_, response) => void response.write("first"))
        const { port, setEgress } = yield* wayOut({
          egress: allow([`origin.test:${server.port}`, `other.test:${server.port}`], server.port)
        })
        const kept = yield* tunnel(port, `origin.test:${server.port}`)
        const lost = yield* tunnel(port, `other.test:${server.port}`)
        const closed = (socket: typeof kept.socket) =>
          Effect.callback<void>((done) => void socket.resume().on("close", () => done(Effect.void)))
        let isStreaming = false
        const ask = `GET http://other.test:${server.port}/ HTTP/1.1\r\nhost: other.test:${server.port}\r\n\r\n`
        const streaming = yield* Effect.forkChild(
          raw(port, ask, (text) => {
            isStreaming ||= text.includes("first")
            return false
          })
        )
        while (!isStreaming) yield* Effect.promise(() => new Promise(setImmediate))
        yield* setEgress(allow([`origin.test:${server.port}`], server.port))
        yield* closed(lost.socket)
        includes(yield* Fiber.join(streaming), "200 OK", "what came before it was cut off")
        assert.isFalse(kept.socket.destroyed, "what is still allowed should stay open")
        yield* setEgress({ _tag: "Deny" })
        yield* closed(kept.socket)
        assert.strictEqual((yield* get(port, `http://origin.test:${server.port}/`)).status, 403)
        yield* setEgress({ _tag: "Open" })
        const again = yield* tunnel(port, `other.test:${server.port}`)
        again.socket.destroy()
        assert.strictEqual(again.status, 200, "Open should let everything through")
      })
    )
  )
})
