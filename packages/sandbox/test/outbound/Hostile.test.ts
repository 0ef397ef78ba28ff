/** Clients that want to break the proxy, or get it to do what they may not. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { connect, createServer, type Socket } from "node:net"
import * as ClientHello from "../../src/internal/ClientHello.ts"
import * as Loopback from "./Loopback.ts"

const { allow, get, includes, origin, raw, statusOf, tunnel, wayOut } = Loopback

const opened = Effect.gen(function* () {
  const server = yield* origin((request, response, body) => response.end(`${request.url} ${body.length}`))
  const host = `origin.test:${server.port}`
  const out = yield* wayOut({ egress: allow([host, `raw.test`], server.port) }, { bounds: { patience: 1_500 } })
  return { ...out, server, host }
})

/** A test on a way out to a plain server. */
const test = <E>(name: string, body: (given: Effect.Success<typeof opened>) => Effect.Effect<void, E>) =>
  it.live(name, () => Effect.scoped(Effect.flatMap(opened, body)))

describe("requests that are none", () => {
  test("two lengths, two hosts, a user in the URL, and what is no proxy request reach nobody", ({
    host,
    port,
    server
  }) =>
    Effect.gen(function* () {
      const url = `http://${host}/`
      const bad: Record<string, string> = {
        "both lengths": `POST ${url} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
        "two content lengths": `POST ${url} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello`,
        "a strange coding": `POST ${url} HTTP/1.1\r\nhost: ${host}\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n`,
        "two codings": `POST ${url} HTTP/1.1\r\nhost: ${host}\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n`,
        "a bare line feed": `GET ${url} HTTP/1.1\nhost: ${host}\n\n`,
        "a space before the colon": `GET ${url} HTTP/1.1\r\nhost: ${host}\r\nx : 1\r\n\r\n`,
        "a folded header": `GET ${url} HTTP/1.1\r\nhost: ${host}\r\nx: 1\r\n 2\r\n\r\n`,
        "no host header": `GET ${url} HTTP/1.1\r\n\r\n`,
        "two host headers": `GET ${url} HTTP/1.1\r\nhost: ${host}\r\nhost: ${host}\r\n\r\n`,
        "another host header": `GET ${url} HTTP/1.1\r\nhost: other.test\r\n\r\n`,
        "another port in the host header": `GET ${url} HTTP/1.1\r\nhost: origin.test:1\r\n\r\n`,
        "a user": `GET http://user:password@${host}/ HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
        "a host as a user": `GET http://${host}@other.test/ HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
        "a backslash": `GET http://${host}\\@other.test/ HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
        "no absolute form": `GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
        "https in the absolute form": `GET https://${host}/ HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
        "a port that is none": `GET http://origin.test:99999/ HTTP/1.1\r\nhost: origin.test:99999\r\n\r\n`,
        "a tunnel without a port": `CONNECT origin.test HTTP/1.1\r\nhost: origin.test\r\n\r\n`,
        "a tunnel to port 0": `CONNECT origin.test:0 HTTP/1.1\r\nhost: origin.test:0\r\n\r\n`,
        "a tunnel to a URL": `CONNECT http://${host}/ HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
        "a tunnel with another host": `CONNECT ${host} HTTP/1.1\r\nhost: other.test:443\r\n\r\n`,
        "an upgrade to what is no web socket": `GET ${url} HTTP/1.1\r\nhost: ${host}\r\nconnection: upgrade\r\nupgrade: other\r\ncontent-length: 3\r\n\r\nabc`,
        trace: `TRACE ${url} HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
        garbage: randomBytes(2_000).toString("latin1"),
        "TLS on the proxy's own port": "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"
      }
      for (const [what, bytes] of Object.entries(bad)) {
        const answer = yield* raw(port, bytes, (text) => text.includes("\r\n\r\n"))
        const status = statusOf(answer)
        if (what.startsWith("an upgrade")) continue
        assert.isTrue(status === 400 || status === 403, `${what} should be refused, but got: ${answer.slice(0, 200)}`)
      }
      assert.deepStrictEqual(
        server.seen
          .map(({ url, method, headers }) => [method, url, headers.upgrade])
          .filter(([, , up]) => up !== undefined),
        [],
        "nothing malformed should have reached the server"
      )
      assert.strictEqual((yield* get(port, url)).status, 200, "the proxy should still be there")
    }))

  test("a body of GET is framed for the server as it came, so that nothing hides in it", ({ host, port, server }) =>
    Effect.gen(function* () {
      const hidden = `GET /hidden HTTP/1.1\r\nhost: ${host}\r\n\r\n`
      const head = `GET http://${host}/a HTTP/1.1\r\nhost: ${host}\r\ntransfer-encoding: chunked\r\n\r\n`
      const chunk = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`
      includes(yield* raw(port, head + chunk, (text) => text.includes(`/a ${hidden.length}`)), "200", "the answer")
      const length = `DELETE http://${host}/b HTTP/1.1\r\nhost: ${host}\r\nconnection: content-length\r\ncontent-length: ${hidden.length}\r\n\r\n`
      includes(yield* raw(port, length + hidden, (text) => text.includes(`/b ${hidden.length}`)), "200", "the answer")
      assert.deepStrictEqual(
        server.seen.map(({ url }) => url),
        ["/a", "/b"]
      )
    }))

  test("a head that does not end, or is too large, is cut off, and others are served meanwhile", ({
    host,
    port,
    server
  }) =>
    Effect.gen(function* () {
      const large = `GET http://${host}/ HTTP/1.1\r\nhost: ${host}\r\nx: ${"y".repeat(100_000)}\r\n\r\n`
      assert.strictEqual(statusOf(yield* raw(port, large)), 400)
      const many = `GET http://${host}/ HTTP/1.1\r\nhost: ${host}\r\n${"a: b\r\n".repeat(50_000)}\r\n`
      assert.strictEqual(statusOf(yield* raw(port, many)), 400)
      // One that sends a byte now and then.
      const slow = Effect.callback<string>((done) => {
        const socket = connect(port, "127.0.0.1")
        let text = ""
        socket.write(`GET http://${host}/ HTTP/1.1\r\n`)
        const timer = setInterval(() => socket.write("x"), 50)
        socket.on("data", (chunk) => (text += String(chunk)))
        socket.on("error", () => undefined)
        socket.on("close", () => {
          clearInterval(timer)
          done(Effect.succeed(text))
        })
      })
      const [text] = yield* Effect.all([slow, get(port, `http://${host}/`)], { concurrency: "unbounded" })
      assert.isTrue(text === "" || statusOf(text) >= 400, `it should be cut off, but got ${text}`)
      assert.strictEqual(server.seen.length, 1)
    }))

  test("a tunnel in which nothing is said is closed", ({ host, port }) =>
    Effect.gen(function* () {
      const { socket, status } = yield* tunnel(port, host)
      assert.strictEqual(status, 200)
      socket.end()
      yield* Effect.callback<void>((done) => void socket.resume().on("close", () => done(Effect.void)))
    }))

  test("requests that are sent ahead without end are cut off", ({ host, port, server }) =>
    Effect.gen(function* () {
      const one = `GET http://${host}/ HTTP/1.1\r\nhost: ${host}\r\n\r\n`
      yield* raw(port, one.repeat(5_000))
      assert.isBelow(server.seen.length, 50)
      assert.strictEqual((yield* get(port, `http://${host}/`)).status, 200)
    }))
})

