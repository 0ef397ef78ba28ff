import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Actor from "../src/Actor.ts"
import * as Gate from "../src/Gate.ts"
import * as GateDesk from "../src/GateDesk.ts"
import * as Journal from "../src/Journal.ts"
import * as Line from "../src/Line.ts"
import * as Recorder from "../src/Recorder.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { item, live, test } from "./FactoryStore.ts"

const ada = Actor.human("ada")

describe("Active minutes", () => {
  it("are the gaps between signs of life that are short enough; where there is none, they are not known", () => {
    const minutes = (...at: ReadonlyArray<number>) => Recorder.activeMinutes(at.map((minute) => minute * 60_000))
    assert.strictEqual(minutes(), null)
    assert.strictEqual(minutes(3), null, "one sign is no time")
    assert.strictEqual(minutes(0, 30), null, "what happened between two signs far apart, nobody knows")
    assert.strictEqual(minutes(0, 0), 0)
    assert.strictEqual(minutes(0, 1, 2.5, 30, 31), 3.5)
    assert.strictEqual(minutes(0, 2), 2)
    assert.strictEqual(minutes(0, Number.NaN, 1, Infinity), 1)
    assert.strictEqual(Recorder.activeMinutes([0, 300_000], { idle: "5 minutes" }), 5)
  })

  it.prop(
    "do not depend on the order or on which surface saw what; a sign more never makes them less, nor more than the whole time",
    [Schema.Array(Schema.Natural), Schema.Array(Schema.Natural)],
    ([ours, theirs]) => {
      const scaled = (signs: ReadonlyArray<number>) => signs.map((at) => (at % 1_000) * 10_000)
      const [one, other] = [scaled(ours), scaled(theirs)]
      const both = Recorder.activeMinutes([...one, ...other])
      assert.strictEqual(both, Recorder.activeMinutes([...other, ...one].toReversed()))
      assert.isAtLeast(both ?? 0, Recorder.activeMinutes(one) ?? 0, "a second surface took minutes away")
      const all = [...one, ...other]
      const whole = all.length === 0 ? 0 : (Math.max(...all) - Math.min(...all)) / 60_000
      assert.isAtMost(both ?? 0, whole + 1e-9)
    }
  )

  it.effect("are measured while a human is at a surface, and not while they are away", () =>
    Effect.gen(function* () {
      const away = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        Recorder.measured((alive) =>
          Effect.gen(function* () {
            yield* Effect.sleep("90 seconds")
            yield* alive
            yield* Effect.sleep("1 hour")
            yield* alive
            yield* Effect.sleep("30 seconds")
            yield* Deferred.succeed(away, undefined)
            return "yes"
          })
        )
      )
      yield* TestClock.adjust("2 hours")
      assert.deepStrictEqual(yield* Fiber.join(fiber), { value: "yes", activeMinutes: 2 })
    })
  )

  test("stand in the ledger where a gate was answered with them; a number that is none is refused", (path) => {
    const Asking = Line.make("Asking", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
    const code = Asking.toLayer(() => Gate.answer("what", { question: "What?", cause: "needs info" }))
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Asking.start({ item })
        yield* Line.settled(run)
        const gate = `${run}:what`
        const settle = (activeMinutes: number | null) =>
          GateDesk.settle(gate, { _tag: "Reply", text: "this" }, { actor: ada, activeMinutes })
        for (const minutes of [-1, Number.NaN, Infinity]) {
          assert.strictEqual((yield* Effect.flip(settle(minutes))).reason, "WrongAnswer")
        }
        const posing = settle(null).pipe(Journal.as({ _tag: "Agent", role: "Implement" }))
        assert.strictEqual((yield* Effect.flip(posing)).reason, "NotHuman", "an agent answered as a human")
        const { activeMinutes } = yield* Recorder.measured((alive) => Effect.andThen(alive, Effect.succeed("this")))
        yield* settle(activeMinutes)
        const answered = (yield* Recorder.ledger).get(gate)?.answered
        assert.strictEqual(answered?.activeMinutes, activeMinutes)
        assert.isNotNull(answered?.waited ?? null)
      })
    )
  })
})
