/**
 * What every model adapter holds to, over the wire against the provider twin. An adapter proves itself with one line:
 *
 * ```text
 * ModelTest.suite("MyModel", { make: ({ apiKey, model, twin }) => MyModel.make({ apiKey, model, baseUrl: twin.openAiUrl }) })
 * ```
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { inspect } from "node:util"
import * as Model from "../Model.ts"
import * as Usage from "../Usage.ts"
import * as CacheClaims from "./CacheClaims.ts"
import * as LoadingClaims from "./LoadingClaims.ts"
import * as Lab from "./ModelLab.ts"
import * as PlainClaims from "./PlainClaims.ts"
import * as ProbeClaims from "./ProbeClaims.ts"
import * as ProviderTwin from "./ProviderTwin.ts"

/** Registers the tests of a model adapter with vitest. Every test has a twin of its own. */
export const suite = (name: string, options: Lab.Options): void => {
  describe(name, () => {
    const test = (title: string, body: (lab: Lab.Lab) => Effect.Effect<void, unknown, Scope.Scope>) =>
      // The real clock: the wire does not wait for a test clock.
      it.live(title, () => Effect.scoped(Effect.flatMap(Lab.open(options), body)))

    describe("answers", () => {
      test("text comes in pieces, in order, and ends with the reason", text)
      test("a whole answer is the streamed one", wholeText)
      test("a tool call comes with its parameters, in pieces and whole", toolCall)
      test("tool calls of one answer keep their order and have ids of their own", parallelCalls)
      test("a tool without arguments gets an empty object", noArguments)
      test("the result of a tool goes back under the id of its call", roundTrip)
      test("a failed tool tells the model so", failedTool)
      test("reasoning is read, and replayed where the protocol can", reasoning)
      test("an image reaches the model, another file leaves a note", files)
      test("an object is asked for by its schema and decoded", structured)
    })
    describe("hostile answers", () => {
      test("arguments that are no JSON reach the caller as text, and the next turn works", malformed)
      test("a call of a tool that nobody offered reaches the caller", unknownTool)
      test("an answer that is cut anywhere is never taken for a short one", cutAnywhere)
    })
    describe("usage", () => {
      test("is what the provider reports, by kind", reportedUsage)
      for (const { holds, name } of CacheClaims.claims) test(name, holds)
    })
    describe("failures", () => {
      test("a wrong key is Unauthorized and stands nowhere", unauthorized)
      test("an unknown model is UnknownModel", unknownModel)
      test("429 is RateLimited, keeps Retry-After, is not tried again, and then works", rateLimited)
      test("529 and 500 are Overloaded and keep Retry-After", overloaded)
      test("a prompt that is too long is ContextOverflow", overflow)
      test("no money is QuotaExhausted, a refused request is Protocol", refused)
      test("a connection that closes without an answer is Disconnected", dropped)
      test("a port where nothing listens is Unreachable", unreachable(options))
    })
    describe("a conversation that goes on", () => {
      for (const { holds, name } of LoadingClaims.claims) test(name, holds)
    })
    describe("a probe", () => {
      for (const { holds, name } of ProbeClaims.claims(options)) test(name, holds)
    })
    describe("a plain answer", () => {
      for (const { holds, name } of PlainClaims.claims) test(name, holds)
    })
    test("interruption closes the connection", interruption)
  })
}

const sentence = "In Bern the sun shines today, and it will go on shining until the evening."

const text = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* Lab.play(lab, { text: sentence })
  const parts = yield* Lab.ask(lab.model)
  const types = parts.map(({ type }) => type).filter((type) => type.startsWith("text"))
  assert.strictEqual(Lab.textIn(parts), sentence, "The pieces do not make up the text")
  assert.isAbove(types.length, 4, "The text came in one piece: it was not streamed")
  assert.deepStrictEqual([types[0], types.at(-1)], ["text-start", "text-end"], "The pieces are not framed")
  assert.isTrue(
    types.slice(1, -1).every((type) => type === "text-delta"),
    "Something stands between the pieces"
  )
  assert.strictEqual(Lab.finishOf(parts).reason, "stop")
})

