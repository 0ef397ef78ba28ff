import { assert, describe, it } from "@effect/vitest"
import { Client } from "@modelcontextprotocol/sdk/client"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js"
import { ResultSchema, ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js"
import type { ToolScope } from "../../src/ToolScope.ts"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Http from "node:http"
import { fileURLToPath } from "node:url"
import * as McpSource from "../../src/adapters/McpSource.ts"
import * as McpToolServer from "../../src/adapters/McpToolServer.ts"
import * as ToolSourceTest from "../../src/testing/ToolSourceTest.ts"
import * as ServedIndex from "../fixtures/ServedIndex.ts"

const program = fileURLToPath(new URL("../fixtures/serve.ts", import.meta.url))

const Answer = Schema.Struct({
  content: Schema.Array(
    Schema.Struct({
      type: Schema.String,
      text: Schema.optionalKey(Schema.String),
      data: Schema.optionalKey(Schema.String),
      mimeType: Schema.optionalKey(Schema.String)
    })
  ),
  isError: Schema.optionalKey(Schema.Boolean)
})

/** A client of the SDK, and what it is used for. */
const connect = Effect.fnUntraced(function* (transport: Transport) {
  const client = new Client({ name: "test", version: "1" })
  yield* Effect.acquireRelease(
    Effect.promise(() => client.connect(transport)),
    () => Effect.promise(() => client.close())
  )
  return {
    client,
    call: (name: string, args: unknown, signal?: AbortSignal) =>
      Effect.promise(() =>
        client.request({ method: "tools/call", params: { name, arguments: args } }, ResultSchema, {
          timeout: 20_000,
          ...(signal && { signal })
        })
      ).pipe(
        Effect.map((result) => {
          const { content, isError } = Schema.decodeUnknownSync(Answer)(result)
          return { content, isError, text: content.flatMap(({ text = [] }) => text).join("\n") }
        })
      )
  }
})

const clientAt = (url: string, token: Redacted.Redacted<string>) => {
  const headers = { authorization: `Bearer ${Redacted.value(token)}` }
  // Its types are not made for exact optional properties.
  return connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }) as Transport)
}

/** An index of its own that is served, and a client of it. */
const served = Effect.fnUntraced(function* (scope?: ToolScope) {
  const lab = yield* ServedIndex.make
  const { token, url } = yield* McpToolServer.serveHttp(lab.index, { scope })
  const headers = { authorization: `Bearer ${Redacted.value(token)}` }
  const another = () => clientAt(url, token)
  return { ...lab, url, headers, another, ...(yield* another()) }
})

const ways = {
  stdio: (scope: ToolScope = []) =>
    connect(new StdioClientTransport({ command: process.execPath, args: [program, ...scope] })),
  http: (scope?: ToolScope) => served(scope)
}

// What it serves is a tool source as any other.
ToolSourceTest.suite(
  "McpToolServer, through McpSource",
  Effect.gen(function* () {
    const { index, interrupted } = yield* ServedIndex.make
    const { token, url } = yield* McpToolServer.serveHttp(index)
    const headers = { authorization: Redacted.make(`Bearer ${Redacted.value(token)}`) }
    const source = yield* McpSource.http({ name: "served", url, headers })
    const call = (name: string, args: object = {}) => ({ name: "tool_call", args: { name, arguments: args } })
    return {
      source,
      sound: { ...call("desk/measure", { text: "hi" }), says: "2 characters" },
      failing: call("desk/drop"),
      endless: { ...call("desk/wait"), interrupted }
    }
  })
)

