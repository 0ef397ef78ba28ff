/**
 * What every choice of models holds to. An adapter proves itself with one line:
 *
 * ```text
 * ModelChoiceTest.suite("MyChoice", MyChoice.layer({ … }), NodeServices.layer)
 * ```
 */
import { assert, describe, it } from "@effect/vitest"
import * as Model from "@millwright/core/Model"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Harness from "../Harness.ts"
import * as ModelChoice from "../ModelChoice.ts"

type Choice = ModelChoice.ModelChoice["Service"]

/** A conversation in which nothing was said yet. */
export const standing = (changes: Partial<ModelChoice.Standing> = {}): ModelChoice.Standing => ({
  request: {
    role: "Tester",
    tier: "small",
    system: "Role: Tester",
    prompt: "Try it.",
    grants: ["read"],
    outcome: Schema.toCodecJson(Schema.Struct({ answer: Schema.String })),
    maxTurns: 8
  },
  current: undefined,
  evidence: [],
  failed: [],
  context: 1_000,
  hasImages: false,
  tools: [],
  pin: undefined,
  ...changes
})

/** The conversation when a candidate has it. */
const had = (candidate: string | undefined, changes: Partial<ModelChoice.Standing> = {}) =>
  standing({ ...(candidate !== undefined && { current: { candidate, cached: 0 } }), ...changes })

/** Registers the tests of a choice with vitest. Each test builds the layer anew. */
export const suite = (
  name: string,
  layer: Layer.Layer<ModelChoice.ModelChoice, unknown, Harness.Workplace>,
  host: Layer.Layer<Harness.Workplace>
): void => {
  const test = (title: string, claim: (choice: Choice) => Effect.Effect<void, unknown, Harness.Workplace>) =>
    it.live(title, () =>
      Effect.flatMap(ModelChoice.ModelChoice, claim).pipe(
        Effect.provide(Layer.provideMerge(Layer.fresh(layer), host)),
        Effect.scoped
      )
    )
  describe(`ModelChoice: ${name}`, () => {
    test("chooses the same for the same conversation", steady)
    test("whoever has a conversation keeps it", keeps)
    test("a pin wins, at the beginning and later", pinned)
    test("after evidence it is somebody else, or nobody", evidence)
    test("after a failure that another provider does not mend it is nobody", deterministic)
    test("after one that it may mend it is another provider, or nobody", transient)
  })
}

const steady = Effect.fnUntraced(function* ({ choose }: Choice) {
  const [first, second] = [yield* choose(standing()), yield* choose(standing())]
  assert.strictEqual(second.candidate, first.candidate)
  assert.strictEqual(second.model.name, first.model.name)
})

const keeps = Effect.fnUntraced(function* ({ answered, choose }: Choice) {
  const { candidate, model } = yield* choose(standing())
  if (candidate !== undefined) yield* answered(candidate)
  const again = yield* choose(had(candidate, { context: 50_000 }))
  assert.strictEqual(again.candidate, candidate)
  assert.strictEqual(again.model.name, model.name, "The conversation was given to somebody else without a reason")
})

/** Somebody else than who begins, where the choice has one. */
const other = Effect.fnUntraced(function* ({ after, choose }: Choice) {
  const { candidate } = yield* choose(standing())
  return (yield* after(had(candidate), { _tag: "DoomLoop" }))?.candidate
})

const pinned = Effect.fnUntraced(function* (choice: Choice) {
  const pin = yield* other(choice)
  if (pin === undefined) return
  assert.strictEqual((yield* choice.choose(standing({ pin }))).candidate, pin)
  const { candidate } = yield* choice.choose(standing())
  assert.strictEqual((yield* choice.choose(had(candidate, { pin }))).candidate, pin)
})

const evidence = Effect.fnUntraced(function* ({ after, choose }: Choice) {
  const { candidate } = yield* choose(standing())
  for (const _tag of ["DoomLoop", "FailedValidation", "Requested"] as const) {
    const next = yield* after(had(candidate), { _tag })
    if (next === undefined) continue
    assert.isDefined(next.candidate, "A conversation is given to somebody whom the session can not name")
    assert.notStrictEqual(next.candidate, candidate, `After ${_tag} it is the one that this speaks against`)
  }
})

const failed = (reason: Model.ModelError["reason"]): ModelChoice.Signal => ({
  _tag: "Failed",
  error: new Model.ModelError({ reason, message: `Model m of p: ${reason}. Mend it.` })
})

const deterministic = Effect.fnUntraced(function* ({ after, choose }: Choice) {
  const { candidate } = yield* choose(standing())
  for (const reason of ["Unauthorized", "UnknownModel", "QuotaExhausted", "Protocol", "Refused"] as const) {
    assert.isUndefined(yield* after(had(candidate), failed(reason)), `${reason} is handed to somebody else`)
  }
})

const transient = Effect.fnUntraced(function* ({ after, choose }: Choice) {
  const { candidate, model } = yield* choose(standing())
  const next = yield* after(had(candidate), failed("Overloaded"))
  if (next !== undefined) assert.notStrictEqual(next.model.provider, model.provider, "The same provider is asked again")
})