const wholeText = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* Lab.play(lab, { text: sentence, calls: [{ tool: "weather", arguments: { city: "Bern" } }] })
  const answer = yield* lab.model.languageModel.generateText({
    prompt: Lab.question,
    toolkit: Lab.toolkit,
    disableToolCallResolution: true,
    toolCallValidation: "deferred"
  })
  assert.strictEqual(answer.text, sentence)
  assert.deepStrictEqual(
    answer.toolCalls.map(({ params }) => params),
    [{ city: "Bern" }]
  )
  assert.isAbove(Usage.total(Model.usage(answer.usage)), 0, "The usage got lost")
})

const toolCall = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const params = { city: 'Zürich "HB" \n 🚆', days: 3 }
  yield* Lab.play(lab, { text: "I look.", calls: [{ tool: "weather", arguments: params }] })
  const parts = yield* Lab.ask(lab.model)
  const call = Lab.callsIn(parts)[0]
  assert.strictEqual(call?.name, "weather")
  assert.deepStrictEqual(call?.params, params)
  const json = parts
    .map((part) => (part.type === "tool-params-delta" && part.id === call?.id ? part.delta : ""))
    .join("")
  assert.deepStrictEqual(JSON.parse(json), params, "The pieces of the parameters do not make them up")
  assert.strictEqual(Lab.finishOf(parts).reason, "tool-calls")
  const body = yield* Lab.bodyOf(lab, 0)
  assert.include(body, "The weather of a city", "The model was not told what the tool is for")
})

const parallelCalls = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const cities = ["Bern", "Basel", "Chur"]
  yield* Lab.play(lab, { calls: cities.map((city) => ({ tool: "weather", arguments: { city } })) })
  const calls = Lab.callsIn(yield* Lab.ask(lab.model))
  assert.deepStrictEqual(
    calls.map(({ params }) => params),
    cities.map((city) => ({ city }))
  )
  assert.strictEqual(new Set(calls.map(({ id }) => id)).size, 3, "Two calls have one id")
})

const noArguments = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* Lab.play(lab, { calls: [{ tool: "today" }, { tool: "today", raw: "" }] })
  assert.deepStrictEqual(
    Lab.callsIn(yield* Lab.ask(lab.model)).map(({ params }) => params),
    [{}, {}]
  )
})

const roundTrip = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* Lab.play(
    lab,
    { text: "I look.", calls: [{ tool: "weather", arguments: { city: "Bern" } }, { tool: "today" }] },
    { text: sentence }
  )
  const first = yield* Lab.ask(lab.model)
  const second = yield* Lab.ask(lab.model, Lab.answered(first, "sunny, 23 degrees"))
  assert.strictEqual(
    Lab.textIn(second),
    sentence,
    "The second turn was not played: the first one did not go back as an answer"
  )
  const body = yield* Lab.bodyOf(lab, 1)
  for (const { id } of Lab.callsIn(first)) {
    assert.strictEqual(body.split(id).length - 1, 2, `The call ${id} and its result do not both stand in the request`)
  }
  assert.include(body, "sunny, 23 degrees")
  assert.include(body, "I look.", "What the model said beside the call got lost")
})

const failedTool = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* Lab.play(lab, { calls: [{ tool: "today" }] }, { text: "ok" })
  yield* Lab.ask(lab.model, Lab.answered(yield* Lab.ask(lab.model), "no such city", true))
  assert.match(
    yield* Lab.bodyOf(lab, 1),
    /"is_error":true|Error: no such city/,
    "The model can not see that the tool failed"
  )
})

const reasoning = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const thought = "The user wants the weather, so I look it up."
  yield* Lab.play(lab, { reasoning: thought, calls: [{ tool: "today" }] }, { text: "ok" })
  const first = yield* Lab.ask(lab.model)
  const read = first.map((part) => (part.type === "reasoning-delta" ? part.delta : "")).join("")
  assert.strictEqual(read, thought)
  yield* Lab.ask(lab.model, Lab.answered(first, "Monday"))
  const body = yield* Lab.bodyOf(lab, 1)
  assert.strictEqual(
    body.includes(thought),
    lab.model.supports.reasoningReplay,
    "The adapter does not do what supports.reasoningReplay says"
  )
})

