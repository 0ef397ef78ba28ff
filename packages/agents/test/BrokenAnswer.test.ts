/** What is billed and not known, over the wire. */
import { assert, describe, it } from "@effect/vitest"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import * as Budget from "@millwright/core/Budget"
import * as Journal from "@millwright/core/Journal"
import * as Ledger from "@millwright/core/Ledger"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Usage from "@millwright/core/Usage"
import * as Prompt from "effect/ai/Prompt"
import * as Toolkit from "effect/ai/Toolkit"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as ModelTurn from "../src/loop/ModelTurn.ts"

const key = "twin-key-0123456789abcdef"
const usage = { input: 30, cacheRead: 500, cacheWrite: 20, output: 40 }
const conversations = [
  { turns: [{ text: "A sentence that comes in pieces, one after the other, to its end.", usage }] }
]

/** A model before a twin of its own. It is not said to be rehearsed, so its answers are told apart by their names. */
const start = Effect.fnUntraced(function* (protocol: "anthropic" | "openai", paidBy?: Usage.PaidBy) {
  const twin = yield* ProviderTwin.make({ script: { conversations } })
  const options = { apiKey: Redacted.make(key), model: "m", paidBy }
  const model = yield* protocol === "anthropic"
    ? AnthropicModel.make({ ...options, baseUrl: twin.anthropicUrl })
    : OpenAiModel.make({ ...options, baseUrl: twin.openAiUrl })
  const toolkit = yield* Toolkit.empty
  const prompt = Prompt.make("Say something.")
  const ask = (onText: () => Effect.Effect<void> = () => Effect.void) =>
    ModelTurn.run({
      model,
      prompt,
      toolkit,
      onText,
      patience: { silence: 100 * ModelTurn.maxWait, answer: 100 * ModelTurn.maxWait, bytes: 1_000_000 }
    })
  return { twin, ask }
})

/** A cent for each token. */
const cents = Layer.succeed(Pricing.Pricing, { price: ({ usage }) => Usage.known(Usage.total(usage) / 100) })

const test = (
  title: string,
  body: Effect.Effect<void, unknown, Journal.Journal | Pricing.Pricing | Scope.Scope>,
  limits: Budget.Limits = {}
) =>
  // A test clock: the waits of the loop pass at once. The wire has its own time.
  it.effect(title, () =>
    body.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(Budget.layer(limits), [MemoryJournal.layer, cents])))
  )

/** Lets each wait of the loop pass. */
const patiently = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    const waits = Stream.filter(journal.follow(), ({ fact }) => fact._tag === "ModelFailed")
    const clock = yield* Effect.forkChild(Stream.runForEach(waits, () => TestClock.adjust(ModelTurn.maxWait)))
    return yield* Effect.ensuring(work, Fiber.interrupt(clock))
  })

const account = Effect.map(Ledger.of(), (ledger) => Ledger.total(Ledger.charges(ledger)))

for (const protocol of ["anthropic", "openai"] as const) {
  /** What the provider says when an answer begins: Anthropic what it has read, OpenAI nothing. */
  const least = protocol === "anthropic" ? { ...usage, output: 0 } : Usage.zero
  const isAtLeast = ({ broken }: Ledger.Account, calls: number) => {
    assert.strictEqual(broken.calls, calls)
    for (const kind of ["input", "cacheRead", "cacheWrite"] as const) {
      assert.strictEqual(broken.usage[kind], calls * least[kind], `${kind} of the answers that broke off`)
    }
    assert.isAtLeast(broken.usage.output, 0)
    assert.isAtMost(broken.usage.output, calls * usage.output)
  }

  describe(`over ${protocol}`, () => {
    test(
      "an answer that breaks off is billed, at least so much; the one that comes then is known",
      Effect.gen(function* () {
        const { ask, twin } = yield* start(protocol)
        yield* twin.breakNext([{ _tag: "Cut", after: 3, how: "reset" }])
        yield* patiently(ask())
        const all = yield* account
        isAtLeast(all, 1)
        assert.deepStrictEqual([all.calls, all.paid, Ledger.isWhole(all)], [1, { usd: 5.9, unpriced: 0 }, false])
        assert.strictEqual(Usage.total(all.usage), 590)
      })
    )

    test(
      "a call that was refused, or never answered, is not billed",
      Effect.gen(function* () {
        const { ask, twin } = yield* start(protocol)
        yield* twin.breakNext([{ _tag: "Refuse", status: 529 }, { _tag: "Drop" }])
        yield* patiently(ask())
        isAtLeast(yield* account, 0)
      })
    )

    test(
      "an answer that nobody waits for is billed",
      Effect.gen(function* () {
        const { ask, twin } = yield* start(protocol)
        yield* twin.breakNext([{ _tag: "Stall", after: 5 }])
        const told = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(ask(() => Effect.asVoid(Deferred.succeed(told, undefined))))
        yield* Deferred.await(told)
        yield* Fiber.interrupt(fiber)
        isAtLeast(yield* account, 1)
      })
    )

    test(
      "answers have names, which no other twin gives",
      Effect.gen(function* () {
        const twins = yield* Effect.forEach([1, 2, 3], () => start(protocol))
        for (const { ask } of [...twins, ...twins]) yield* ask()
        const journal = yield* Journal.Journal
        const names = (yield* Stream.runCollect(journal.read())).map(
          ({ fact }) => fact._tag === "ModelCalled" && fact.message
        )
        assert.strictEqual(new Set(names).size, 6, `names were given twice: ${names.join(", ")}`)
        assert.match(String(names[0]), protocol === "anthropic" ? /^msg_/ : /^chatcmpl-/)
        assert.strictEqual((yield* account).calls, 6)
      })
    )

    test(
      "what a subscription pays costs nothing more, and has its list price",
      Effect.gen(function* () {
        const { ask } = yield* start(protocol, "subscription")
        yield* ask()
        yield* ask()
        const { list, paid } = yield* account
        assert.isAbove(list.usd, 5)
        assert.deepStrictEqual(paid, { usd: 0, unpriced: 0 })
      }),
      { usd: 0.01 }
    )
  })
}
