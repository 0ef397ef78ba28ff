import { assert, describe, it } from "@effect/vitest"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import * as Model from "@millwright/core/Model"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as AiError from "effect/ai/AiError"
import * as Prompt from "effect/ai/Prompt"
import * as Response from "effect/ai/Response"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const call = { model: "m", provider: "p" }
const from = (reason: AiError.AiErrorReason) =>
  Model.fromAiError(AiError.make({ module: "LanguageModel", method: "streamText", reason }), call)
const http = (status: number, headers: Record<string, string> = {}) => ({ http: { response: { status, headers } } })
const network = (description: string, cause?: unknown) =>
  new AiError.NetworkError({ reason: "TransportError", method: "POST", url: "http://x", description, cause })

describe("Model.fromAiError", () => {
  const cases: ReadonlyArray<readonly [AiError.AiErrorReason, Model.ModelError["reason"], retryable: boolean]> = [
    [new AiError.AuthenticationError({ kind: "MissingKey" }), "Unauthorized", false],
    [new AiError.QuotaExhaustedError({}), "QuotaExhausted", false],
    [new AiError.RateLimitError({}), "RateLimited", true],
    [new AiError.InternalProviderError({ description: "Server error" }), "Overloaded", true],
    [new AiError.ContentPolicyError({ description: "no" }), "Refused", false],
    [network("socket hang up"), "Disconnected", true],
    [network("connect ECONNREFUSED 127.0.0.1:1"), "Unreachable", true],
    [
      network("fetch failed", Object.assign(new Error("fetch failed"), { cause: { code: "ENOTFOUND" } })),
      "Unreachable",
      true
    ],
    [new AiError.NetworkError({ reason: "InvalidUrlError", method: "POST", url: "x" }), "Protocol", false],
    [new AiError.InvalidRequestError({ description: "bad" }), "Protocol", false],
    [
      new AiError.InvalidRequestError({ description: "This model's maximum context length is 8192 tokens." }),
      "ContextOverflow",
      false
    ],
    [
      new AiError.InvalidRequestError({ description: "prompt is too long: 210000 tokens > 200000 maximum" }),
      "ContextOverflow",
      false
    ],
    [new AiError.UnknownError(http(413)), "ContextOverflow", false],
    [new AiError.UnknownError(http(404)), "UnknownModel", false],
    [new AiError.UnknownError(http(402)), "QuotaExhausted", false],
    [new AiError.UnknownError({}), "Protocol", false],
    [new AiError.InvalidOutputError({ description: "no such part" }), "Protocol", false],
    [new AiError.ToolNotFoundError({ toolName: "x", availableTools: [] }), "Protocol", false]
  ]
  for (const [reason, expected, retryable] of cases) {
    it(`${reason._tag}${"description" in reason && reason.description ? ` (${reason.description.slice(0, 30)})` : ""} is ${expected}`, () => {
      const error = from(reason)
      assert.deepStrictEqual([error.reason, error.isRetryable], [expected, retryable])
      assert.match(
        error.message,
        /^Model m of p: \w+\. .+[.!?] \S.+\.$/,
        "The message does not say what, where and how to mend it"
      )
    })
  }

  it("keeps how long to wait, in milliseconds, wherever the provider said it", () => {
    assert.strictEqual(from(new AiError.RateLimitError({ retryAfter: Duration.seconds(3) })).retryAfter, 3_000)
    const waits = [
      [{ "retry-after": "2" }, 2_000],
      [{ "retry-after": "0.5" }, 500],
      [{ "retry-after-ms": "120", "retry-after": "1" }, 120],
      [{ "retry-after": "Wed, 21 Oct 2026 07:28:10 GMT", date: "Wed, 21 Oct 2026 07:28:00 GMT" }, 10_000],
      [{ "retry-after": "soon" }, undefined],
      [{ "retry-after": "-5" }, undefined],
      [{}, undefined]
    ] as const
    for (const [headers, wait] of waits) {
      const error = from(new AiError.InternalProviderError({ description: "busy", ...http(503, headers) }))
      assert.strictEqual(error.retryAfter, wait, JSON.stringify(headers))
    }
  })

  it("takes keys out of what the provider says, and bounds it", () => {
    const key = "sk-ant-REPLACED0123456789abcdefghij"
    const error = from(
      new AiError.AuthenticationError({ kind: "InvalidKey", description: `bad key ${key} ${"x".repeat(5_000)}` })
    )
    assert.notInclude(error.message, key)
    assert.isBelow(error.message.length, 1_000)
  })
})

it("Model.usage gives kinds that do not overlap, whatever the provider leaves out", () => {
  const of = (inputTokens: object, outputTokens: object) =>
    Model.usage(new Response.Usage({ inputTokens, outputTokens }))
  assert.deepStrictEqual(of({}, {}), { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 })
  assert.deepStrictEqual(of({ total: 100, cacheRead: 60 }, { total: 5 }), {
    input: 40,
    cacheRead: 60,
    cacheWrite: 0,
    output: 5
  })
  assert.deepStrictEqual(of({ uncached: 7, total: 100 }, { text: 2, reasoning: 3 }), {
    input: 7,
    cacheRead: 0,
    cacheWrite: 0,
    output: 5
  })
})

