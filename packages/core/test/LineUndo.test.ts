import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, count, events, item, live, store, test } from "./FactoryStore.ts"

const by = { actor: Actor.human("ada") }
const make = (name: string) => Line.make(name, { payload: { item: WorkItem.WorkItem }, success: Schema.String })

/** A stage that says when it is undone. */
const step = (name: string, undone: Array<string>, work: Effect.Effect<string> = Effect.succeed(name)) =>
  Stage.run({ name, success: Schema.String }, work, (value) => Effect.sync(() => undone.push(value)))

const go = (park: WorkItem.WorkItem) =>
  Gate.approve("go", { question: "Go on?", cause: "test" }).pipe(
    Effect.catchTag("Rejected", ({ note }) => Line.park(park, { reason: note })),
    Effect.catchTag("GateError", Effect.die)
  )

describe("What a stopped branch did", () => {
  test("is undone when the line fails, also in a life that only replays the join, and once", (path) => {
    const Race = make("Race")
    const undone: Array<string> = []
    return Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const code = Race.toLayer(
        Effect.fnUntraced(function* ({ item }) {
          const { value } = yield* Line.parallel(
            "race",
            {
              slow: Effect.gen(function* () {
                yield* step("deploy", undone, Effect.succeed("slow deploy"))
                yield* Line.parallel("inner", {
                  done: step("inside", undone, Effect.succeed("slow inside")),
                  never: Stage.run(
                    { name: "never", success: Schema.String },
                    Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
                  )
                })
                return "slow"
              }),
              fast: Effect.andThen(
                step("deploy", undone, Effect.succeed("fast deploy")),
                Stage.run({ name: "wait", success: Schema.String }, Effect.as(Deferred.await(begun), "fast"))
              )
            },
            { join: "first" }
          )
          yield* step("after", undone)
          yield* go(item)
          return value
        })
      )
      const run = yield* live(
        path,
        code,
        Effect.tap(Race.start({ item }), (run) =>
          Effect.repeat(Line.settled(run), { until: ({ openGates }) => openGates.includes(`${run}:go`) })
        )
      )
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          yield* Gate.settle(`${run}:go`, { _tag: "Reject", note: "no" }, by)
          const status = yield* Line.ended(run)
          assert.strictEqual(status._tag, "Parked")
        })
      )
      assert.deepStrictEqual(undone.toSorted(), ["after", "fast deploy", "slow deploy", "slow inside"])
      assert.strictEqual(undone[0], "after", "the last stage is undone first")
      yield* live(
        path,
        code,
        Effect.map(count("StageUndone"), (times) => assert.strictEqual(times, 4, "something was undone twice"))
      )
    })
  })
})

describe("The end of a run", () => {
  for (const end of ["is cancelled", "fails"] as const) {
    test(`that ${end} is told when it is undone, by whichever process undoes the last of it`, (path) => {
      const Steps = make("Steps")
      const undone: Array<string> = []
      return Effect.gen(function* () {
        const begun = yield* Deferred.make<void>()
        const release = yield* Deferred.make<void>()
        const slow = Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(release))
        const code = Steps.toLayer(
          Effect.fnUntraced(function* ({ item }) {
            yield* step("one", undone)
            yield* Stage.run({ name: "two", success: Schema.Void }, Effect.void, () =>
              Effect.andThen(
                slow,
                Effect.sync(() => undone.push("two"))
              )
            )
            yield* step("three", undone)
            yield* go(item)
            return "done"
          })
        )
        const run = yield* live(
          path,
          code,
          Effect.gen(function* () {
            const run = yield* Steps.start({ item })
            yield* Line.settled(run)
            // To cancel a run that has not stopped yet waits until it is undone.
            yield* Effect.forkDetach(
              end === "fails"
                ? Gate.settle(`${run}:go`, { _tag: "Reject", note: "no" }, by)
                : Line.cancel(run, { reason: "no" })
            )
            yield* Deferred.await(begun)
            const status = yield* Line.status(run)
            assert.strictEqual(status._tag, end === "fails" ? "Parked" : "Cancelled")
            assert.isTrue(status.isUndoing, "a run that is being undone is taken for done")
            const told = yield* Effect.forkChild(Line.ended(run))
            yield* Effect.repeat(Effect.yieldNow, { times: 50 })
            assert.isUndefined(told.pollUnsafe(), "the end was told before what the run did was undone")
            yield* Fiber.interrupt(told)
            // The process closes in the middle of it.
            yield* Effect.forkDetach(
              Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 500 }), Deferred.succeed(release, undefined))
            )
            return run
          })
        )
        assert.deepStrictEqual(undone, ["three", "two"])
        const status = yield* live(path, code, Line.ended(run))
        assert.isFalse(status.isUndoing)
        assert.deepStrictEqual(undone, ["three", "two", "one"], "each stage is undone once, the last first")
        const facts = yield* live(path, code, Effect.all([count("LineUndone"), count("StageUndone")]))
        assert.deepStrictEqual(facts, [1, 3])
      })
    })
  }
})

