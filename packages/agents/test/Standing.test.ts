import { assert, describe, it } from "@effect/vitest"
import * as Prompt from "effect/ai/Prompt"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Standing from "../src/loop/Standing.ts"
import * as Transcript from "../src/loop/Transcript.ts"
import type * as SessionEntry from "../src/SessionEntry.ts"
import * as Lab from "./adapters/LoopLab.ts"

const usage = { input: 100, cacheRead: 800, cacheWrite: 100, output: 50 }
const said = (text: string): SessionEntry.Body => ({
  _tag: "Said",
  by: "task",
  message: Prompt.userMessage({ content: [Prompt.textPart({ text })] })
})
const routed = (candidate: string): SessionEntry.Body => ({
  _tag: "Routed",
  candidate,
  why: "Begun",
  hasStronger: true
})
const answered: SessionEntry.Body = {
  _tag: "Answered",
  messages: [
    Prompt.assistantMessage({
      content: [Prompt.toolCallPart({ id: "1", name: "look", params: {}, providerExecuted: false })]
    })
  ],
  model: "m",
  usage,
  isCut: false
}
const returned = (image: boolean): SessionEntry.Body => ({
  _tag: "Returned",
  part: Prompt.toolResultPart({
    id: "1",
    name: "look",
    isFailure: true,
    result: "x".repeat(400),
    providerExecuted: false,
    ...(image && { modelOutput: [Prompt.makePart("file", { data: new Uint8Array(8), mediaType: "image/png" })] })
  })
})

const of = (...bodies: ReadonlyArray<SessionEntry.Body>) =>
  Standing.of({
    request: Lab.request(),
    conversation: {
      transcript: Transcript.of(bodies.map((body, at) => ({ id: String(at), parent: null, at: 0, body })))
    }
  })

describe("where a conversation stands", () => {
  it.effect("counts what the provider counted, and estimates what came since", () =>
    Effect.gen(function* () {
      const frames = 8
      assert.strictEqual((yield* of(said("x".repeat(400)))).context, 100 + frames)
      const { context, tools } = yield* of(said("y".repeat(9_000)), routed("a/b"), answered, returned(false))
      assert.strictEqual(context, 1_000 + 50 + 100 + frames)
      const pictured = yield* of(said("y"), routed("a/b"), answered, returned(true))
      assert.isAbove(pictured.context, 1_050 + 1_000, "a picture takes no room")
      assert.deepStrictEqual(tools, [{ tool: "look", ok: false }])
    })
  )

  it.effect("has in the cache what its model read, for as long as that model has it and the cache holds", () =>
    Effect.gen(function* () {
      const cached = (...bodies: ReadonlyArray<SessionEntry.Body>) =>
        Effect.map(of(said("x"), ...bodies), ({ current }) => current)
      assert.isUndefined(yield* cached())
      assert.deepStrictEqual(yield* cached(routed("a/b")), { candidate: "a/b", cached: 0 })
      assert.deepStrictEqual(yield* cached(routed("a/b"), answered), { candidate: "a/b", cached: 1_000 })
      assert.deepStrictEqual(yield* cached(routed("a/b"), answered, routed("c/d")), { candidate: "c/d", cached: 0 })
      yield* TestClock.adjust("301 seconds")
      assert.deepStrictEqual(yield* cached(routed("a/b"), answered), { candidate: "a/b", cached: 0 })
    })
  )

  it.effect("needs who sees pictures where there is one", () =>
    Effect.gen(function* () {
      assert.isFalse((yield* of(said("x"), answered, returned(false))).hasImages)
      assert.isTrue((yield* of(said("x"), answered, returned(true))).hasImages)
    })
  )
})
