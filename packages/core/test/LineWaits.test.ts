import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Durable from "../src/Durable.ts"
import * as Fault from "../src/Fault.ts"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Retry from "../src/Retry.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { count, events, item, live, temporary, test } from "./FactoryStore.ts"

const make = <A>(success: Schema.Codec<A, unknown>) =>
  Line.make("Timed", { payload: { item: WorkItem.WorkItem }, success })
const question = { question: "Go on?", cause: "test" }

class Flaky extends Fault.Class<Flaky>()("Flaky", { Overloaded: true, TimedOut: true, Broken: false }) {}

/** A test whose clock stands still, on a real store. */
const timed = (title: string, body: (path: string) => Effect.Effect<void, unknown>) =>
  it.effect(title, () => temporary(body), 30_000)

/** Waits until the run waits, without a clock. */
const waiting = (run: string, tag = "Waiting") =>
  Effect.repeat(Effect.andThen(Effect.yieldNow, Line.status(run)), { until: (status) => status._tag === tag })

/** Waits until the engine has stopped the run, so that its clocks stand. */
const stopped = (run: string) =>
  Effect.flatMap(Line.status(run), ({ execution, line }) =>
    Effect.repeat(Effect.andThen(Effect.yieldNow, Durable.named(line).poll(execution)), {
      until: (result) => Option.isSome(result) && result.value._tag === "Suspended"
    })
  )

describe("Line.within", () => {
  timed("stops what is not done in its time, over a restart, and the line says what then", (path) => {
    const Timed = make(Schema.String)
    const code = Timed.toLayer(() =>
      Line.within({ name: "answer", after: "2 days" }, Effect.orDie(Gate.answer("what", question))).pipe(
        Effect.catchTag("Expired", ({ after, name }) => Effect.succeed(`${name} expired after ${after}`))
      )
    )
    return Effect.gen(function* () {
      const run = yield* live(path, code, Effect.tap(Timed.start({ item }), stopped))
      yield* TestClock.adjust("1 day")
      yield* live(path, code, stopped(run))
      yield* TestClock.adjust("1 day")
      const status = yield* live(path, code, waiting(run, "Finished"))
      assert.include(status, { result: "answer expired after 172800000" })
    })
  })

  timed("gives the result, or the error, of what is done in time", (path) => {
    const Timed = make(Schema.String)
    const code = Timed.toLayer(
      Effect.fnUntraced(function* () {
        const good = yield* Line.within(
          { name: "good", after: "1 hour" },
          Stage.run({ name: "work", success: Schema.String }, Effect.succeed("good"))
        )
        const bad = yield* Effect.flip(Line.within({ name: "bad", after: "1 hour" }, Effect.fail("bad" as const)))
        return `${good} ${typeof bad === "string" ? bad : bad._tag}`
      }, Effect.orDie)
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        const status = yield* waiting(yield* Timed.start({ item }), "Finished")
        assert.include(status, { result: "good bad" })
      })
    )
  })
})

describe("Line.sleep", () => {
  timed("needs no process, and goes on when the time has passed since it first came there", (path) => {
    const Timed = make(Schema.Void)
    const code = Timed.toLayer(() => Line.sleep("night", "8 hours"))
    return Effect.gen(function* () {
      const run = yield* live(path, code, Effect.tap(Timed.start({ item }), stopped))
      yield* TestClock.adjust("9 hours")
      yield* live(path, code, waiting(run, "Finished"))
    })
  })
})

describe("A clock that goes off", () => {
  test("is not late because another one belongs to a run that is being undone", (path) => {
    const Undone = Line.make("Undone", { payload: { item: WorkItem.WorkItem }, success: Schema.Void })
    const Timed = make(Schema.Void)
    return Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const release = yield* Deferred.make<void>()
      const slow = Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(release))
      const code = Layer.merge(
        Undone.toLayer(() =>
          Effect.gen(function* () {
            yield* Stage.run({ name: "slow to undo", success: Schema.Void }, Effect.void, () => slow)
            yield* Line.sleep("nap", "500 millis")
          })
        ),
        Timed.toLayer(() => Line.sleep("nap", "600 millis"))
      )
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          const undone = yield* Undone.start({ item })
          const timed = yield* Timed.start({ item })
          yield* stopped(undone)
          yield* Line.cancel(undone, { reason: "no" })
          yield* Deferred.await(begun)
          yield* Effect.timeoutOrElse(Line.ended(timed), {
            duration: "10 seconds",
            orElse: () => Effect.die("a clock waited for the undoing of another run")
          }).pipe(Effect.ensuring(Deferred.succeed(release, undefined)))
          yield* Line.ended(undone)
        })
      )
    })
  })
})