describe("A cancelled parent", () => {
  test("is undone after its children", (path) => {
    const Outer = make("Outer")
    const Inner = make("Inner")
    const undone: Array<string> = []
    const code = Layer.merge(
      Inner.toLayer(
        Effect.fnUntraced(function* ({ item }) {
          yield* Stage.run({ name: "inner", success: Schema.Void }, Effect.void, () =>
            Effect.andThen(
              Effect.repeat(Effect.yieldNow, { times: 200 }),
              Effect.sync(() => undone.push("inner"))
            )
          )
          yield* go(item)
          return "done"
        })
      ),
      Outer.toLayer(
        Effect.fnUntraced(function* ({ item }) {
          yield* step("outer", undone)
          return yield* Inner.child({ item }).pipe(Effect.catchTag("ChildStopped", Effect.die))
        })
      )
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Outer.start({ item })
        const child = yield* Effect.repeat(Line.list({ line: "Inner", status: "Waiting" }), {
          until: (all) => all.length === 1
        })
        yield* Line.cancel(run, { reason: "closed", by: by.actor })
        yield* Line.ended(run)
        assert.deepStrictEqual(undone, ["inner", "outer"], "a parent was undone before its child")
        assert.include(yield* Line.status(child[0]?.run ?? ""), { _tag: "Cancelled", isUndoing: false })
        const cancelled = (yield* events).filter(({ fact }) => fact._tag === "LineCancelled")
        assert.deepStrictEqual(
          cancelled.map(({ actor }) => actor),
          [by.actor, by.actor]
        )
      })
    )
  })
})

describe("A run that goes back", () => {
  test("is undone to that place first, the last stage first, over a restart, and each time anew", (path) => {
    const Steps = make("Steps")
    const undone: Array<string> = []
    let ran = 0
    const numbered = (name: string) =>
      step(
        name,
        undone,
        Effect.sync(() => `${name} ${++ran}`)
      )
    const code = Steps.toLayer(
      Effect.fnUntraced(function* ({ item }) {
        yield* numbered("one")
        yield* Line.parallel(
          "race",
          { a: numbered("two"), b: Effect.andThen(numbered("two"), Effect.never) },
          { join: "first" }
        )
        yield* Stage.run({ name: "plain", success: Schema.Void }, Effect.void)
        yield* go(item)
        return yield* numbered("three")
      })
    )
    return Effect.gen(function* () {
      const run = yield* live(
        path,
        code,
        Effect.gen(function* () {
          const run = yield* Steps.start({ item })
          yield* Line.settled(run)
          yield* Gate.settle(`${run}:go`, { _tag: "Approve" }, by)
          assert.include(yield* Line.settled(run), { _tag: "Finished" })
          return run
        })
      )
      // A process without the line can only ask for it.
      yield* alone(Line.rewind(run, { before: "race/a/two", by: by.actor }), store(path))
      assert.deepStrictEqual(undone, [])
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          assert.include(yield* Line.settled(run), { _tag: "Waiting", isUndoing: false })
          assert.strictEqual(undone[0], "three 4", "the last stage is undone first")
          assert.deepStrictEqual(undone.toSorted(), ["three 4", "two 2", "two 3"])
          assert.strictEqual(yield* count("StageUndone"), 3)
          assert.strictEqual(ran, 6, "a stage ran again before that was forgotten")
          const rewound = (yield* events).find(({ fact }) => fact._tag === "LineRewound")
          assert.deepEqual(rewound?.actor, by.actor)
          yield* Line.rewind(run, { before: "one" })
          assert.include(yield* Line.settled(run), { _tag: "Waiting" })
          assert.lengthOf(undone, 6, `what ran again was not undone again: ${undone.join(", ")}`)
          assert.strictEqual(undone[5], "one 1")
        })
      )
    })
  })
})