describe.each(["stdio", "http"] as const)("a tool server over %s", (way) => {
  it.live("says what there is, and offers three tools that a client need not load", () =>
    Effect.gen(function* () {
      const { client } = yield* ways[way]()
      const instructions = client.getInstructions() ?? ""
      assert.include(instructions, "tool_call")
      assert.include(instructions, "desk/create_ticket: Creates a ticket at the help desk.")
      const { tools } = yield* Effect.promise(() => client.listTools())
      assert.deepStrictEqual(
        tools.map(({ name }) => name),
        ["tool_search", "tool_describe", "tool_call"]
      )
      for (const tool of tools) assert.strictEqual(tool._meta?.["anthropic/alwaysLoad"], true)
      const [search, describing, call] = tools.map(({ annotations }) => annotations)
      assert.deepInclude(search, { readOnlyHint: true, destructiveHint: false, openWorldHint: false })
      assert.deepInclude(describing, { readOnlyHint: true, destructiveHint: false })
      assert.deepInclude(call, { readOnlyHint: false, destructiveHint: true, openWorldHint: true })
    }).pipe(Effect.scoped)
  )

  it.live("finds, shows and calls tools, and passes images on", () =>
    Effect.gen(function* () {
      const { call } = yield* ways[way]()
      const found = yield* call("tool_search", { query: "make a ticket" })
      assert.isFalse(found.isError)
      assert.include(found.text, "desk/create_ticket: Creates a ticket")
      assert.include(found.text, '"required":["title"]', "A client has nothing but the result to read a schema in")
      const shown = yield* call("tool_describe", { names: ["desk/create_ticket"] })
      assert.include(shown.text, '"required":["title"]')
      const made = yield* call("tool_call", { name: "desk/create_ticket", arguments: { title: "It breaks" } })
      assert.strictEqual(made.text, 'create_ticket {"title":"It breaks"}')
      const photo = yield* call("tool_call", { name: "camera/take_photo" })
      assert.deepStrictEqual(photo.content, [
        { type: "text", text: "A photo:" },
        {
          type: "image",
          data: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
          mimeType: "image/png"
        }
      ])
      assert.strictEqual((yield* call("tool_call", { name: "desk/leak" })).text, "The token is [redacted].")
    }).pipe(Effect.scoped)
  )

  it.live("answers what can not be done as an error of the tool, and goes on", () =>
    Effect.gen(function* () {
      const { call, client } = yield* ways[way]()
      const errors: ReadonlyArray<readonly [string, unknown, string]> = [
        ["tool_call", { name: "desk/create_ticket", arguments: {} }, '"required":["title"]'],
        ["tool_call", { name: "desk/burn_ticket" }, "desk/burn_ticket"],
        ["tool_call", { arguments: {} }, "`name` is a text"],
        ["tool_call", { name: "desk/drop" }, "The desk was left."],
        ["tool_call", { name: "desk/throw" }, "The desk collapsed."],
        ["tool_search", {}, "`query` is a text"],
        ["tool_search", [1, 2], "`query` is a text"],
        ["tool_describe", { names: ["nothing"] }, "nothing"],
        ["tool_dance", {}, 'There is no tool "tool_dance"']
      ]
      for (const [name, args, words] of errors) {
        const { isError, text } = yield* call(name, args)
        assert.isTrue(isError, `${name} ${JSON.stringify(args)} was no error: ${text}`)
        assert.include(text, words)
      }
      for (const [method, params] of [
        ["tools/call", { arguments: {} }],
        ["tools/call", { name: 7 }],
        ["prompts/list", {}]
      ] as const) {
        const refused = yield* Effect.flip(
          Effect.tryPromise(() => client.request({ method, params }, ResultSchema, { timeout: 20_000 }))
        )
        assert.match(String(refused.cause), /-32602|-32601/)
      }
      assert.include((yield* call("tool_search", { query: "photo" })).text, "camera/take_photo")
    }).pipe(Effect.scoped)
  )

  it.live("takes arguments that are a text, and arguments of 10 MB", () =>
    Effect.gen(function* () {
      const { call } = yield* ways[way]()
      assert.include((yield* call("tool_search", '{"query":"ticket"}')).text, "desk/create_ticket")
      const nested = yield* call("tool_call", { name: "desk/create_ticket", arguments: '{"title":"x"}' })
      assert.strictEqual(nested.text, 'create_ticket {"title":"x"}')
      const text = "x".repeat(10 * 1024 * 1024)
      const { text: said } = yield* call("tool_call", { name: "desk/measure", arguments: { text } })
      assert.strictEqual(said, `${text.length} characters`)
    }).pipe(Effect.scoped)
  )

  it.live("cancels a call at its source when the client does", () =>
    Effect.gen(function* () {
      const { call, client } = yield* ways[way]()
      const abort = new AbortController()
      const waiting = client.request(
        { method: "tools/call", params: { name: "tool_call", arguments: { name: "desk/wait" } } },
        ResultSchema,
        { signal: abort.signal }
      )
      // A call that is answered after it: the one before has arrived.
      yield* call("tool_call", { name: "desk/cancelled" })
      abort.abort()
      yield* Effect.exit(Effect.tryPromise(() => waiting))
      let count = "0"
      for (let asked = 0; asked < 100 && count === "0"; asked++) {
        count = (yield* call("tool_call", { name: "desk/cancelled" })).text
      }
      assert.strictEqual(count, "1", "The source was not told")
    }).pipe(Effect.scoped)
  )

  it.live("knows nothing outside of its scope", () =>
    Effect.gen(function* () {
      const { call, client } = yield* ways[way](["camera/*"])
      assert.notInclude(client.getInstructions(), "desk")
      assert.notInclude((yield* call("tool_search", { query: "ticket desk" })).text, "ticket")
      assert.isTrue((yield* call("tool_call", { name: "desk/measure", arguments: { text: "a" } })).isError)
      // All that it may call reads, and it says so.
      const { tools } = yield* Effect.promise(() => client.listTools())
      assert.deepInclude(tools[2]?.annotations, { readOnlyHint: true, destructiveHint: false, openWorldHint: false })
    }).pipe(Effect.scoped)
  )

  it.live("serves two clients at once", () =>
    Effect.gen(function* () {
      const first = yield* ways[way]()
      const second = "another" in first ? yield* first.another() : yield* ways[way]()
      const texts = yield* Effect.forEach(
        Array.from({ length: 40 }, (_, at) => at),
        (at) =>
          (at % 2 === 0 ? first : second).call("tool_call", {
            name: "desk/measure",
            arguments: { text: "x".repeat(at) }
          }),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        texts.map(({ text }) => text),
        texts.map((_, at) => `${at} characters`)
      )
    }).pipe(Effect.scoped)
  )
})

