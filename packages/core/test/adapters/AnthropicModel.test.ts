import { assert, describe, it } from "@effect/vitest"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as Model from "@millwright/core/Model"
import * as ModelTest from "@millwright/core/testing/ModelTest"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { answering } from "../fixtures/answering.ts"

ModelTest.suite("AnthropicModel", {
  make: ({ apiKey, model, twin }) => AnthropicModel.make({ apiKey, model, baseUrl: twin.anthropicUrl, rehearsed: true })
})

const toolkit = Toolkit.make(Tool.make("one"), Tool.make("two"))
const apiKey = Redacted.make("any")

const start = Effect.fnUntraced(function* (turns: ReadonlyArray<ProviderTwin.Turn>) {
  const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
  const model = yield* AnthropicModel.make({ apiKey, model: "m", baseUrl: twin.anthropicUrl })
  const ask = (prompt: Prompt.RawInput) =>
    Stream.runCollect(
      model.languageModel.streamText({
        prompt,
        toolkit,
        disableToolCallResolution: true,
        toolCallValidation: "deferred"
      })
    )
  return {
    ask,
    body: (index: number) => Effect.map(twin.requests, (requests) => JSON.stringify(requests[index]?.body))
  }
})

const first = [
  { role: "system", content: "One." },
  { role: "system", content: "Two." },
  { role: "user", content: "Go." }
] as const

describe("AnthropicModel", () => {
  it.live("marks the last system block, the last tool and the last message for the cache, and nothing else", () =>
    Effect.gen(function* () {
      const { ask, body } = yield* start([{ text: "ok" }])
      yield* ask(first)
      const sent = JSON.parse(yield* body(0))
      const mark = { type: "ephemeral" }
      assert.deepStrictEqual(sent.system, [
        { type: "text", text: "One." },
        { type: "text", text: "Two.", cache_control: mark }
      ])
      assert.deepStrictEqual(
        sent.tools.map((tool: { cache_control?: unknown }) => tool.cache_control),
        [undefined, mark]
      )
      assert.deepStrictEqual(sent.messages, [
        { role: "user", content: [{ type: "text", text: "Go.", cache_control: mark }] }
      ])
    }).pipe(Effect.scoped)
  )

  it.live("sends signed and redacted reasoning back as it came, and drops reasoning of another provider", () =>
    Effect.gen(function* () {
      const { ask, body } = yield* start([{ reasoning: "I think.", calls: [{ tool: "one" }] }, { text: "ok" }])
      const parts = yield* ask(first)
      const call = parts.find((part) => part.type === "tool-call")
      const history = Prompt.make([
        ...first,
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "foreign thought" },
            {
              type: "reasoning",
              text: "",
              options: { anthropic: { info: { type: "redacted_thinking", redactedData: "opaque" } } }
            }
          ]
        }
      ])
      yield* ask(
        Prompt.concat(Prompt.concat(history, Prompt.fromResponseParts(parts)), [
          {
            role: "tool",
            content: [{ type: "tool-result", id: call?.id ?? "", name: "one", isFailure: false, result: { at: 1 } }]
          }
        ])
      )
      const sent = JSON.parse(yield* body(1))
      const assistant = sent.messages[1].content
      assert.deepStrictEqual(assistant[0], { type: "redacted_thinking", data: "opaque" })
      assert.deepStrictEqual(assistant[1], {
        type: "thinking",
        thinking: "I think.",
        signature: "aimock-placeholder-signature"
      })
      assert.notInclude(JSON.stringify(sent), "foreign thought", "Anthropic refuses reasoning that it did not sign")
      assert.strictEqual(sent.messages.length, 3, "Messages of one side were not joined")
    }).pipe(Effect.scoped)
  )

  it.live("an error in the middle of a stream is the failure that it names", () =>
    Effect.gen(function* () {
      const url = yield* answering([
        'event: message_start\ndata: {"type":"message_start","message":{"id":"a","model":"m","usage":{"input_tokens":1,"output_tokens":1}}}',
        'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
      ])
      const model = yield* AnthropicModel.make({ apiKey, model: "m", baseUrl: url })
      const error = yield* Effect.flip(Stream.runCollect(model.languageModel.streamText({ prompt: "hi" })))
      const fault = Model.fromAiError(error, { model: "m", provider: "anthropic" })
      assert.deepStrictEqual([fault.reason, fault.isRetryable], ["Overloaded", true], fault.message)
    }).pipe(Effect.scoped)
  )
})
