import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { IncomingMessage, ServerResponse } from "node:http"
import { brotliCompressSync, gzipSync } from "node:zlib"
import * as HttpSurface from "../../src/adapters/HttpSurface.ts"
import type * as Step from "../../src/Step.ts"
import * as SurfaceTest from "../../src/testing/SurfaceTest.ts"
import * as LoopbackServer from "../LoopbackServer.ts"

const get = (path: string, headers?: Record<string, string>): Step.Action => ({
  _tag: "Request",
  method: "GET",
  path,
  ...(headers && { headers })
})
const status = (is: number): Step.Expectation => ({ _tag: "Status", is })
const body = (rule: Step.TextRule, pointer?: string): Step.Expectation => ({
  _tag: "Body",
  rule,
  ...(pointer !== undefined && { pointer })
})
const is = (text: string): Step.TextRule => ({ _tag: "Is", text })
const includes = (text: string): Step.TextRule => ({ _tag: "Includes", text })

const fixture = Layer.effect(
  SurfaceTest.Fixture,
  Effect.gen(function* () {
    const begun = yield* Deferred.make<void>()
    const ended = yield* Deferred.make<void>()
    const address = yield* LoopbackServer.listening((request, response) => {
      switch (request.url) {
        case "/login":
          return void response.setHeader("set-cookie", "who=ada; Path=/; HttpOnly").end("welcome")
        case "/hostile":
          return void response.end(SurfaceTest.hostile)
        case "/huge":
          return void response.end("x".repeat(3_000_000))
        case "/endless":
          response.on("close", () => Deferred.doneUnsafe(ended, Effect.void))
          return Deferred.doneUnsafe(begun, Effect.void)
        default:
          return LoopbackServer.json(response, 200, { who: request.headers.cookie ?? "nobody" })
      }
    })
    return {
      surface: yield* HttpSurface.make(),
      app: { address },
      arrive: [get("/")],
      holds: status(200),
      fails: body(is("never")),
      keeps: { actions: [get("/login"), get("/")], seen: body(is("who=ada"), "/who") },
      shows: { actions: [get("/hostile")], seen: body(is(SurfaceTest.hostile)) },
      huge: [get("/huge")],
      later: undefined,
      away: get("https://example.com/"),
      impossible: { _tag: "Request", method: "NOT A METHOD", path: "/" },
      beyond: { action: { _tag: "Reload" }, that: { _tag: "NoErrors" } },
      endless: { actions: [get("/endless")], begun: Deferred.await(begun), ended: Deferred.await(ended) },
      gone: undefined,
      unreachable: { address: yield* LoopbackServer.nobody }
    }
  })
)

SurfaceTest.suite("HttpSurface", fixture)

/** A session at a server that answers as it is told. */
const at = Effect.fnUntraced(function* (
  listener: (request: IncomingMessage, response: ServerResponse) => void,
  options: HttpSurface.Options = {}
) {
  const address = yield* LoopbackServer.listening(listener)
  const surface = yield* HttpSurface.make(options)
  return { address, session: yield* surface.open({ address }) }
})

const refused = <A, E extends { readonly reason: string }>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