describe("A stage", () => {
  timed("that ignores its time-out holds nobody up", (path) => {
    const Timed = make(Schema.Void)
    return Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const never = Effect.uninterruptible(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
      const code = Timed.toLayer(() => Stage.run({ name: "deaf", success: Schema.Void, timeout: "5 minutes" }, never))
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          const run = yield* Timed.start({ item })
          yield* Deferred.await(begun)
          yield* TestClock.adjust("5 minutes")
          // It may clean up for a while, and does not.
          yield* Effect.repeat(Effect.yieldNow, { times: 20 })
          yield* TestClock.adjust("10 seconds")
          const status = yield* waiting(run, "Stalled")
          assert.deepInclude(status._tag === "Stalled" && status.fault, { reason: "TimedOut", retryable: true })
        })
      )
    })
  })

  timed("is tried again by the class of its fault, each with a schedule of its own", (path) => {
    const Timed = make(Schema.String)
    const faults = ["Overloaded", "TimedOut", "Overloaded", "Broken"] as const
    let at = 0
    const work = Effect.suspend(() => {
      const reason = faults[at++]
      return reason === undefined ? Effect.succeed("done") : new Flaky({ reason, message: reason })
    })
    const retry = { overload: Schedule.recurs(2), timeout: Schedule.recurs(1) } satisfies Retry.ByClass
    const code = Timed.toLayer(() => Stage.run({ name: "flaky", success: Schema.String, retry }, work))
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Timed.start({ item })
        assert.include(yield* waiting(run, "Stalled"), { _tag: "Stalled" })
        assert.strictEqual(at, 4, "a deterministic fault was tried again, or another one was not")
        yield* Line.resume(run)
        yield* waiting(run, "Finished")
      })
    )
  })

  test("that a loop comes to too often stalls there", (path) => {
    const Timed = make(Schema.Void)
    const code = Timed.toLayer(() =>
      Effect.forever(Stage.run({ name: "again", success: Schema.Void, visits: 10 }, Effect.void))
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        const status = yield* Line.settled(yield* Timed.start({ item }))
        assert.include(status._tag === "Stalled" ? status.fault.message : "", "again#11")
        assert.strictEqual(yield* count("StageFinished"), 10)
      })
    )
  })

  test("whose undoing fails says so, and keeps no other from being undone", (path) => {
    const Timed = make(Schema.Void)
    const undone: Array<number> = []
    const step = (n: number) =>
      Stage.run({ name: `step ${n}`, success: Schema.Int }, Effect.succeed(n), (value) =>
        value === 2
          ? new Flaky({ reason: "Broken", message: "It can not be undone" })
          : Effect.sync(() => undone.push(value))
      )
    const code = Timed.toLayer(
      Effect.fnUntraced(function* ({ item }) {
        for (const n of [1, 2, 3]) yield* step(n)
        return yield* Line.park(item, { reason: "no" })
      })
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        yield* Line.settled(yield* Timed.start({ item }))
        yield* Effect.repeat(count("StageUndone"), { until: (times) => times === 3 })
        assert.deepStrictEqual(undone, [3, 1])
        const failed = (yield* events).find(({ stage, fact }) => fact._tag === "StageUndone" && stage === "step 2")
        assert.include(JSON.stringify(failed), "It can not be undone")
      })
    )
  })
})

describe("Retry.classOf", () => {
  it("tells the classes apart, and takes what is no fault for deterministic", () => {
    assert.strictEqual(Retry.classOf(new Flaky({ reason: "Overloaded", message: "" })), "overload")
    assert.strictEqual(Retry.classOf(new Flaky({ reason: "TimedOut", message: "" })), "timeout")
    assert.strictEqual(Retry.classOf(new Flaky({ reason: "Broken", message: "" })), "deterministic")
    assert.strictEqual(Retry.classOf(new Error("anything")), "deterministic")
  })
})

describe("Line.rework", () => {
  it.effect("trips its breaker on failures that are the same but for numbers, digests and paths", () =>
    Effect.gen(function* () {
      let attempts = 0
      const work = () => Line.again(`line ${++attempts} of /tmp/run-${attempts}/a.ts failed at deadbeef${attempts}0`)
      const error = yield* Effect.flip(Line.rework({ attempts: 50 }, work))
      assert.strictEqual(attempts, 3, "the breaker lets 3 failures of one kind pass")
      assert.include(error.reason, "in the same way")
      attempts = 0
      const kinds = ["a", "b", "c", "d", "e"]
      const other = yield* Effect.flip(Line.rework({ attempts: 5 }, () => Line.again(kinds[attempts++])))
      assert.include(other.reason, "5 attempts", "failures of different kinds do not trip it")
    })
  )
})
