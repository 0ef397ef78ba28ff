import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ModelTwin from "../src/testing/ModelTwin.ts"
import * as TwinLab from "../src/testing/TwinLab.ts"
import type * as Twin from "../src/Twin.ts"
import * as TwinFault from "../src/TwinFault.ts"

const apiKey = "a-key-of-this-test"

const seed: ModelTwin.Seed = {
  apiKey,
  script: { conversations: [{ turns: [{ text: "Hello.", calls: [{ tool: "look", arguments: { at: 1 } }] }] }] }
}

const tools = [{ name: "look", input_schema: { type: "object" } }]

const messages = (key = apiKey): TwinLab.Ask => ({
  method: "POST",
  path: "/v1/messages",
  headers: { "x-api-key": key, "anthropic-version": "2023-06-01" },
  body: { model: "m", max_tokens: 100, messages: [{ role: "user", content: "Hi" }], tools }
})

const chat = (stream: boolean): TwinLab.Ask => ({
  method: "POST",
  path: "/v1/chat/completions",
  headers: { authorization: `Bearer ${apiKey}` },
  body: { model: "m", stream, messages: [{ role: "user", content: "Hi" }] }
})

const play = (twin: Twin.Twin) =>
  Effect.gen(function* () {
    const replies = []
    for (const ask of [messages(), chat(true), chat(false)]) replies.push(yield* TwinLab.send(twin.url, ask))
    return {
      replies: replies.map(({ body, status }) => [status, body] as const),
      journal: yield* twin.journal,
      snapshot: yield* twin.snapshot
    }
  })

describe("the twin of the APIs of models", () => {
  it.live("plays its script, and the same again after a reset, byte for byte", () =>
    Effect.gen(function* () {
      const twin = yield* ModelTwin.start(seed)
      const seeded = yield* twin.snapshot
      const first = yield* play(twin)
      assert.deepStrictEqual(
        first.replies.map(([status, body]) => [status, body.includes("Hello.")]),
        [
          [200, true],
          [200, true],
          [200, true]
        ]
      )
      assert.notStrictEqual(first.snapshot.digest, seeded.digest)
      yield* twin.reset
      assert.deepStrictEqual(yield* twin.snapshot, seeded, "a reset does not bring back the seed")
      assert.deepStrictEqual(yield* play(twin), first, "the same requests come to something else")
      const other = yield* ModelTwin.start(seed)
      assert.deepStrictEqual(yield* play(other), first, "another twin of the same seed answers differently")
      yield* twin.seed({ ...seed, script: { conversations: [{ turns: [{ text: "Bye." }] }] } })
      assert.include((yield* TwinLab.send(twin.url, messages())).body, "Bye.")
    })
  )

  it.live("lets in its key alone, keeps it to itself, and names what it does not do", () =>
    Effect.gen(function* () {
      const twin = yield* ModelTwin.start(seed)
      for (const key of ["wrong-key-of-this-test", "key-of-the-model-twin", ""]) {
        assert.strictEqual((yield* TwinLab.send(twin.url, messages(key))).status, 401, key)
      }
      yield* TwinLab.send(twin.url, messages())
      const missing = yield* TwinLab.send(twin.url, { method: "POST", path: "/v1/embeddings", body: {} })
      assert.deepStrictEqual([missing.status, missing.body.includes("POST /v1/embeddings")], [501, true])
      const told = JSON.stringify([yield* twin.journal, yield* twin.snapshot])
      for (const secret of [apiKey, "wrong-key-of-this-test"]) assert.notInclude(told, secret)
    })
  )

  it.live("breaks on demand, and says what it has none of", () =>
    Effect.gen(function* () {
      const twin = yield* ModelTwin.start(seed)
      yield* twin.faults([
        TwinFault.answer({ _tag: "Refuse", status: 529, retryAfter: 3 }, { route: "/v1/messages" }),
        TwinFault.answer({ _tag: "Cut", where: "inside" }, { route: "/v1/chat/completions" })
      ])
      const refused = yield* TwinLab.send(twin.url, messages())
      assert.deepStrictEqual([refused.status, refused.headers["retry-after"]], [529, "3"])
      yield* Effect.flip(TwinLab.send(twin.url, chat(false)))
      assert.strictEqual((yield* TwinLab.send(twin.url, messages())).status, 200)
      assert.deepStrictEqual(
        (yield* twin.journal).map(({ changed, fault }) => [fault, changed]),
        [
          ["Refuse", false],
          ["Cut", false],
          [null, true]
        ]
      )
      const reasons = [
        yield* Effect.flip(twin.faults([TwinFault.webhook({ _tag: "Drop" })])),
        yield* Effect.flip(twin.webhooks.allow("http://127.0.0.1:1"))
      ].map(({ reason }) => reason)
      assert.deepStrictEqual(reasons, ["Unsupported", "Unsupported"])
    })
  )
})