describe("ProviderTwin", () => {
  const apiKey = Redacted.make("any")
  const script: ProviderTwin.Script = {
    conversations: [
      { role: "Implement", when: { promptIncludes: "test failed" }, turns: [{ text: "second attempt" }] },
      {
        role: "Implement",
        turns: [{ calls: [{ tool: "edit", arguments: { path: "a" } }] }, { text: "first attempt" }]
      },
      { role: "Review", turns: [{ text: "looks good" }] }
    ]
  }
  const prompt = (role: string, text: string): Prompt.Prompt =>
    Prompt.make([
      { role: "system", content: `Role: ${role}\nDo it.` },
      { role: "user", content: text }
    ])
  const clients = (twin: ProviderTwin.ProviderTwin) =>
    Effect.all([
      AnthropicModel.make({ apiKey, model: "m", baseUrl: twin.anthropicUrl }),
      OpenAiModel.make({ apiKey, model: "m", baseUrl: twin.openAiUrl })
    ])
  const ask = (model: Model.Model, said: Prompt.Prompt) =>
    Stream.runCollect(
      model.languageModel.streamText({ prompt: said, disableToolCallResolution: true, toolCallValidation: "deferred" })
    )
  const text = (parts: ReadonlyArray<Response.AnyPart>) =>
    parts.map((part) => (part.type === "text-delta" ? part.delta : "")).join("")

  it("a script is data: JSON decodes to it, and what it does not know is said", () => {
    assert.deepStrictEqual(Schema.decodeUnknownSync(ProviderTwin.Script)(JSON.parse(JSON.stringify(script))), script)
    assert.throws(
      () => Schema.decodeUnknownSync(ProviderTwin.Script)({ conversations: [{ turns: [{ calls: [{}] }] }] }),
      /tool/
    )
  })

  it.live("plays by role, by turn and by what the prompt holds, in both protocols", () =>
    Effect.gen(function* () {
      const twin = yield* ProviderTwin.make({ script })
      for (const model of yield* clients(twin)) {
        const first = yield* ask(model, prompt("Implement", "Fix it."))
        const call = first.find((part) => part.type === "tool-call")
        const next = Prompt.concat(Prompt.concat(prompt("Implement", "Fix it."), Prompt.fromResponseParts(first)), [
          {
            role: "tool",
            // The result of a tool is not what the user said: it does not start another conversation.
            content: [
              { type: "tool-result", id: call?.id ?? "", name: "edit", isFailure: false, result: "test failed" }
            ]
          }
        ])
        assert.strictEqual(text(yield* ask(model, next)), "first attempt")
        assert.strictEqual(text(yield* ask(model, prompt("Implement", "Fix it. The test failed."))), "second attempt")
        assert.strictEqual(text(yield* ask(model, prompt("Review", "Look."))), "looks good")
      }
      const requests = yield* twin.requests
      assert.deepStrictEqual(
        requests.map(({ outcome, role, turn }) => [role, turn, outcome]),
        [0, 1].flatMap(() => [
          ["Implement", 0, "answered"],
          ["Implement", 1, "answered"],
          ["Implement", 0, "answered"],
          ["Review", 0, "answered"]
        ])
      )
    }).pipe(Effect.scoped)
  )

  it.live("says what the script lacks, as a fault that trying again does not help", () =>
    Effect.gen(function* () {
      const twin = yield* ProviderTwin.make({ script })
      for (const model of yield* clients(twin)) {
        const fail = (said: Prompt.Prompt) =>
          Effect.map(Effect.flip(ask(model, said)), (error) => Model.fromAiError(error, call))
        const unknown = yield* fail(prompt("Triage", "hi"))
        assert.deepStrictEqual(
          [unknown.reason, unknown.message.includes("no conversation for the role Triage, and some for ")],
          ["Protocol", true],
          unknown.message
        )
        const over = yield* fail(
          Prompt.concat(prompt("Review", "hi"), [
            { role: "assistant", content: "x" },
            { role: "user", content: "y" }
          ])
        )
        assert.include(over.message, "1 turns for the role Review, and the request asks for turn 2. Add it")
      }
    }).pipe(Effect.scoped)
  )

  it.live("breaks only the role that it is told to, and answers slowly when it is told to", () =>
    Effect.gen(function* () {
      const twin = yield* ProviderTwin.make({ script })
      for (const model of yield* clients(twin)) {
        yield* twin.breakNext([{ _tag: "Refuse", status: 500 }], "Review")
        yield* twin.breakNext([{ _tag: "Slow", delay: 2 }], "Implement")
        assert.strictEqual(text(yield* ask(model, prompt("Implement", "test failed"))), "second attempt")
        yield* Effect.flip(ask(model, prompt("Review", "Look.")))
        assert.strictEqual(text(yield* ask(model, prompt("Review", "Look."))), "looks good")
      }
    }).pipe(Effect.scoped)
  )

  it.live("serves 20 conversations at once without mixing them up", () =>
    Effect.gen(function* () {
      const names = Array.from({ length: 20 }, (_, index) => `Role${index}`)
      const twin = yield* ProviderTwin.make({
        script: { conversations: names.map((name) => ({ role: name, turns: [{ text: `I am ${name}.` }] })) }
      })
      const [model] = yield* clients(twin)
      const said = yield* Effect.forEach(names, (name) => ask(model, prompt(name, "Who?")), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        said.map(text),
        names.map((name) => `I am ${name}.`)
      )
    }).pipe(Effect.scoped)
  )
})
