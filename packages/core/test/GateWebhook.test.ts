import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createServer, request as httpRequest } from "node:http"
import * as Gate from "../src/Gate.ts"
import * as GateWebhook from "../src/GateWebhook.ts"
import * as Line from "../src/Line.ts"
import * as Status from "../src/Status.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, count, item, range, type Services, store, test } from "./FactoryStore.ts"

const key = "a very secret secret of 40 characters!!!"
const secret = Redacted.make(key)
const Asking = Line.make("Asking", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
const Sized = Line.make("Sized", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
const question = { question: "Go on?", context: "Read this.", cause: "policy" }
const code = Layer.merge(
  Asking.toLayer(() =>
    Gate.approve("ship/it #1?", question).pipe(
      Effect.map(({ note }) => note),
      Effect.catchTag("Rejected", ({ note }) => Effect.succeed(`no: ${note}`))
    )
  ),
  Sized.toLayer(() =>
    Effect.map(
      Gate.ask("size", { ...question, schema: Schema.Struct({ size: Schema.Literals(["small", "large"]) }) }),
      ({ size }) => size
    )
  )
)

interface Answered {
  readonly status: number
  readonly text: string
  readonly json: {
    readonly error?: { readonly reason: string; readonly message: string; readonly field?: string }
    readonly gates?: ReadonlyArray<{ readonly id: string }>
    readonly [field: string]: unknown
  }
}

/** What a test sends; what it leaves out is as it shall be. */
interface Request {
  readonly method?: string
  readonly gate?: string
  /** The path, where it is not the one of the gate. */
  readonly path?: string
  readonly body?: string | Uint8Array
  readonly timestamp?: number
  readonly secret?: string
  readonly headers?: Record<string, string>
}

/** Sends bytes as they are: a client that knows better would mend what the test breaks. */
const send = (port: number, { gate = "", headers, path, secret: signedWith = key, ...request }: Request) =>
  Effect.tryPromise(
    () =>
      new Promise<Answered>((resolve, reject) => {
        const { body = "", method = request.body === undefined ? "GET" : "POST" } = request
        const timestamp = request.timestamp ?? Math.floor(Date.now() / 1000)
        const signature = GateWebhook.sign(Redacted.make(signedWith), { timestamp, method, gate, body })
        const sent = httpRequest(
          {
            host: "127.0.0.1",
            port,
            method,
            path: path ?? (gate === "" ? "/gates" : `/gates/${encodeURIComponent(gate)}`),
            headers: { "content-length": Buffer.byteLength(body), ...signature, ...headers }
          },
          (response) => {
            const chunks: Array<Buffer> = []
            response.on("data", (chunk: Buffer) => chunks.push(chunk))
            response.on("end", () => {
              const text = Buffer.concat(chunks).toString("utf8")
              const isJson = response.headers["content-type"]?.includes("json") === true
              resolve({ status: response.statusCode ?? 0, text, json: isJson ? JSON.parse(text) : {} })
            })
            response.on("error", reject)
          }
        )
        sent.on("error", reject)
        sent.end(body)
      })
  )

/** A factory with its webhook on a free port of this machine, and everything that it logs. */
const serving = (
  path: string,
  body: (to: {
    readonly send: (request: Request) => Effect.Effect<Answered, unknown>
    readonly logged: ReadonlyArray<string>
  }) => Effect.Effect<void, unknown, Services>
) => {
  const logged: Array<string> = []
  const logger = Logger.layer([Logger.map(Logger.formatJson, (line) => void logged.push(line))])
  const server = NodeHttpServer.layerServer(createServer, { port: 0, host: "127.0.0.1" })
  const program = HttpRouter.serve(GateWebhook.layer({ secret })).pipe(
    Layer.provideMerge(server),
    Layer.provideMerge(code),
    Layer.provideMerge(store(path)),
    Layer.provideMerge(logger)
  )
  return alone(
    Effect.gen(function* () {
      const { address } = yield* HttpServer.HttpServer
      if (address._tag === "UnixPathAddress") return assert.fail("no port")
      const { port } = address
      yield* body({ send: (request) => send(port, request), logged })
      assert.notInclude(logged.join("\n"), key, "the secret was logged")
    }),
    program
  )
}

const approve = (note: string, more: object = {}) =>
  JSON.stringify({ by: "ada", answer: { _tag: "Approve", note }, ...more })

const waits = Effect.gen(function* () {
  const run = yield* Asking.start({ item })
  yield* Line.settled(run)
  return { run, gate: `${run}:ship/it #1?` }
})
const ended = (run: string) => Line.ended(run)

describe("GateWebhook", () => {
  test("lists what is asked, takes an answer, and records who gave it and how", (path) =>
    serving(path, ({ send }) =>
      Effect.gen(function* () {
        const { gate, run } = yield* waits
        const list = yield* send({})
        assert.deepStrictEqual([list.status, list.json.gates?.map(({ id }) => id)], [200, [gate]])
        assert.notInclude(list.text, "token", "what an answer is delivered with is nobody's business outside")
        const one = yield* send({ gate })
        assert.deepInclude(one.json, { id: gate, question: "Go on?", context: "Read this.", answered: null })
        const done = yield* send({ gate, body: approve("blue", { activeMinutes: 2 }) })
        assert.strictEqual(done.status, 200, done.text)
        assert.deepInclude(yield* ended(run), { _tag: "Finished", result: "blue" })
        const answered = (yield* Gate.list(run)).get(gate)?.answered
        assert.deepInclude(answered, { by: { _tag: "Human", name: "ada" }, via: "webhook", activeMinutes: 2 })
        assert.deepStrictEqual((yield* send({})).json.gates, [], "an answered gate waits for nobody")
        const again = yield* send({ gate, body: approve("blue") })
        assert.strictEqual(again.status, 200, "the same answer once more changes nothing")
        const other = yield* send({ gate, body: approve("red") })
        assert.deepStrictEqual([other.status, other.json.error?.reason], [409, "AlreadyAnswered"])
        assert.strictEqual(yield* count("GateAnswered"), 1)
      })
    ))

  test("refuses what does not fit, names the field, and leaves the gate open", (path) =>
    serving(path, ({ send }) =>
      Effect.gen(function* () {
        const run = yield* Sized.start({ item })
        yield* Line.settled(run)
        const gate = `${run}:size`
        const give = (value: unknown) => JSON.stringify({ by: "ada", answer: { _tag: "Give", value } })
        const cases: ReadonlyArray<readonly [body: string | Uint8Array, field: string | undefined]> = [
          [give({ size: "huge" }), "size"],
          [give({}), "size"],
          [give("small"), undefined],
          [approve("blue"), undefined],
          [JSON.stringify({ by: "ada" }), "answer"],
          [JSON.stringify({ by: "", answer: { _tag: "Reply", text: "" } }), "by"],
          [JSON.stringify({ by: "ada\u001b[2J", answer: { _tag: "Reply", text: "" } }), "by"],
          [JSON.stringify({ by: "\u202eada", answer: { _tag: "Reply", text: "" } }), "by"],
          [JSON.stringify({ by: "ada", answer: { _tag: "Reply", text: "" }, activeMinutes: -1 }), "activeMinutes"],
          ["{", undefined],
          ["", undefined],
          ["null", undefined],
          ["[]", undefined],
          ['{"__proto__":{"by":"ada"}}', "by"],
          [new Uint8Array([0xff, 0xfe, 0x7b]), undefined]
        ]
        for (const [body, field] of cases) {
          const { json, status, text } = yield* send({ gate, body, method: "POST" })
          assert.strictEqual(status, 400, `${String(body)}: ${text}`)
          assert.isString(json.error?.message, "a refusal says what is wrong")
          assert.strictEqual(json.error?.field, field, `${String(body)}: ${text}`)
        }
        assert.strictEqual((yield* Status.of(run))?._tag, "Waiting")
        assert.strictEqual(yield* count("GateAnswered"), 0)
        assert.strictEqual((yield* send({ gate, body: give({ size: "small" }) })).status, 200)
        assert.deepInclude(yield* ended(run), { result: "small" })
      })
    ))

  test("knows nobody without a good and fresh signature of this very request", (path) =>
    serving(path, ({ logged, send }) =>
      Effect.gen(function* () {
        const { gate, run } = yield* waits
        const other = (yield* waits).gate
        const now = Math.floor(Date.now() / 1000)
        const body = approve("blue")
        const signed = GateWebhook.sign(secret, { timestamp: now, method: "POST", gate, body })
        const cases: ReadonlyArray<readonly [what: string, request: Request]> = [
          ["another secret", { gate, body, secret: `${key}.` }],
          ["no signature", { gate, body, headers: { "x-millwright-signature": "" } }],
          ["no time", { gate, body, headers: { "x-millwright-timestamp": "" } }],
          ["a signature that is none", { gate, body, headers: { "x-millwright-signature": "sha256=zz" } }],
          ["a longer signature", { gate, body, headers: { "x-millwright-signature": `sha256=${"a".repeat(128)}` } }],
          ["an old time", { gate, body, timestamp: now - 301 }],
          ["a time to come", { gate, body, timestamp: now + 310 }],
          ["a time that is none", { gate, body, headers: { "x-millwright-timestamp": "1e9" } }],
          [
            "another time than the signed one",
            { gate, body, headers: { ...signed, "x-millwright-timestamp": `${now + 1}` } }
          ],
          ["another body", { gate, body: approve("red"), headers: signed }],
          ["another gate", { gate: other, body, headers: signed }],
          [
            "another method",
            { gate, headers: GateWebhook.sign(secret, { timestamp: now, method: "POST", gate, body: "" }) }
          ],
          ["a list with the signature of a gate", { headers: signed }]
        ]
        for (const [what, request] of cases) {
          const { json, status, text } = yield* send(request)
          assert.deepStrictEqual([status, json.error?.reason], [401, "Signature"], `${what}: ${text}`)
          assert.notInclude(text, key, "the secret was told")
          assert.notInclude(text, "Go on?", "whoever signs nothing is shown nothing")
        }
        assert.strictEqual((yield* Status.of(run))?._tag, "Waiting")
        assert.isAbove(logged.length, 0, "requests were logged, so the test sees what a log would")
        assert.strictEqual((yield* send({ gate, body, headers: signed })).status, 200)
      })
    ))

  test("answers ways that lead nowhere, and large bodies, without harm", (path) =>
    serving(path, ({ send }) =>
      Effect.gen(function* () {
        const { gate, run } = yield* waits
        const body = approve("blue")
        const cases: ReadonlyArray<readonly [request: Request, status: number]> = [
          [{ gate: "nobody.1:paint" }, 404],
          [{ gate: "nobody.1:paint", body }, 404],
          [{ gate: `${run}:another`, body }, 404],
          [{ gate: "x".repeat(5_000), body }, 404],
          [{ gate: "../../etc/passwd", body }, 404],
          [{ gate: "\u0000", body }, 404],
          [{ gate: "__proto__", body }, 404],
          [{ gate: run, body }, 404],
          [{ path: "/gates/%zz", body }, 404],
          [{ path: "/gates/../gates/x", gate: "x", body }, 401],
          [{ path: "/gates//", method: "POST", body }, 405],
          [{ path: "/", method: "GET" }, 404],
          [{ path: "/etc/passwd" }, 404],
          [{ method: "DELETE", gate }, 405],
          [{ method: "PUT", gate, body }, 405],
          [{ method: "POST", body }, 405],
          [{ gate, body: approve("x".repeat(10_000_000)) }, 413],
          [{ gate, body: approve("x".repeat(10_000_000)), secret: "another" }, 413],
          [{ gate, body: approve("x".repeat(200_000)) }, 400]
        ]
        for (const [request, expected] of cases) {
          const { body: _, ...shown } = request
          const { status, text } = yield* send(request)
          assert.strictEqual(status, expected, `${JSON.stringify(shown).slice(0, 200)}: ${text}`)
        }
        assert.strictEqual((yield* send({ gate, body })).status, 200, "the server is still there")
        yield* ended(run)
      })
    ))

  test("tells whoever comes too late that nobody waits any more", (path) => {
    const Parking = Line.make("Parking", { payload: { item: WorkItem.WorkItem }, success: Schema.Void })
    const opened = Effect.repeat(Effect.andThen(Effect.yieldNow, Gate.list()), { until: (gates) => gates.size > 0 })
    const parking = Parking.toLayer(({ item }) =>
      Effect.all(
        [
          Effect.andThen(Effect.orDie(opened), Line.park(item, { reason: "Somebody else did it" })),
          Effect.orDie(Gate.approve("never", question))
        ],
        { concurrency: 2, discard: true }
      )
    )
    return Effect.gen(function* () {
      const run = yield* alone(Effect.tap(Parking.start({ item }), ended), Layer.provideMerge(parking, store(path)))
      yield* serving(path, ({ send }) =>
        Effect.gen(function* () {
          const { json, status } = yield* send({ gate: `${run}:never`, body: approve("blue") })
          assert.deepStrictEqual([status, json.error?.reason], [410, "Closed"])
        })
      )
    })
  })

  test("lets one of 100 answers stand that come at once", (path) =>
    serving(path, ({ send }) =>
      Effect.gen(function* () {
        const { gate, run } = yield* waits
        const all = yield* Effect.forEach(range(100), (n) => send({ gate, body: approve(`note ${n}`) }), {
          concurrency: "unbounded"
        })
        const taken = all.flatMap(({ status }, index) => (status === 200 ? [`note ${index + 1}`] : []))
        assert.strictEqual(taken.length, 1, all.map(({ status }) => status).join(" "))
        assert.strictEqual(all.filter(({ status }) => status === 409).length, 99)
        assert.deepInclude(yield* ended(run), { result: taken[0] })
      })
    ))

  test("does not open with a secret that can be guessed", (path) =>
    Effect.gen(function* () {
      const weak = GateWebhook.layer({ secret: Redacted.make("short") }).pipe(
        Layer.provide(HttpRouter.layer),
        Layer.provide(store(path))
      )
      const error = yield* Effect.flip(Effect.scoped(Layer.build(weak)))
      assert.include(error, { _tag: "WebhookError", reason: "WeakSecret" })
      assert.notInclude(error.message, "short")
    }))
})
