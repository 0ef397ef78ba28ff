import { assert, describe, it } from "@effect/vitest"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import * as Model from "@millwright/core/Model"
import * as ModelTest from "@millwright/core/testing/ModelTest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { answering } from "../fixtures/answering.ts"

ModelTest.suite("OpenAiModel", {
  make: ({ apiKey, model, twin }) => OpenAiModel.make({ apiKey, model, baseUrl: twin.openAiUrl, rehearsed: true })
})

ModelTest.suite("OpenAiModel with a model that takes marks", {
  model: "gpt-5.6",
  make: ({ apiKey, model, twin }) => OpenAiModel.make({ apiKey, model, baseUrl: twin.openAiUrl, rehearsed: true })
})

const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: "c", model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}`

const ask = Effect.fnUntraced(function* (events: ReadonlyArray<string>) {
  const url = yield* answering(events)
  const model = yield* OpenAiModel.make({ apiKey: Redacted.make("none"), model: "m", baseUrl: url, provider: "ollama" })
  return yield* Stream.runCollect(
    model.languageModel.streamText({ prompt: "hi", disableToolCallResolution: true, toolCallValidation: "deferred" })
  )
}, Effect.scoped)

describe("OpenAiModel", () => {
  it.live("takes tool calls without index or id, and `stop` as their reason, as small servers send them", () =>
    Effect.gen(function* () {
      const parts = yield* ask([
        chunk({ reasoning: "hm", content: "" }),
        chunk({ content: "I look." }),
        chunk({
          tool_calls: [{ function: { name: "a", arguments: '{"x":1}' } }, { function: { name: "b", arguments: "{}" } }]
        }),
        chunk({}, "stop"),
        "data: [DONE]"
      ])
      const calls = parts.flatMap((part) => (part.type === "tool-call" ? [part] : []))
      assert.deepStrictEqual(
        calls.map(({ name, params }) => [name, params]),
        [
          ["a", { x: 1 }],
          ["b", {}]
        ]
      )
      assert.strictEqual(new Set(calls.map(({ id }) => id)).size, 2, "Two calls have one id")
      const finish = parts.at(-1)
      assert.strictEqual(finish?.type === "finish" ? finish.reason : undefined, "tool-calls")
      assert.deepStrictEqual(
        parts.map(({ type }) => type).filter((type) => !type.startsWith("tool")),
        [
          "response-metadata",
          "reasoning-start",
          "reasoning-delta",
          "reasoning-end",
          "text-start",
          "text-delta",
          "text-end",
          "finish"
        ]
      )
    })
  )

  it.live("an error in the middle of a stream is the failure that it names", () =>
    Effect.gen(function* () {
      for (const [error, reason] of [
        [{ code: 502, message: "provider returned error" }, "Overloaded"],
        [{ code: "insufficient_quota", message: "no money" }, "QuotaExhausted"],
        [{ type: "server_error", message: "oops" }, "Overloaded"]
      ] as const) {
        const failed = yield* Effect.flip(ask([chunk({ content: "I" }), `data: ${JSON.stringify({ error })}`]))
        const fault = Model.fromAiError(failed, { model: "m", provider: "ollama" })
        assert.strictEqual(fault.reason, reason, fault.message)
      }
    })
  )
})
