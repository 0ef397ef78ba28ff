import { assert, describe, it } from "@effect/vitest"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

const usage = { input: 11, cacheRead: 7, cacheWrite: 5, output: 3 }
const turns: ReadonlyArray<ProviderTwin.Turn> = [
  { text: "I look.", calls: [{ tool: "bash", arguments: { script: "ls" } }], usage },
  { calls: [{ tool: "bash", raw: "{broken" }] },
  { text: "Done." }
]

const start = Effect.gen(function* () {
  const twin = yield* ProviderTwin.make({
    script: { conversations: [{ role: "Tester", turns }] },
    apiKey: Redacted.make("k")
  })
  const ask = (input: ReadonlyArray<object>, key = "k", more: object = {}) =>
    Effect.promise(async () => {
      const response = await fetch(`${twin.openAiUrl}/responses`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "m", stream: true, instructions: "Role: Tester", input, ...more })
      })
      const text = await response.text()
      const events = [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, data = ""]) => JSON.parse(data))
      return { status: response.status, text, events, last: events.at(-1)?.response }
    })
  return { twin, ask }
})

const task = { type: "message", role: "user", content: [{ type: "input_text", text: "Try it." }] }

describe("the provider twin over OpenAI's responses", () => {
  it.live("plays the turns of a script, and says exactly what each used", () =>
    Effect.gen(function* () {
      const { ask, twin } = yield* start
      const first = yield* ask([task])
      assert.deepStrictEqual(
        first.last.output.map(({ type }: { readonly type: string }) => type),
        ["message", "function_call"]
      )
      assert.deepStrictEqual(first.last.usage, {
        input_tokens: 23,
        output_tokens: 3,
        total_tokens: 26,
        input_tokens_details: { cached_tokens: 7, cache_write_tokens: 5 }
      })
      const [said, call] = first.last.output
      const second = yield* ask([
        task,
        said,
        call,
        { type: "function_call_output", call_id: call.call_id, output: "a.txt" }
      ])
      const [broken] = second.last.output
      assert.strictEqual(broken.arguments, "{broken", "several items of one answer are counted as several answers")
      assert.deepStrictEqual(
        (yield* twin.requests).map(({ protocol, role, turn, usage: { output = 0 } = {} }) => [
          protocol,
          role,
          turn,
          output > 0
        ]),
        [
          ["responses", "Tester", 0, true],
          ["responses", "Tester", 1, true]
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.live("refuses a wrong key, and calls and results without the other, in the API's words", () =>
    Effect.gen(function* () {
      const { ask } = yield* start
      const denied = yield* ask([task], "wrong")
      assert.deepStrictEqual([denied.status, JSON.parse(denied.text).error.code], [401, "invalid_api_key"])
      const call = { type: "function_call", call_id: "c1", name: "bash", arguments: "{}" }
      assert.strictEqual((yield* ask([task, call])).status, 400)
      assert.strictEqual((yield* ask([task], "k", { previous_response_id: "resp_1" })).status, 400)
      assert.strictEqual((yield* ask([task, { type: "function_call_output", call_id: "c1", output: "" }])).status, 400)
    }).pipe(Effect.scoped)
  )

  it.live("calls tools that take any text as the API does", () =>
    Effect.gen(function* () {
      const { ask, twin } = yield* start
      yield* twin.play({ conversations: [{ turns: [{ calls: [{ tool: "exec", raw: 'text("x")' }] }] }] })
      const tools = [{ type: "namespace", name: "functions", tools: [{ type: "custom", name: "exec" }] }]
      const { events, last } = yield* ask([{ type: "additional_tools", role: "developer", tools }, task])
      assert.deepInclude(last.output[0], { type: "custom_tool_call", name: "exec", input: 'text("x")' })
      const types = events.map(({ type }) => type)
      assert.include(types, "response.custom_tool_call_input.delta")
      assert.notInclude(types.join(), "function_call_arguments")
    }).pipe(Effect.scoped)
  )

  it.live("cuts an answer where it is told to", () =>
    Effect.gen(function* () {
      const { ask, twin } = yield* start
      yield* twin.breakNext([{ _tag: "Cut", after: 3, how: "end" }])
      const { events } = yield* ask([task])
      assert.lengthOf(events, 3)
    }).pipe(Effect.scoped)
  )
})