const files = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* Lab.play(lab, { text: "A picture." })
  yield* Lab.ask(lab.model, [
    Lab.system,
    {
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "file", mediaType: "image/png", data: new Uint8Array([137, 80, 78, 71]) },
        { type: "file", mediaType: "video/mp4", fileName: "film.mp4", data: new Uint8Array([1]) }
      ]
    }
  ])
  const body = yield* Lab.bodyOf(lab, 0)
  assert.include(body, "iVBORw==", "The image did not reach the model")
  assert.include(body, "film.mp4, video/mp4", "The model was not told that a file was left out")
})

const structured = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* Lab.play(lab, { text: JSON.stringify({ kind: "bug", size: 3 }) })
  const { value } = yield* lab.model.languageModel.generateObject({
    prompt: Lab.question,
    objectName: "Triage",
    schema: Schema.Struct({ kind: Schema.Literals(["bug", "feature"]), size: Schema.Int })
  })
  assert.deepStrictEqual(value, { kind: "bug", size: 3 })
  assert.include(yield* Lab.bodyOf(lab, 0), '"feature"', "The schema was not sent")
})

const malformed = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const raw = '{"city": "Bern", "days": '
  yield* Lab.play(
    lab,
    {
      calls: [
        { tool: "weather", raw },
        { tool: "weather", arguments: { city: "Chur" } }
      ]
    },
    { text: "Sorry." }
  )
  const first = yield* Lab.ask(lab.model)
  assert.deepStrictEqual(
    Lab.callsIn(first).map(({ params }) => params),
    [raw, { city: "Chur" }]
  )
  assert.strictEqual(
    Lab.textIn(yield* Lab.ask(lab.model, Lab.answered(first, "The arguments are no JSON.", true))),
    "Sorry."
  )
  assert.include(yield* Lab.bodyOf(lab, 1), "INVALID_JSON", "The model can not see what it wrote")
})

const unknownTool = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* Lab.play(lab, { calls: [{ tool: "rm_rf", arguments: { path: "/" } }] })
  const call = Lab.callsIn(yield* Lab.ask(lab.model))[0]
  assert.deepStrictEqual([call?.name, call?.params], ["rm_rf", { path: "/" }])
})

const cutAnywhere = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* Lab.play(lab, { text: sentence, calls: [{ tool: "weather", arguments: { city: "Bern" } }] })
  let cuts = 0
  for (const how of ["reset", "end", "inside"] as const) {
    for (let after = 0; after < 14; after++) {
      yield* lab.twin.breakNext([{ _tag: "Cut", after, how }])
      const result = yield* Effect.result(Lab.ask(lab.model))
      if (result._tag === "Success") {
        assert.deepStrictEqual(
          Lab.callsIn(result.success).map(({ params }) => params),
          [{ city: "Bern" }],
          `Cut (${how}) after ${after} events: the answer is short`
        )
        assert.strictEqual(
          Lab.textIn(result.success),
          sentence,
          `Cut (${how}) after ${after} events: the text is short`
        )
      } else {
        cuts++
        const error = Model.fromAiError(result.failure, { model: lab.model.name, provider: lab.model.provider })
        assert.strictEqual(error.reason, "Disconnected", `Cut (${how}) after ${after} events: ${error.message}`)
        assert.isTrue(error.isRetryable, "A cut answer can be asked for again")
      }
    }
  }
  assert.isAbove(cuts, 24, "The twin did not cut")
})

const reportedUsage = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const usage = { input: 11, cacheRead: 2_200, cacheWrite: lab.model.supports.cacheWrites ? 333 : 0, output: 44 }
  yield* Lab.play(lab, { text: "ok", usage })
  assert.deepStrictEqual(Model.usage(Lab.finishOf(yield* Lab.ask(lab.model)).usage), usage)
})

const unauthorized = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const wrong = "wrong-key-9876543210-fedcba"
  const error = yield* Lab.failure(yield* lab.other({ apiKey: wrong }))
  assert.strictEqual(error.reason, "Unauthorized", error.message)
  assert.isFalse(error.isRetryable)
  assert.include(error.message, lab.model.provider)
  yield* Lab.play(lab, { text: "ok" })
  yield* Lab.ask(lab.model)
  const requests = yield* lab.twin.requests
  for (const secret of [wrong, Lab.key]) {
    assert.notInclude(inspect(error, { depth: 12, showHidden: true }), secret, "The error holds a key")
    assert.notInclude(JSON.stringify(requests), secret, "The body or the path of a request holds a key")
    assert.notInclude(inspect(lab.model, { depth: 12 }), secret, "The model shows its key")
  }
})