describe("answers that are hard to take", () => {
  it.live("a redirect is an answer; one that leads out of the app is told, and nobody goes there", () =>
    Effect.gen(function* () {
      let visits = 0
      const elsewhere = yield* LoopbackServer.listening((_, response) => {
        visits++
        response.end()
      })
      const { session } = yield* at((request, response) =>
        response.writeHead(302, { location: request.url === "/out" ? elsewhere : "/in" }).end()
      )
      yield* session.act(get("/in"))
      assert.isTrue((yield* session.check({ _tag: "Header", name: "Location", rule: is("/in") })).holds)
      assert.deepStrictEqual((yield* session.look).troubles, [], "a redirect inside is no trouble")
      yield* session.act(get("/out"))
      assert.isTrue((yield* session.check(status(302))).holds)
      assert.include((yield* session.look).troubles.join(), elsewhere)
      assert.strictEqual(visits, 0, "nobody should have followed the redirect")
    })
  )

  it.live("addresses can not lead out of the app, however they are written", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const address = yield* LoopbackServer.listening(({ url = "" }, response) => {
        asked.push(url)
        response.end()
      })
      const surface = yield* HttpSurface.make()
      const session = yield* surface.open({ address: `${address}/base/` })
      for (const path of [
        "/../admin",
        "../admin",
        "/%2e%2e/admin",
        "http://127.0.0.1:1/",
        "https://user@127.0.0.1/",
        "..\\x"
      ]) {
        assert.strictEqual(yield* refused(session.act(get(path))), "OutOfApp", path)
      }
      for (const path of ["//example.com/x", "", "?a=b", "/in"]) yield* session.act(get(path))
      assert.deepStrictEqual(asked, ["/base//example.com/x", "/base/", "/base/?a=b", "/base/in"])
    })
  )

  it.live("the origins that an app names may be asked", () =>
    Effect.gen(function* () {
      const twin = yield* LoopbackServer.listening((_, response) => response.end("the twin"))
      const address = yield* LoopbackServer.listening((_, response) => response.end("the app"))
      const surface = yield* HttpSurface.make()
      const session = yield* surface.open({ address, origins: [twin] })
      yield* session.act(get(`${twin}/mail`))
      assert.isTrue((yield* session.check(body(is("the twin")))).holds)
    })
  )

  it.live("compressed, chunked and binary bodies are read", () =>
    Effect.gen(function* () {
      const { session } = yield* at((request, response) => {
        if (request.url === "/gzip")
          return void response.setHeader("content-encoding", "gzip").end(gzipSync("squeezed"))
        if (request.url === "/br")
          return void response.setHeader("content-encoding", "br").end(brotliCompressSync("pressed"))
        if (request.url === "/binary") return void response.end(Buffer.from([0, 1, 2, 255]))
        response.write("in ")
        response.end("parts")
      })
      for (const [path, text] of [
        ["/gzip", "squeezed"],
        ["/br", "pressed"],
        ["/chunked", "in parts"]
      ] as const) {
        yield* session.act(get(path))
        assert.isTrue((yield* session.check(body(is(text)))).holds, path)
      }
      yield* session.act(get("/binary"))
      assert.include((yield* session.look).text, "4 bytes that are no text")
    })
  )

  it.live("a body that is cut is told as such, and nothing is said about what it holds", () =>
    Effect.gen(function* () {
      const bomb = gzipSync(Buffer.alloc(50_000_000))
      const { session } = yield* at(
        (request, response) => {
          response.on("error", () => {})
          if (request.url === "/bomb") return void response.setHeader("content-encoding", "gzip").end(bomb)
          if (request.url === "/endless") return void response.write("and so on")
          response.write("half")
          response.socket?.destroySoon()
        },
        { maxBytes: 10_000, timeout: "300 millis" }
      )
      for (const path of ["/bomb", "/endless", "/broken"]) {
        yield* session.act(get(path))
        assert.isTrue((yield* session.check(status(200))).holds, path)
        assert.strictEqual(yield* refused(session.check(body(includes("x")))), "NotPossible", path)
        assert.isNotEmpty((yield* session.look).troubles, path)
      }
    })
  )

  it.live("a body without an end is left when it is too large, and not when its time is up", () =>
    Effect.gen(function* () {
      const left = yield* Deferred.make<void>()
      const { session } = yield* at(
        (_, response) => {
          const more = () => void (response.destroyed || response.write("and so on ".repeat(1_000), more))
          response.on("close", () => Deferred.doneUnsafe(left, Effect.void))
          more()
        },
        { timeout: "1 hour" }
      )
      yield* session.act(get("/"))
      assert.include((yield* session.look).troubles.join(), "more than 1048576 bytes")
      yield* Deferred.await(left)
    })
  )

  it.live("an answer that does not come, or is none, can not be judged", () =>
    Effect.gen(function* () {
      const { session } = yield* at(
        (request, response) => {
          if (request.url === "/garbage") response.socket?.end("what is this\r\n\r\n")
        },
        { timeout: "200 millis" }
      )
      assert.strictEqual(yield* refused(session.act(get("/hanging"))), "NotPossible")
      assert.strictEqual(yield* refused(session.act(get("/garbage"))), "NotPossible")
      assert.strictEqual(
        yield* refused(session.check(status(200))),
        "NotPossible",
        "the answer before it is not the last"
      )
    })
  )

  it.live("values of a body are found by a pointer, and nothing that is not in the document", () =>
    Effect.gen(function* () {
      const { session } = yield* at((request, response) =>
        response.end(
          request.url === "/html"
            ? "<html>"
            : '{"a":[{"b/c":1.50,"~":"x"}],"none":null,"list":["x"],"__proto__":{"evil":1}}'
        )
      )
      yield* session.act(get("/"))
      const found = (pointer: string, text: string) => session.check(body(is(text), pointer))
      for (const [pointer, text] of [
        ["/a/0/b~1c", "1.5"],
        ["/a/0/~0", "x"],
        ["/none", "null"],
        ["/list", '["x"]'],
        ["/__proto__/evil", "1"]
      ] as const) {
        assert.isTrue((yield* found(pointer, text)).holds, pointer)
      }
      assert.isFalse((yield* found("/a/0/~0", '"x"')).holds, "a text is compared as it is, without quotes")
      for (const pointer of ["/a/1", "/a/length", "/a/-1", "/constructor", "/a/0/toString", "/a/00"]) {
        const { holds, saw } = yield* found(pointer, "x")
        assert.isFalse(holds)
        assert.include(saw, "nothing at", pointer)
      }
      assert.strictEqual(yield* refused(found("a", "x")), "NotPossible")
      yield* session.act(get("/html"))
      assert.include((yield* found("/a", "x")).saw, "no JSON")
    })
  )

  it.live("a pattern is held against a text in bounded time", () =>
    Effect.gen(function* () {
      const { session } = yield* at((_, response) => response.end("a".repeat(40) + "b"))
      yield* session.act(get("/"))
      const matches = (pattern: string) => session.check(body({ _tag: "Matches", pattern }))
      assert.isTrue((yield* matches("^a+b$")).holds)
      assert.strictEqual(yield* refused(matches("^(a+)+$")), "NotPossible", "an endless pattern")
      assert.strictEqual(yield* refused(matches("(")), "NotPossible", "no pattern")
    })
  )

  it.live("what is sent is what was asked for, and no trace of ours", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const { session } = yield* at((request, response) => {
        void LoopbackServer.bodyOf(request).then((text) => {
          seen.push({
            method: request.method,
            text,
            type: request.headers["content-type"],
            own: request.headers["x-own"],
            traced: Object.keys(request.headers).filter((name) => /^(traceparent|b3)/.test(name))
          })
          response.end()
        })
      })
      const put: Step.Action = {
        _tag: "Request",
        method: "PUT",
        path: "/",
        headers: { "X-Own": "é".normalize() },
        body: '{"ä":1}'
      }
      yield* Effect.ignore(session.act(put))
      yield* session
        .act({ ...put, headers: { "X-Own": "1", "Content-Type": "text/csv" }, body: "a,b" })
        .pipe(Effect.withSpan("ours"))
      assert.deepInclude(seen, { method: "PUT", text: "a,b", type: "text/csv", own: "1", traced: [] })
    })
  )
})
