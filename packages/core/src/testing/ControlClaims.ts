/** What an engine promises to whoever steers a run: it can be stopped, taken up, split, and sent back where that is possible. */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Durable from "../Durable.ts"
import * as Gate from "../Gate.ts"
import * as Line from "../Line.ts"
import * as Stage from "../Stage.ts"
import * as Status from "../Status.ts"
import { ada, count, item, line, type Live, question, resultOf, until, within } from "./DurableLab.ts"

const step = (name: string, work: Effect.Effect<unknown>) =>
  Stage.run({ name, success: Schema.Void }, Effect.asVoid(work))

/** A run that is cancelled undoes what it did, once, and begins no further stage; its stage is interrupted. */
export const cancelled = (live: Live): Effect.Effect<void, unknown> => {
  const Busy = line("Busy", Schema.Void)
  return Effect.gen(function* () {
    const undone: Array<string> = []
    const begun = yield* Deferred.make<void>()
    const interrupted = yield* Deferred.make<void>()
    const busy = Effect.andThen(Deferred.succeed(begun, undefined), Effect.never).pipe(
      Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
    )
    const code = Busy.toLayer(
      Effect.fnUntraced(function* () {
        for (const name of ["first", "second"]) {
          yield* Stage.run({ name, success: Schema.Void }, Effect.void, () => Effect.sync(() => undone.push(name)))
        }
        yield* step("busy", busy)
        yield* step("after", Effect.die("a cancelled run began another stage"))
      })
    )
    yield* live(
      code,
      Effect.gen(function* () {
        const run = yield* Busy.start({ item })
        yield* Deferred.await(begun)
        // Effect's engine in memory does not get over an interruption in the very turn in which a stage begins.
        yield* Effect.repeat(Effect.yieldNow, { times: 3 })
        yield* Line.cancel(run, { reason: "The issue was closed" })
        yield* within(Deferred.await(interrupted), "The interruption of the stage")
        yield* within(
          Effect.repeat(Effect.andThen(Effect.yieldNow, count("StageUndone first")), { until: (times) => times === 1 }),
          "The undoing of the first stage"
        )
        const status = yield* Line.status(run)
        assert.include(status, { _tag: "Cancelled", reason: "The issue was closed" })
        assert.deepStrictEqual(undone, ["second", "first"], "what it did is undone once, the last first")
        yield* Line.cancel(run, { reason: "once more" })
        assert.strictEqual(yield* count("LineCancelled"), 1, "to cancel twice changes nothing")
        assert.strictEqual(yield* count("StageStarted after"), 0, "a cancelled run began another stage")
      })
    )
  })
}

/** Branches side by side: a waiting one disturbs nobody, and the first result is the one over every replay. */
export const branches = (live: Live): Effect.Effect<void, unknown> => {
  const Split = line("Split", Schema.String)
  let ran = 0
  return Effect.gen(function* () {
    const answered = yield* Deferred.make<void>()
    const code = Split.toLayer(
      Effect.fnUntraced(function* () {
        const both = yield* Line.parallel("both", {
          asked: Effect.orDie(Gate.answer("what", question)),
          busy: Stage.run(
            { name: "busy", success: Schema.Int },
            Effect.suspend(() => Effect.as(Deferred.await(answered), ++ran))
          )
        })
        const first = yield* Line.parallel(
          "first",
          {
            human: Effect.orDie(Gate.answer("never", question)),
            work: Effect.as(step("quick", Effect.void), "worked")
          },
          { join: "first" }
        )
        return `${both.asked} ${both.busy} ${first.value}`
      })
    )
    yield* live(
      code,
      Effect.gen(function* () {
        const run = yield* Split.start({ item })
        yield* within(
          Effect.repeat(Effect.andThen(Effect.yieldNow, Gate.list(run)), { until: (gates) => gates.size === 1 }),
          "The gate"
        )
        yield* Gate.settle(`${run}:both/asked/what`, { _tag: "Reply", text: "this" }, ada)
        yield* Deferred.succeed(answered, undefined)
        const status = yield* within(Line.ended(run), "The end of the run")
        assert.include(status, { _tag: "Finished", result: "this 1 worked" })
        assert.strictEqual(ran, 1, "an answer made a stage of another branch run again")
      })
    )
  })
}