const unknownModel = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const error = yield* Lab.failure(yield* lab.other({ model: "no-such-model" }))
  assert.strictEqual(error.reason, "UnknownModel", error.message)
  assert.include(error.message, "no-such-model")
})

const rateLimited = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* Lab.play(lab, { text: sentence })
  yield* lab.twin.breakNext([{ _tag: "Refuse", status: 429, retryAfter: 7 }])
  const error = yield* Lab.failure(lab.model)
  assert.deepStrictEqual(
    [error.reason, error.isRetryable, error.retryAfter],
    ["RateLimited", true, 7_000],
    error.message
  )
  assert.lengthOf(yield* lab.twin.requests, 1, "The SDK tried again by itself")
  assert.strictEqual(Lab.textIn(yield* Lab.ask(lab.model)), sentence)
})

const overloaded = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* lab.twin.breakNext([
    { _tag: "Refuse", status: 529, retryAfter: 3 },
    { _tag: "Refuse", status: 500 }
  ])
  const first = yield* Lab.failure(lab.model)
  assert.deepStrictEqual(
    [first.reason, first.isRetryable, first.retryAfter],
    ["Overloaded", true, 3_000],
    first.message
  )
  const second = yield* Lab.failure(lab.model)
  assert.deepStrictEqual(
    [second.reason, second.isRetryable, second.retryAfter],
    ["Overloaded", true, undefined],
    second.message
  )
})

const overflow = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const error = yield* Lab.failure(lab.model, [Lab.system, Lab.user("much too long ".repeat(2_000))])
  assert.deepStrictEqual([error.reason, error.isRetryable], ["ContextOverflow", false], error.message)
})

const refused = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* lab.twin.breakNext([
    { _tag: "Refuse", status: 402 },
    { _tag: "Refuse", status: 400, message: "tools.0.name: bad" }
  ])
  assert.strictEqual((yield* Lab.failure(lab.model)).reason, "QuotaExhausted")
  const error = yield* Lab.failure(lab.model)
  assert.strictEqual(error.reason, "Protocol")
  assert.include(error.message, "tools.0.name: bad", "What the provider said got lost")
})

const dropped = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* lab.twin.breakNext([{ _tag: "Drop" }])
  const error = yield* Lab.failure(lab.model)
  assert.deepStrictEqual([error.reason, error.isRetryable], ["Disconnected", true], error.message)
})

const unreachable = (options: Lab.Options) =>
  Effect.fnUntraced(function* () {
    const twin = yield* Effect.scoped(ProviderTwin.make({ script: { conversations: [] } }))
    const error = yield* Lab.failure(
      yield* options.make({ twin, apiKey: Redacted.make(Lab.key), model: options.model ?? Lab.known })
    )
    assert.deepStrictEqual([error.reason, error.isRetryable], ["Unreachable", true], error.message)
    assert.include(error.message, "127.0.0.1", "The message does not say where")
  })

const interruption = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* Lab.play(lab, { text: sentence })
  yield* lab.twin.breakNext([{ _tag: "Stall", after: 4 }])
  const started = yield* Deferred.make<void>()
  let length = 0
  const fiber = yield* Effect.forkChild(
    Stream.runForEach(Lab.stream(lab.model), (part) => {
      length += part.type === "text-delta" ? part.delta.length : 0
      // By now the next read waits for what does not come.
      return length >= 48 ? Deferred.succeed(started, undefined) : Effect.void
    })
  )
  yield* Deferred.await(started)
  yield* Effect.yieldNow
  yield* Fiber.interrupt(fiber)
  const hungUp = yield* Effect.timeoutOption(lab.twin.hungUp, "5 seconds")
  assert.isTrue(Option.isSome(hungUp), "The connection stays open: the provider goes on and charges for it")
  assert.strictEqual((yield* lab.twin.requests)[0]?.outcome, "hung-up")
})
