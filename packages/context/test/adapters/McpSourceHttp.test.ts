import { assert, describe, it } from "@effect/vitest"
import * as McpSource from "@millwright/context/adapters/McpSource"
import * as ToolSourceTest from "@millwright/context/testing/ToolSourceTest"
import type { Answer } from "@millwright/context/ToolSource"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { createServer } from "node:http"
import * as LoopbackServer from "../fixtures/LoopbackServer.ts"

const said = ({ content }: Answer): string => content.map((part) => (part.type === "text" ? part.text : "")).join("\n")

const eventually = (holds: () => boolean) =>
  Effect.sync(holds).pipe(
    Effect.filterOrFail(
      (is) => is,
      () => new Error("it did not come to it")
    ),
    Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 400 }),
    Effect.orDie,
    Effect.asVoid
  )

const open = (options?: LoopbackServer.Options) =>
  Effect.gen(function* () {
    const server = yield* LoopbackServer.make(options)
    return { server, source: yield* McpSource.http({ name: "loopback", url: server.url }) }
  })

for (const json of [false, true]) {
  ToolSourceTest.suite(
    `McpSource over HTTP, answers in ${json ? "JSON" : "streams of events"}`,
    Effect.map(open({ json }), ({ server, source }): ToolSourceTest.Lab => ({
      source,
      sound: { name: "echo", args: { text: "hello" }, says: "hello" },
      failing: { name: "fail", args: {} },
      endless: { name: "wait", args: {}, interrupted: eventually(() => server.count.cancelled > 0) },
      grow: {
        name: "grown",
        // The stream on which a server speaks of itself is opened after it has been listed.
        now: Effect.gen(function* () {
          server.grow("grown")
          yield* Effect.sync(() => server.grow("grown")).pipe(
            Effect.delay("50 millis"),
            Effect.repeat({ times: 20 }),
            Effect.forkDetach
          )
        })
      },
      breakOff: Effect.sync(server.forget)
    }))
  )

  describe(`McpSource over HTTP, answers in ${json ? "JSON" : "streams of events"}`, () => {
    it.live("50 MB are no answer: the call fails, and the session goes on", () =>
      Effect.gen(function* () {
        const { source } = yield* open({ json })
        const before = said(yield* source.call("session", {}))
        assert.strictEqual((yield* Effect.flip(source.call("huge", {}))).reason, "TooLarge")
        assert.strictEqual(said(yield* source.call("session", {})), before)
      })
    )

    it.live("an answer that breaks off is an error, and the next call is answered", () =>
      Effect.gen(function* () {
        const { source } = yield* open({ json })
        assert.strictEqual((yield* Effect.flip(source.call("cut", {}))).reason, "Disconnected")
        assert.strictEqual(said(yield* source.call("echo", { text: "hi" })), "hi")
      })
    )
  })
}

describe("McpSource over HTTP", () => {
  it.live(
    "a stream of events that breaks off or ends without the answer is an error, and the next call is answered",
    () =>
      Effect.gen(function* () {
        const { source } = yield* open()
        for (const name of ["cut_later", "stop"]) {
          assert.strictEqual((yield* Effect.flip(source.call(name, {}))).reason, "Disconnected", name)
          assert.strictEqual(said(yield* source.call("echo", { text: "hi" })), "hi")
        }
      })
  )

  it.live("a session that the server has forgotten is opened again without anybody seeing it", () =>
    Effect.gen(function* () {
      const { server, source } = yield* open()
      yield* source.call("echo", { text: "a" })
      server.forget()
      const many = yield* Effect.all(
        Array.from({ length: 8 }, (_, at) => source.call("echo", { text: `${at}` })),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(many.map(said), ["0", "1", "2", "3", "4", "5", "6", "7"])
      assert.strictEqual(server.count.opened, 2)
    })
  )

  it.live("sends the headers that it is given, and says a key to nobody", () =>
    Effect.gen(function* () {
      const key = "only-this-key-opens"
      const { url } = yield* LoopbackServer.make({ key })
      const right = yield* McpSource.http({
        name: "a",
        url,
        headers: { Authorization: Redacted.make(`Bearer ${key}`) }
      })
      assert.isNotEmpty((yield* right.list).tools)
      const headers = { Authorization: Redacted.make("Bearer of-bad-news") }
      const error = yield* Effect.flip((yield* McpSource.http({ name: "b", url, headers })).list)
      assert.strictEqual(error.reason, "NotConfigured")
      assert.notInclude(error.message, "of-bad-news", "the server repeated the key, and the message does not")
    })
  )

  it.live("nobody there, another server, and no address at all are different errors", () =>
    Effect.gen(function* () {
      const { server, source } = yield* open()
      server.close()
      assert.strictEqual((yield* Effect.flip(source.list)).reason, "Disconnected")
      const page = createServer((request, response) => {
        const status = request.url === "/page" ? 200 : 404
        response.writeHead(status, { "content-type": "text/html" }).end("<p>Hello.</p>")
      })
      yield* Effect.promise(() => new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve)))
      yield* Effect.addFinalizer(() => Effect.sync(() => page.close()))
      const address = page.address()
      const origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`
      const reasons = yield* Effect.forEach(["/page", "/none"], (path) =>
        Effect.gen(function* () {
          const other = yield* McpSource.http({ name: "other", url: `${origin}${path}` })
          const { message, reason } = yield* Effect.flip(other.list)
          return [reason, message.includes("Check the address")]
        })
      )
      assert.deepStrictEqual(reasons, [
        ["Protocol", false],
        ["NotConfigured", true]
      ])
      for (const url of ["file:///etc/passwd", "not a url", ""]) {
        const nowhere = yield* McpSource.http({ name: "nowhere", url })
        assert.strictEqual((yield* Effect.flip(nowhere.list)).reason, "NotConfigured", url)
      }
    })
  )

  it.live("ends its session when the scope closes", () =>
    Effect.gen(function* () {
      const server = yield* LoopbackServer.make()
      const scope = yield* Scope.make()
      const source = yield* Scope.provide(McpSource.http({ name: "loopback", url: server.url }), scope)
      yield* source.list
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(server.count.ended, 1)
    })
  )
})
