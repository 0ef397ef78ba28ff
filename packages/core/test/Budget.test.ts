import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Budget from "../src/Budget.ts"
import * as Gate from "../src/Gate.ts"
import type * as FactoryEvent from "../src/FactoryEvent.ts"
import * as Journal from "../src/Journal.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import type * as Status from "../src/Status.ts"
import * as Usage from "../src/Usage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { count, events, item, live, range, test } from "./FactoryStore.ts"

const called = (
  tokens: number,
  cost: Usage.Cost = Usage.known(tokens / 100)
): Extract<FactoryEvent.Fact, { _tag: "ModelCalled" }> => ({
  _tag: "ModelCalled",
  model: "m",
  provider: "p",
  usage: { ...Usage.zero, output: tokens },
  cost,
  latency: 1,
  rehearsed: true
})

/** Calls a model, if the budget allows it. */
const call = (tokens: number, cost?: Usage.Cost) => Effect.andThen(Budget.check, Budget.spend(called(tokens, cost)))

const Spender = Line.make("Spender", { payload: { item: WorkItem.WorkItem }, success: Schema.Number })

/** A stage for each number of tokens. */
const spending = (...stages: ReadonlyArray<number>) =>
  Spender.toLayer(() =>
    Effect.forEach(stages, (tokens) => Stage.run({ name: "call", success: Schema.Void }, call(tokens))).pipe(
      Effect.map((done) => done.length)
    )
  )

const limited = <E, R>(code: Layer.Layer<never, E, R>, limits: Budget.Limits) =>
  Layer.provide(code, Budget.layer(limits))

const stalledBy = (status: Status.Status) => (status._tag === "Stalled" ? status.fault.reason : status._tag)

const pastHit = Effect.map(events, (all) => all.filter(({ fact }) => fact._tag === "BudgetHit").map(({ fact }) => fact))

