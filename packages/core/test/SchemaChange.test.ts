import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Gate from "../src/Gate.ts"
import * as Journal from "../src/Journal.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as Status from "../src/Status.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { item, live, type Services, test } from "./FactoryStore.ts"

const before = { item: WorkItem.WorkItem, colour: Schema.String }
const after = { item: WorkItem.WorkItem, colour: Schema.Struct({ name: Schema.String }) }
const counted = Schema.Struct({ total: Schema.Number })
const named = Schema.Struct({ total: Schema.Struct({ value: Schema.Number }) })

const go = Gate.answer("go", { question: "Go on?", cause: "test" })

/** A line with a stage whose result has this schema. Both codes of a line go under one name, as they do in a program. */
const Old = Line.make("Painting", { payload: before, success: Schema.Json })
const NewPayload = Line.make("Painting", { payload: after, success: Schema.Json })

const painting = <A extends Schema.Json>(
  line: { readonly toLayer: typeof Old.toLayer },
  schema: Schema.Codec<A, unknown>,
  work: Effect.Effect<A>
) => line.toLayer(() => Effect.tap(Stage.run({ name: "count", success: schema }, work), go))

let ran = 0
const counting = Effect.sync(() => {
  ran++
  return { total: 3 }
})

const stalled = (path: string, code: Layer.Layer<never, never, Services>) =>
  live(
    path,
    code,
    Effect.gen(function* () {
      yield* Gate.settle("issue-1.1:go", { _tag: "Reply", text: "yes" }, { actor: Actor.human("ada") })
      yield* Line.resume("issue-1.1")
      const status = yield* Effect.repeat(Line.settled("issue-1.1"), { until: ({ _tag }) => _tag !== "Waiting" })
      assert.strictEqual(status._tag, "Stalled", JSON.stringify(status))
      return status._tag === "Stalled" ? status : yield* Effect.die("not stalled")
    })
  )

const goesOn = (path: string) =>
  live(
    path,
    painting(Old, counted, counting),
    Effect.gen(function* () {
      yield* Line.resume("issue-1.1")
      const status = yield* Effect.repeat(Line.settled("issue-1.1"), { until: Status.isEnded })
      assert.include(status, { _tag: "Finished" })
      assert.deepStrictEqual(status._tag === "Finished" && status.result, { total: 3 })
      assert.strictEqual(ran, 1, "the stage ran again")
    })
  )

const started = (path: string) => {
  ran = 0
  return live(path, painting(Old, counted, counting), Effect.flatMap(Old.start({ item, colour: "blue" }), Line.settled))
}

describe("a run from before a schema was changed", () => {
  test("stalls at the stage whose result does not fit any more, and goes on with the schema of before", (path) =>
    Effect.gen(function* () {
      yield* started(path)
      const changed = painting(Old, named, Effect.succeed({ total: { value: 3 } }))
      const { fault } = yield* stalled(path, changed)
      assert.deepStrictEqual([fault.tag, fault.reason], ["StageError", "NotReadable"], fault.message)
      assert.include(fault.message, `"count"`, "the message names the stage")
      assert.include(fault.message, `["total"]`, "the message names the field")
      yield* goesOn(path)
    }))

  test("stalls when its payload does not fit any more, and goes on with the schema of before", (path) =>
    Effect.gen(function* () {
      yield* started(path)
      const changed = NewPayload.toLayer(() => Effect.die("the code ran with a payload that does not fit"))
      const { fault, item: of } = yield* stalled(path, changed)
      assert.deepStrictEqual([fault.tag, fault.reason], ["LineError", "NotReadable"], fault.message)
      assert.include(fault.message, `"issue-1.1"`, "the message names the run")
      assert.include(fault.message, `"Painting"`, "the message names the line")
      assert.include(fault.message, `["colour"]`, "the message names the field")
      assert.strictEqual(of, "issue-1")
      const events = yield* live(
        path,
        changed,
        Journal.fold(0, (count) => count + 1, "issue-1.1")
      )
      assert.isAbove(events, 0, "the facts belong to the run")
      yield* goesOn(path)
    }))
})