describe("without bound", () => {
  it.live("of 10,000 connections no more are held than the bound, and one that comes after them is served", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin()
        const host = `origin.test:${server.port}`
        const { port } = yield* wayOut({ egress: allow([host], server.port) }, { bounds: { connections: 100 } })
        const sockets = new Set<Socket>()
        for (let round = 0; round < 50; round++) {
          yield* Effect.forEach(
            Array.from({ length: 200 }),
            () =>
              Effect.callback<void>((done) => {
                const socket = connect(port, "127.0.0.1")
                sockets.add(socket)
                socket.on("connect", () => done(Effect.void)).on("error", () => done(Effect.void))
                socket.resume().on("close", () => sockets.delete(socket))
              }),
            { concurrency: "unbounded", discard: true }
          )
          while (sockets.size > 100) yield* Effect.promise(() => new Promise(setImmediate))
        }
        assert.isAtLeast(sockets.size, 1)
        for (const socket of sockets) socket.destroy()
        let status = 0
        while (status !== 200) status = (yield* get(port, `http://${host}/`)).status
      })
    )
  )

  it.live("a reader that stops holds the writer back, and half a gigabyte goes through without being kept", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const block = Buffer.alloc(1024 * 1024, "x")
        let sent = 0
        const server = yield* origin((_, response) => {
          const write = () => {
            while (sent < 512 && !response.destroyed) {
              sent++
              if (!response.write(block)) return void response.once("drain", write)
            }
            response.end()
          }
          write()
        })
        const host = `origin.test:${server.port}`
        const { port } = yield* wayOut({ egress: allow([host], server.port) })
        const socket = connect(port, "127.0.0.1")
        socket.on("error", () => undefined)
        yield* Effect.callback<void>((done) => {
          socket.write(`GET http://${host}/ HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
          socket.once("data", () => done(Effect.void))
        })
        socket.pause()
        // Until it does not move any more.
        for (let before = -1; before !== sent;) {
          before = sent
          yield* Effect.sleep(100)
        }
        assert.isBelow(sent, 64, "megabytes that were sent while nobody read")
        const before = process.memoryUsage().rss
        const size = yield* Effect.callback<number>((done) => {
          let size = 0
          socket.on("data", (chunk) => (size += chunk.length))
          socket.on("close", () => done(Effect.succeed(size)))
          socket.resume()
        })
        assert.isAbove(size, 500 * 1024 * 1024)
        assert.isBelow(process.memoryUsage().rss - before, 200 * 1024 * 1024)
      })
    )
  )
})

describe("ends", () => {
  it.live("a server that breaks off in the middle breaks off the answer, and one that is not there is a 502", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin((_, response) => {
          response.writeHead(200, { "content-length": 1_000 })
          response.write("half")
          setImmediate(() => response.destroy())
        })
        const gone = createServer()
        const closed = yield* Effect.scoped(Loopback.listening(gone))
        const { port } = yield* wayOut({
          egress: allow([`origin.test:${server.port}`, `origin.test:${closed}`], server.port, closed)
        })
        const half = yield* raw(
          port,
          `GET http://origin.test:${server.port}/ HTTP/1.1\r\nhost: origin.test:${server.port}\r\n\r\n`
        )
        includes(half, "half", "what came")
        const { status, text } = yield* get(port, `http://origin.test:${closed}/`)
        assert.strictEqual(status, 502)
        includes(text, "ECONNREFUSED", "the answer")
        assert.strictEqual((yield* tunnel(port, `origin.test:${closed}`)).status, 502)
      })
    )
  )

  it.live("a client that goes away takes its request with it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        let isGone = false
        const server = yield* origin((_, response) => {
          response.write("first")
          response.on("close", () => (isGone = true))
        })
        const host = `origin.test:${server.port}`
        const { port } = yield* wayOut({ egress: allow([host], server.port) })
        yield* raw(port, `GET http://${host}/ HTTP/1.1\r\nhost: ${host}\r\n\r\n`, (text) => text.includes("first"))
        while (!isGone) yield* Effect.promise(() => new Promise(setImmediate))
      })
    )
  )

  it.live("on a port of its own a server may speak first, and each side may end before the other", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = createServer({ allowHalfOpen: true }, (socket) => {
          socket.write("banner\n")
          let text = ""
          socket.on("data", (chunk) => (text += String(chunk)))
          socket.on("end", () => socket.end(`got ${text}`))
          socket.on("error", () => undefined)
        })
        const at = yield* Loopback.listening(server)
        const { port } = yield* wayOut({ egress: allow([`origin.test:${at}`], at) })
        const { socket } = yield* tunnel(port, `origin.test:${at}`)
        const text = yield* Effect.callback<string>((done) => {
          let text = ""
          socket.on("data", (chunk) => {
            if (text === "") socket.end("all")
            text += String(chunk)
          })
          socket.on("end", () => done(Effect.succeed(text)))
        })
        assert.strictEqual(text, "banner\ngot all")
      })
    )
  )

  it.live("a web socket goes through, asked for in the absolute form", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin()
        server.server.on("upgrade", (request, socket) => {
          socket.write(
            `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-path: ${request.url}\r\n\r\n`
          )
          socket.pipe(socket)
          socket.on("error", () => undefined)
        })
        const host = `origin.test:${server.port}`
        const { port } = yield* wayOut({ egress: allow([host], server.port) })
        const ask = `GET http://${host}/ws HTTP/1.1\r\nhost: ${host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\n\r\necho`
        const text = yield* raw(port, ask, (text) => text.endsWith("echo"))
        assert.strictEqual(statusOf(text), 101, text)
        includes(text, "x-path: /ws", "the answer")
      })
    )
  )

  it.live("everything is closed with the scope", () =>
    Effect.gen(function* () {
      const sockets: Array<Socket> = []
      yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* origin((_, response) => void response.write("first"))
          const host = `origin.test:${server.port}`
          const { port } = yield* wayOut({ egress: allow([host], server.port) })
          sockets.push((yield* tunnel(port, host)).socket)
          const socket = connect(port, "127.0.0.1")
          sockets.push(socket)
          yield* Effect.callback<void>((done) => {
            socket.write(`GET http://${host}/ HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
            socket.once("data", () => done(Effect.void))
          })
        })
      )
      for (const socket of sockets) {
        if (socket.destroyed) continue
        yield* Effect.callback<void>(
          (done) =>
            void socket
              .resume()
              .on("close", () => done(Effect.void))
              .on("error", () => undefined)
        )
      }
    })
  )
})

describe("the name that TLS begins with", () => {
  it("is read from whole and from cut records, and random bytes never break it", () => {
    const hello = clientHello(["origin.test"])
    for (const size of [1, 7, 100, 16_000]) {
      const found = ClientHello.read(records(hello, Math.max(size, Math.ceil(hello.length / 16))))
      assert.deepStrictEqual(found, { _tag: "Tls", name: "origin.test" }, `in records of ${size}`)
    }
    const whole = records(hello, 16_000)
    for (let end = 0; end < whole.length; end++) {
      assert.strictEqual(ClientHello.read(whole.subarray(0, end))._tag, "More", `after ${end} bytes`)
    }
    for (let round = 0; round < 5_000; round++) {
      const broken = Buffer.from(whole)
      for (let n = 0; n < 4; n++) broken[Math.floor(Math.random() * broken.length)] = Math.floor(Math.random() * 256)
      ClientHello.read(broken)
      ClientHello.read(Buffer.concat([Buffer.from([22, 3, 1]), randomBytes(60)]))
    }
    assert.deepStrictEqual(ClientHello.read(records(clientHello(["a.test", "b.test"]), 16_000)), {
      _tag: "Tls",
      name: undefined
    })
    assert.deepStrictEqual(ClientHello.read(records(clientHello([]), 16_000)), { _tag: "Tls", name: undefined })
    assert.deepStrictEqual(ClientHello.read(Buffer.from("GET /")), { _tag: "NotTls" })
    assert.deepStrictEqual(ClientHello.read(records(hello, 1)), { _tag: "Tls", name: undefined }, "too many records")
  })
})

const sized = (bytes: Buffer, width: number) => {
  const size = Buffer.alloc(width)
  size.writeUIntBE(bytes.length, 0, width)
  return Buffer.concat([size, bytes])
}

const clientHello = (names: ReadonlyArray<string>): Buffer => {
  const entries = Buffer.concat(names.map((name) => Buffer.concat([Buffer.from([0]), sized(Buffer.from(name), 2)])))
  const extension =
    names.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0, 0]), sized(sized(entries, 2), 2)])
  const other = Buffer.concat([Buffer.from([0, 16]), sized(Buffer.from([1, 2, 3]), 2)])
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    randomBytes(32),
    sized(randomBytes(32), 1),
    sized(Buffer.from([0x13, 0x01]), 2),
    sized(Buffer.from([0]), 1),
    sized(Buffer.concat([other, extension, other]), 2)
  ])
  return Buffer.concat([Buffer.from([1]), sized(body, 3)])
}

const records = (message: Buffer, size: number): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(message.length / size) }, (_, index) =>
      Buffer.concat([Buffer.from([22, 3, 1]), sized(message.subarray(index * size, (index + 1) * size), 2)])
    )
  )
