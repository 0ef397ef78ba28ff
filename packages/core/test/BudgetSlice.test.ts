import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as MemoryJournal from "../src/adapters/MemoryJournal.ts"
import * as Budget from "../src/Budget.ts"
import type * as Journal from "../src/Journal.ts"
import * as Usage from "../src/Usage.ts"

/** Calls a model, if the budget allows it. */
const call = (tokens: number, cost: Usage.Cost = Usage.known(tokens / 100)) =>
  Effect.andThen(
    Budget.check,
    Budget.spend({
      ...{ _tag: "ModelCalled", model: "m", provider: "p", latency: 1, rehearsed: true },
      usage: { ...Usage.zero, output: tokens },
      cost
    })
  )
const calls = (count: number, tokens = 10) =>
  Effect.forEach(Array.from({ length: count }), () => call(tokens), { discard: true })

const reason = <A, R>(effect: Effect.Effect<A, { readonly reason: string }, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

const run = <A, E>(effect: Effect.Effect<A, E, Journal.Journal>) => Effect.provide(effect, MemoryJournal.layer)

describe("a slice", () => {
  it.effect("holds what is in it, and nothing else", () =>
    run(
      Effect.gen(function* () {
        const error = yield* Effect.flip(Budget.slice("search", { tokens: 25 })(calls(9)))
        assert.strictEqual(error.reason, "TokensSpent")
        assert.include(
          error.message,
          'The part "search" of the run has used 30 of 25 tokens, and stops. Raise its limit to go on.'
        )
        yield* Budget.slice("other", { tokens: 25 })(calls(2))
        yield* calls(9)
        assert.strictEqual(yield* reason(Budget.slice("money", { usd: 0.25 })(calls(9))), "MoneySpent")
        assert.strictEqual(
          yield* reason(
            Budget.slice("unpriced", { usd: 9 })(Effect.andThen(call(1, Usage.unknown("no table has it")), call(1)))
          ),
          "Unpriced"
        )
        assert.strictEqual(yield* reason(Budget.slice("none", { tokens: 0 })(calls(1))), "TokensSpent")
      })
    )
  )

  it.effect("is held by those around it, and by the run", () =>
    run(
      Effect.gen(function* () {
        const greedy = Budget.slice("inner", { tokens: 1_000_000 })(calls(100))
        const error = yield* Effect.flip(Budget.slice("outer", { tokens: 40 })(greedy))
        assert.include(error.message, '"outer" of the run has used 40 of 40')
        const limited = Effect.provide(Budget.slice("outer", { tokens: 1_000 })(greedy), Budget.layer({ tokens: 500 }))
        assert.include((yield* Effect.flip(limited)).message, "The run has used")
      })
    )
  )

  it.effect("is shared by all that runs in it side by side", () =>
    run(
      Effect.gen(function* () {
        const agents = Effect.forEach(
          ["a", "b", "c"],
          (name) => Effect.exit(Budget.slice(name, { tokens: 60 })(calls(10))),
          {
            concurrency: "unbounded"
          }
        )
        let spent = 0
        const counting = Effect.tap(agents, () => Effect.sync(() => spent++))
        yield* Budget.slice("team", { tokens: 100 })(Effect.andThen(counting, calls(0)))
        assert.strictEqual(spent, 1)
        assert.strictEqual(
          yield* reason(Budget.slice("team", { tokens: 100 })(Effect.andThen(agents, call(1)))),
          "TokensSpent"
        )
      })
    )
  )

  it.effect("ends when its time is over", () =>
    run(
      Effect.gen(function* () {
        const slow = yield* Effect.forkChild(reason(Budget.slice("slow", { time: "1 minute" })(Effect.never)))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* Fiber.join(slow), "TimeSpent")
      })
    )
  )

  const Amount = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))
  it.effect.prop(
    "never lets more than one call beyond the smallest limit around it",
    [Schema.NonEmptyArray(Amount), Amount],
    ([limits, tokens]) =>
      run(
        Effect.gen(function* () {
          let made = 0
          const counted = Effect.tap(call(tokens), () => Effect.sync(() => (made += tokens)))
          const work = limits.reduce<Effect.Effect<void, unknown, Journal.Journal>>(
            (inner, limit) => Budget.slice(String(limit), { tokens: limit })(inner),
            Effect.forever(counted)
          )
          yield* Effect.flip(work)
          assert.isBelow(made, Math.min(...limits) + tokens)
        })
      )
  )
})

describe("a pool", () => {
  it.effect("is shared by the parts that stand in it, beside each other too, and is held by what is around", () =>
    run(
      Effect.gen(function* () {
        const part = Budget.pool("all", { tokens: 50 })
        yield* Effect.all([part(calls(2)), part(calls(2))], { concurrency: "unbounded" })
        yield* calls(9)
        const error = yield* Effect.flip(part(calls(2)))
        assert.include(error.message, 'The part "all" of the run has used 50 of 50 tokens')
        const around = Budget.slice("outer", { tokens: 30 })(Budget.pool("inner", { tokens: 1_000 })(calls(9)))
        assert.include((yield* Effect.flip(around)).message, '"outer"')
        assert.strictEqual(yield* reason(Budget.pool("wrong", { usd: -1 })(calls(1))), "Misconfigured")
      })
    )
  )
})