/** A child that waits for a human does not make its parent run anything again; its end is its parent's result. */
export const children = (live: Live): Effect.Effect<void, unknown> => {
  const Inner = line("Inner", Schema.String)
  const Outer = line("Outer", Schema.String)
  let ran = 0
  const code = Layer.merge(
    Inner.toLayer(() => Effect.orDie(Gate.answer("what", question))),
    Outer.toLayer(
      Effect.fnUntraced(function* ({ item }) {
        yield* step(
          "before",
          Effect.sync(() => ran++)
        )
        return yield* Inner.child({ item }).pipe(
          Effect.catchTag("ChildStopped", ({ reason }) => Effect.succeed(reason))
        )
      })
    )
  )
  const waiting = (parent: string) =>
    Effect.map(
      within(
        Effect.repeat(Effect.andThen(Effect.yieldNow, Status.runs("Inner")), {
          until: (all) => all.some((run) => run.parent?.run === parent && run._tag === "Waiting")
        }),
        "The child"
      ),
      (all) => all.find((run) => run.parent?.run === parent)?.run ?? ""
    )
  return Effect.gen(function* () {
    const { persistence } = yield* live(Layer.empty, Durable.Supports)
    const begin = Effect.flatMap(Outer.start({ item }), (run) =>
      Effect.map(waiting(run), (child) => [run, child] as const)
    )
    const end = ([run, child]: readonly [string, string]) =>
      Effect.gen(function* () {
        yield* Gate.settle(`${child}:what`, { _tag: "Reply", text: "this" }, ada)
        assert.strictEqual(yield* resultOf(run), "this")
        assert.strictEqual(ran, 1, "a stage of the parent ran again")
        assert.strictEqual(yield* count("LineStarted"), 2, "one child is started, over every replay")
        const other = yield* Outer.start({ item })
        yield* Line.cancel(yield* waiting(other), { reason: "nobody needs it" })
        assert.strictEqual(yield* resultOf(other), "nobody needs it", "a stopped child is told to its parent")
      })
    yield* persistence
      ? Effect.flatMap(live(code, begin), (both) => live(code, end(both)))
      : live(code, Effect.flatMap(begin, end))
  })
}

/** Where the engine can rewrite what it remembers, a run goes back or another way; where it can not, it says so. */
export const history = (live: Live): Effect.Effect<void, unknown> => {
  const Numbers = line("Numbers", Schema.Array(Schema.Int))
  let last = 0
  const number = (name: string) =>
    Stage.run(
      { name, success: Schema.Int },
      Effect.sync(() => ++last)
    )
  const code = Numbers.toLayer(() => Effect.all([number("one"), number("two")]))
  return live(
    code,
    Effect.gen(function* () {
      const run = yield* Numbers.start({ item })
      assert.deepStrictEqual(yield* resultOf(run), [1, 2])
      if ((yield* Durable.History) === undefined) {
        const refusals = [Line.rewind(run, { before: "two" }), Line.fork(run, { before: "two" })]
        for (const refusal of refusals) {
          const error = yield* Effect.flip(refusal as Effect.Effect<unknown, Line.LineError>)
          assert.strictEqual(error.reason, "NotSupported", error.message)
        }
        return assert.deepStrictEqual((yield* Line.status(run))._tag, "Finished", "a refusal changes nothing")
      }
      yield* Line.rewind(run, { before: "two" })
      yield* until(run, "Finished")
      assert.deepStrictEqual(yield* resultOf(run), [1, 3])
      assert.deepStrictEqual(yield* resultOf(yield* Line.fork(run, { before: "two" })), [1, 4])
    })
  )
}

/** A key starts one run, however often and at once it is used. */
export const keyed = (live: Live): Effect.Effect<void, unknown> => {
  const Once = line("Once", Schema.String)
  return live(
    Once.toLayer(() => Effect.as(step("work", Effect.void), "done")),
    Effect.gen(function* () {
      const starts = Array.from({ length: 8 }, () => Once.start({ item }, { key: "delivery-7" }))
      const runs = yield* Effect.all(starts, { concurrency: "unbounded" })
      assert.strictEqual(new Set(runs).size, 1, `one key started ${[...new Set(runs)].join(", ")}`)
      assert.strictEqual(yield* resultOf(runs[0] ?? ""), "done")
      assert.strictEqual(yield* count("StageStarted work"), 1)
    })
  )
}