/** What a request without a client of the SDK gets. */
const ask = (url: string, options: Http.RequestOptions, body = "") =>
  Effect.callback<{ readonly status: number | undefined; readonly text: string }>((resume) => {
    const request = Http.request(url, { method: "POST", ...options }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode, text })))
    })
    request.on("error", (error) => resume(Effect.succeed({ status: undefined, text: String(error) })))
    request.end(body)
  })

const json = { "content-type": "application/json", accept: "application/json, text/event-stream" }

describe("a tool server over http", () => {
  it.live("lets in nobody without its token, under another name, or from a page", () =>
    Effect.gen(function* () {
      const { headers, url } = yield* served()
      const good = { ...json, ...headers }
      const cases: ReadonlyArray<readonly [number, Http.OutgoingHttpHeaders]> = [
        [401, json],
        [401, { ...json, authorization: "Bearer wrong-wrong-wrong-wrong" }],
        [401, { ...json, authorization: headers.authorization.replace("Bearer", "Basic") }],
        [403, { ...good, host: "rebound.example" }],
        [403, { ...good, host: `rebound.example:${new URL(url).port}` }],
        [403, { ...good, origin: "https://page.example" }],
        [403, { ...good, origin: "null" }],
        [400, good],
        [404, { ...good, "mcp-session-id": "none" }]
      ]
      for (const [status, given] of cases) {
        assert.strictEqual((yield* ask(url, { headers: given })).status, status, JSON.stringify(given))
      }
      assert.strictEqual((yield* ask(url.replace("/mcp", "/"), { headers: good })).status, 404)
      assert.strictEqual((yield* ask(url, { method: "GET", headers: good })).status, 400)
    }).pipe(Effect.scoped)
  )

  it.live("refuses what is no message, and what is too large, and goes on", () =>
    Effect.gen(function* () {
      const { call, headers, url } = yield* served()
      const given = { headers: { ...json, ...headers } }
      for (const body of ["{", "7", '{"jsonrpc":"2.0"}', "[]", JSON.stringify({ method: "tools/list" })]) {
        assert.strictEqual((yield* ask(url, given, body)).status, 400, body)
      }
      const large = yield* ask(url, given, JSON.stringify("x".repeat(McpToolServer.maxMessageBytes)))
      assert.strictEqual(large.status, 413)
      assert.isFalse((yield* call("tool_search", { query: "photo" })).isError)
    }).pipe(Effect.scoped)
  )

  it.live(
    "closes the session that was not used for longest when there are too many; its client can begin another",
    () =>
      Effect.gen(function* () {
        const { another, client } = yield* served()
        yield* Effect.forEach(Array.from({ length: 64 }), another)
        const gone = yield* Effect.flip(Effect.tryPromise(() => client.listTools()))
        assert.include(String(gone.cause), "no such session")
        const late = yield* another()
        assert.isFalse((yield* late.call("tool_search", { query: "photo" })).isError)
      }).pipe(Effect.scoped)
  )

  it.live("tells its clients when what can be called is more, or other", () =>
    Effect.gen(function* () {
      const { call, camera, client, index } = yield* served(["camera/*"])
      const told = yield* Deferred.make<void>()
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
        Deferred.doneUnsafe(told, Effect.void)
      })
      camera.lists({ name: "smash", description: "Smashes the camera." })
      camera.notify()
      yield* Deferred.await(told).pipe(Effect.timeout("10 seconds"))
      const { tools } = yield* Effect.promise(() => client.listTools())
      assert.deepInclude(tools[2]?.annotations, { readOnlyHint: false, destructiveHint: true })
      assert.lengthOf(yield* index.list({ server: "camera" }), 1)
      const { text } = yield* call("tool_search", { query: "smash" })
      assert.include(text, "The tools have changed")
      assert.include(text, "camera/take_photo", "What was removed should be said")
      assert.notInclude((yield* call("tool_search", { query: "smash" })).text, "have changed", "It is said once")
    }).pipe(Effect.scoped)
  )

  it.live("tells as much of a large index as clients read", () =>
    Effect.gen(function* () {
      const { camera, index } = yield* ServedIndex.make
      camera.lists(...Array.from({ length: 300 }, (_, at) => ({ name: `tool_${at}`, description: "Does it." })))
      const listed = Stream.runHead(index.changes)
      const changed = yield* Effect.forkChild(listed, { startImmediately: true })
      camera.notify()
      yield* Fiber.join(changed)
      const told = Effect.fnUntraced(function* (budget?: number) {
        const { token, url } = yield* McpToolServer.serveHttp(index, { budget })
        return (yield* clientAt(url, token)).client.getInstructions() ?? ""
      })
      const usual = yield* told()
      assert.isAtMost(Buffer.byteLength(usual), 2_048)
      assert.include(usual, "## camera (300)")
      assert.include(yield* told(5_000), "tool_299")
    }).pipe(Effect.scoped)
  )

  it.live("answers when the index itself breaks", () =>
    Effect.gen(function* () {
      const { index } = yield* ServedIndex.make
      const broken = { ...index, search: () => Effect.die(new Error("The index broke.")) }
      const { token, url } = yield* McpToolServer.serveHttp(broken)
      const { call } = yield* clientAt(url, token)
      const { isError, text } = yield* call("tool_search", { query: "photo" })
      assert.isTrue(isError)
      assert.include(text, "The index broke.")
      assert.isFalse((yield* call("tool_call", { name: "camera/take_photo" })).isError)
    }).pipe(Effect.scoped)
  )

  it.live("ends with its scope, and its port can be had again", () =>
    Effect.gen(function* () {
      const { index } = yield* ServedIndex.make
      const token = Redacted.make("a-token-of-our-own")
      const url = yield* Effect.scoped(Effect.map(McpToolServer.serveHttp(index, { token }), ({ url }) => url))
      assert.isUndefined((yield* ask(url, {})).status)
      const port = Number(new URL(url).port)
      const again = yield* McpToolServer.serveHttp(index, { port, token })
      assert.strictEqual(again.url, url)
      const taken = yield* Effect.flip(McpToolServer.serveHttp(index, { port }))
      assert.strictEqual(taken.reason, "NotListening")
      assert.include(taken.message, String(port))
    }).pipe(Effect.scoped)
  )

  it.live.each([
    [{ token: Redacted.make("") }, "BadToken"],
    [{ token: Redacted.make("has a space and is long") }, "BadToken"],
    [{ port: 70_000 }, "NotListening"]
  ] as const)("is not started with %j", ([options, reason]) =>
    Effect.gen(function* () {
      const { index } = yield* ServedIndex.make
      const error = yield* Effect.flip(McpToolServer.serveHttp(index, options))
      assert.strictEqual(error.reason, reason)
    }).pipe(Effect.scoped)
  )
})
