import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { count, item, live, test } from "./FactoryStore.ts"

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
          yield* Effect.repeat(count("StageUndone"), { until: (times) => times >= 4 })
        })
      )
      yield* live(path, code, Line.ended(run))
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