describe("Budget", () => {
  test("stops a run at its tokens, whatever their kind, over its stages", (path) =>
    live(
      path,
      limited(spending(40, 40, 40, 40), { tokens: 100 }),
      Effect.gen(function* () {
        const run = yield* Spender.start({ item })
        const status = yield* Line.settled(run)
        assert.strictEqual(stalledBy(status), "TokensSpent")
        assert.include(status._tag === "Stalled" ? status.fault.message : "", "Raise the limit and resume")
        assert.strictEqual(yield* count("ModelCalled"), 3, "the call that passes the limit is the last")
        assert.deepStrictEqual(yield* pastHit, [
          { _tag: "BudgetHit", dimension: "TokensSpent", limit: 100, spent: 120 }
        ])
        const other = yield* Spender.start({ item })
        assert.strictEqual(stalledBy(yield* Line.settled(other)), "TokensSpent", "another run has a budget of its own")
        assert.strictEqual(yield* count("ModelCalled"), 6)
      })
    ))

  test("stops a run at its money", (path) =>
    live(
      path,
      limited(spending(40, 40, 40, 40), { usd: 0.8 }),
      Effect.gen(function* () {
        assert.strictEqual(stalledBy(yield* Line.settled(yield* Spender.start({ item }))), "MoneySpent")
        assert.strictEqual(yield* count("ModelCalled"), 2)
      })
    ))

  test("does not trust a model without a price with money, and does with tokens", (path) => {
    const code = Spender.toLayer(() =>
      Effect.as(
        Effect.forEach(range(2), () =>
          Stage.run({ name: "call", success: Schema.Void }, call(10, Usage.unknown("nobody knows")))
        ),
        2
      )
    )
    return Effect.gen(function* () {
      yield* live(
        path,
        limited(code, { usd: 100 }),
        Effect.gen(function* () {
          const status = yield* Line.settled(yield* Spender.start({ item }))
          assert.strictEqual(stalledBy(status), "Unpriced")
          assert.include(status._tag === "Stalled" ? status.fault.message : "", "limit tokens instead of money")
        })
      )
      yield* live(
        path,
        limited(code, { tokens: 100 }),
        Effect.gen(function* () {
          assert.strictEqual(stalledBy(yield* Line.settled(yield* Spender.start({ item }))), "Finished")
        })
      )
    })
  })

  test("counts what a process spent that is gone, and goes on when the limit is raised", (path) =>
    Effect.gen(function* () {
      const run = yield* live(
        path,
        limited(spending(60, 60, 60), { tokens: 100 }),
        Effect.gen(function* () {
          const run = yield* Spender.start({ item })
          assert.strictEqual(stalledBy(yield* Line.settled(run)), "TokensSpent")
          return run
        })
      )
      const again = (tokens: number) =>
        live(
          path,
          limited(spending(60, 60, 60), { tokens }),
          Effect.gen(function* () {
            yield* Line.resume(run)
            return stalledBy(yield* Line.settled(run))
          })
        )
      assert.strictEqual(yield* again(100), "TokensSpent", "a new process began to count from zero")
      assert.strictEqual(yield* again(120), "TokensSpent")
      assert.strictEqual(yield* again(121), "Finished")
    }))

  test("stops calls of stages that run at once, as soon as together they are past the limit", (path) => {
    const code = Spender.toLayer(() =>
      Effect.as(
        Effect.forEach(
          range(4),
          (n) =>
            Stage.run(
              { name: `worker ${n}`, success: Schema.Void },
              Effect.forEach(range(10), () => Effect.andThen(Effect.yieldNow, call(10)), { discard: true })
            ),
          { concurrency: "unbounded" }
        ),
        4
      )
    )
    return live(
      path,
      limited(code, { tokens: 150 }),
      Effect.gen(function* () {
        assert.strictEqual(stalledBy(yield* Line.settled(yield* Spender.start({ item }))), "TokensSpent")
        const calls = yield* count("ModelCalled")
        assert.isAtLeast(calls, 15)
        assert.isAtMost(calls, 15 + 3, "at most what the other stages had begun comes on top")
      })
    )
  })

  test("stops a stage when the time of its run is over, and begins none after it", (path) => {
    let ran = 0
    const code = Spender.toLayer(() =>
      Effect.gen(function* () {
        yield* Stage.run({ name: "quick", success: Schema.Void }, Effect.void)
        yield* Effect.orDie(Gate.approve("go", { question: "?", cause: "c" }))
        const long = Effect.andThen(
          Effect.sync(() => void ran++),
          Effect.never
        )
        yield* Stage.run({ name: "long", success: Schema.Void }, long)
        return 1
      })
    )
    return Effect.gen(function* () {
      const run = yield* live(
        path,
        limited(code, { time: "200 millis" }),
        Effect.gen(function* () {
          const run = yield* Spender.start({ item })
          yield* Line.settled(run)
          // More than the whole budget passes while a human thinks.
          yield* Effect.sleep("250 millis")
          yield* Gate.settle(`${run}:go`, { _tag: "Approve" }, { actor: Actor.human("ada") })
          const status = yield* Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag !== "Waiting" })
          assert.strictEqual(stalledBy(status), "TimeSpent")
          assert.strictEqual(ran, 1, "waiting for a human cost time")
          yield* Line.resume(run)
          assert.strictEqual(stalledBy(yield* Line.settled(run)), "TimeSpent")
          return run
        })
      )
      yield* live(
        path,
        limited(code, { time: "200 millis" }),
        Effect.gen(function* () {
          yield* Line.resume(run)
          assert.strictEqual(stalledBy(yield* Line.settled(run)), "TimeSpent")
        })
      )
      assert.strictEqual(ran, 1, "a stage began after the time was over")
    })
  })

  test("counts the time of a stage that its process did not live to end", (path) =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      let isLast = false
      const code = Spender.toLayer(() =>
        Stage.run(
          { name: "long", success: Schema.Number },
          Effect.gen(function* () {
            if (isLast) return 1
            yield* Effect.sleep("120 millis")
            yield* Budget.spend(called(1))
            yield* Deferred.succeed(begun, undefined)
            return yield* Effect.never
          })
        )
      )
      const run = yield* live(
        path,
        limited(code, { time: "10 seconds" }),
        Effect.tap(Spender.start({ item }), Deferred.await(begun))
      )
      isLast = true
      yield* live(
        path,
        limited(code, { time: "100 millis" }),
        Effect.gen(function* () {
          assert.strictEqual(
            stalledBy(yield* Line.settled(run)),
            "TimeSpent",
            "what a dead process used is not counted"
          )
        })
      )
      yield* live(
        path,
        limited(code, { time: "10 seconds" }),
        Effect.gen(function* () {
          yield* Line.resume(run)
          assert.strictEqual(stalledBy(yield* Line.settled(run)), "Finished")
        })
      )
    }))

  test("limits nothing where there is none, and counts calls outside of a run together", (path) =>
    live(
      path,
      spending(1_000_000),
      Effect.gen(function* () {
        assert.strictEqual(stalledBy(yield* Line.settled(yield* Spender.start({ item }))), "Finished")
        const error = yield* Effect.flip(
          Effect.provide(
            Effect.forEach(range(3), () => call(10)),
            Budget.layer({ tokens: 20 })
          )
        )
        assert.strictEqual(error.reason, "TokensSpent")
        const journal = yield* Journal.Journal
        assert.isDefined(journal)
      })
    ))
})
