/** What every model adapter holds to about the prompt cache of its provider: what was paid for once is read from then on. */
import { assert } from "@effect/vitest"
import * as Prompt from "effect/ai/Prompt"
import * as Effect from "effect/Effect"
import * as Model from "../Model.ts"
import * as Usage from "../Usage.ts"
import * as Lab from "./ModelLab.ts"
import type * as ProbeClaims from "./ProbeClaims.ts"

/** More than a provider has to look at, from the end of a request backward, to find the end of the one before. */
const many = 24

/** Longer than what a provider caches at least. */
const opening = Prompt.make([Lab.system, Lab.user("Tell me the weather of every day. ".repeat(140))])

/** What is said behind an answer: a result for each call, and so many texts. */
const followed = (prompt: Prompt.Prompt, parts: Lab.Parts, texts: number): Prompt.Prompt =>
  Prompt.concat(Prompt.concat(prompt, Prompt.fromResponseParts(parts)), [
    {
      role: "tool",
      content: Lab.callsIn(parts).map(
        ({ id, name }) => ({ type: "tool-result", id, name, isFailure: false, result: "Monday" }) as const
      )
    },
    {
      role: "user",
      content: Array.from({ length: texts }, (_, at) => ({ type: "text", text: `Note ${at} of ${texts}.` }) as const)
    }
  ])

/** The provider counts what it caches in steps of this, in tokens, where it caches by itself. */
const step = 128

const reads = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const call = { tool: "today" }
  yield* Lab.play(lab, { calls: [call] }, { calls: Array.from({ length: many }, () => call) }, { calls: [call] }, {})
  let prompt = opening
  let before = Usage.zero
  for (const [at, texts] of [1, many, 1, 0].entries()) {
    const parts = yield* Lab.ask(lab.model, prompt)
    const usage = Model.usage(Lab.finishOf(parts).usage)
    const sent = before.input + before.cacheRead + before.cacheWrite
    const lost = sent - usage.cacheRead
    assert.isBelow(
      lost,
      lab.model.supports.cacheWrites ? 1 : step,
      `Request ${at + 1} does not read ${lost} of the ${sent} tokens of the one before it: a mark of the cache is missing`
    )
    assert.strictEqual(usage.cacheWrite > 0, lab.model.supports.cacheWrites, "Not what supports.cacheWrites says")
    before = usage
    prompt = followed(prompt, parts, texts)
  }
})

/** Every promise, as an effect that fails where it is broken. */
export const claims: ReadonlyArray<ProbeClaims.Claim> = [
  { name: "each turn reads all of the one before it from the cache, however many blocks joined", holds: reads }
]
