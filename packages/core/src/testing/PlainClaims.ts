/** What every model holds to that gives plain answers: they are those of its `LanguageModel`. Whoever gives none has nothing to hold to. */
import { assert } from "@effect/vitest"
import type * as Response from "effect/ai/Response"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Model from "../Model.ts"
import * as Lab from "./ModelLab.ts"
import type * as ProbeClaims from "./ProbeClaims.ts"

const tools = Object.values(Lab.toolkit.tools)

const plain = ({ answer }: Model.Model) =>
  answer === undefined ? undefined : Stream.runCollect(answer({ prompt: Lab.question, tools }))

/** A part without the names that each answer has of its own. */
const bare = (part: Response.AnyPart): unknown =>
  JSON.parse(
    JSON.stringify(part, (key, value: unknown) => (/^(?:id|metadata|timestamp)$/.test(key) ? undefined : value))
  )

const same = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const asked = plain(lab.model)
  if (asked === undefined) return
  const turn = {
    text: "It is sunny.",
    calls: [
      { tool: "weather", arguments: { city: "Bern", days: 1 } },
      // Not what the tool takes, and a tool that nobody has: both are for whoever asked to tell.
      { tool: "weather", arguments: { city: 7 } },
      { tool: "nobody_has_it", arguments: {} }
    ]
  }
  yield* Lab.play(lab, turn, turn)
  const whole = yield* Lab.ask(lab.model)
  yield* Lab.play(lab, turn, turn)
  const parts = yield* asked
  assert.deepStrictEqual(parts.map(bare), whole.map(bare), "a plain answer is another one")
  const [first, second] = [yield* Lab.bodyOf(lab, -2), yield* Lab.bodyOf(lab, -1)]
  assert.strictEqual(second, first, "a plain answer is asked for in another way")
})

const fails = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const asked = plain(yield* lab.other({ apiKey: "another-key" }))
  if (asked === undefined) return
  const error = yield* Effect.flip(asked)
  const { reason } = Model.fromAiError(error, { model: lab.model.name, provider: lab.model.provider })
  assert.strictEqual(reason, "Unauthorized", "a plain answer fails in another way")
})

/** Every promise, as an effect that fails where it is broken. */
export const claims: ReadonlyArray<ProbeClaims.Claim> = [
  { name: "is part by part that of the language model", holds: same },
  { name: "fails as that of the language model", holds: fails }
]
