import { assert, describe, it } from "@effect/vitest"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import type * as Schema from "effect/Schema"
import * as CacheMark from "../../src/internal/CacheMark.ts"
import * as ChatBlocks from "../../src/internal/ChatBlocks.ts"
import * as Model from "@millwright/core/Model"
import * as Lab from "@millwright/core/testing/ModelLab"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Prompt from "effect/ai/Prompt"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

const of = (model: string): Lab.Options => ({
  model,
  make: ({ apiKey, model, twin }) => OpenAiModel.make({ apiKey, model, baseUrl: twin.openAiUrl, rehearsed: true })
})

/** Instructions that are long enough to be cached. */
const instructions = { role: "system", content: `Role: Tester\n${"Answer in one sentence. ".repeat(200)}` } as const

/** What each of two conversations with the same instructions reads, writes and neither. */
const two = Effect.fnUntraced(function* (model: string) {
  const lab = yield* Lab.open(of(model))
  yield* lab.twin.play({ conversations: [{ turns: [{ text: "ok" }] }] })
  const usages: Array<ReturnType<typeof Model.usage>> = []
  for (const asked of ["What is the weather in Bern?", "What is the weather in Basel?"]) {
    const parts = yield* Lab.ask(lab.model, Prompt.make([instructions, Lab.user(asked)]))
    usages.push(Model.usage(Lab.finishOf(parts).usage))
  }
  const bodies = (yield* lab.twin.requests).map(({ body }) => JSON.stringify(body))
  return { usages, bodies }
}, Effect.scoped)

describe("the cache of OpenAI's models", () => {
  it.live(
    "from GPT-5.6 on is marked behind the system prompt, so that the next conversation reads it and the tools",
    () =>
      Effect.gen(function* () {
        const { bodies, usages } = yield* two("gpt-5.6")
        const [first, second] = usages
        assert.isAbove(first?.cacheWrite ?? 0, 1_200)
        assert.strictEqual(first?.cacheRead, 0)
        assert.isAbove(second?.cacheRead ?? 0, 1_200, "The second conversation reads nothing of the first")
        assert.isBelow(second?.cacheWrite ?? 0, 100)
        assert.isAbove(second?.cacheWrite ?? 0, 0, "What is new is written at the mark of the API")
        for (const body of bodies) assert.lengthOf(body.match(/prompt_cache_breakpoint/g) ?? [], 1)
      })
  )

  it.live("before GPT-5.6 has no marks, and tells no writes", () =>
    Effect.gen(function* () {
      const { bodies, usages } = yield* two("gpt-5.5")
      assert.deepStrictEqual(
        usages.map(({ cacheWrite }) => cacheWrite),
        [0, 0]
      )
      for (const body of bodies) assert.notInclude(body, "prompt_cache")
    })
  )

  it("is one of marks by the name of the model", () => {
    for (const name of ["gpt-5.6", "gpt-5.6-luna", "gpt-5.10", "gpt-6", "gpt-6.1-mini", "openai/gpt-5.6"]) {
      assert.isTrue(CacheMark.isTakenBy(name), name)
    }
    for (const name of ["gpt-5", "gpt-5.5", "gpt-5-mini", "gpt-4.6", "gpt-4o", "gpt-35-turbo", "gpt-oss-120b", "o9"]) {
      assert.isFalse(CacheMark.isTakenBy(name), name)
    }
  })

  it.live("is one of marks behind other servers only where the caller says so", () =>
    Effect.gen(function* () {
      const made = (changes: { readonly provider?: string; readonly cacheMarks?: boolean }) =>
        Effect.map(
          OpenAiModel.make({ apiKey: Redacted.make("none"), model: "gpt-5.6", ...changes }),
          ({ supports }) => supports.cacheWrites
        )
      assert.isTrue(yield* made({}))
      assert.isFalse(yield* made({ cacheMarks: false }))
      assert.isFalse(yield* made({ provider: "openrouter" }))
      assert.isTrue(yield* made({ provider: "openrouter", cacheMarks: true }))
    })
  )

  it("writes at the last message and three marks, or at four marks alone where the caller wants that", () => {
    const said = (role: string, isMarked = false) => ({
      role,
      content: [{ type: "text", text: "So.", ...(isMarked ? CacheMark.breakpoint : {}) }]
    })
    const marks = (body: Schema.JsonObject) => ChatBlocks.of(body).flatMap(({ isMarked }, at) => (isMarked ? [at] : []))
    const tools = [{ type: "function" }]
    const marked = Array.from({ length: 5 }, () => said("user", true))
    const manual = { prompt_cache_options: { mode: "explicit" } }
    assert.deepStrictEqual(marks({ tools, messages: [said("system", true), said("user"), said("assistant")] }), [1, 2])
    assert.deepStrictEqual(marks({ messages: [...marked, said("user")] }), [2, 3, 4, 5])
    assert.deepStrictEqual(marks({ ...manual, messages: [...marked, said("user")] }), [1, 2, 3, 4])
    assert.deepStrictEqual(marks({ ...manual, messages: [said("user")] }), [])
  })

  it("is refused marks by models that take none, and on answers", () => {
    const said = (role: string, model: string) =>
      ProviderTwin.refusal("openai", {
        model,
        messages: [
          { role: "user", content: "Go." },
          { role, content: [{ type: "text", text: "So.", ...CacheMark.breakpoint }] }
        ]
      })
    assert.isUndefined(said("user", "gpt-5.6"))
    assert.match(said("user", "gpt-5.5") ?? "", /Unknown parameter: 'messages\[1\]/)
    assert.isDefined(said("assistant", "gpt-5.6"))
  })
})
