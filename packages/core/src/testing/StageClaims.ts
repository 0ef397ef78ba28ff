/** What an engine promises to the stages of a line: once, in order, stored, and mended where they failed. */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Gate from "../Gate.ts"
import * as Line from "../Line.ts"
import * as Stage from "../Stage.ts"
import * as Status from "../Status.ts"
import {
  ada,
  Broken,
  count,
  facts,
  item,
  line,
  type Live,
  question,
  range,
  Refused,
  resultOf,
  until,
  within
} from "./DurableLab.ts"

/** Stages run once, in order, and steps of one name are numbered. */
export const once = (live: Live): Effect.Effect<void, unknown> => {
  const Adder = line("Adder", Schema.Number)
  const code = Adder.toLayer(
    Effect.fnUntraced(function* () {
      let sum = 0
      for (const n of [1, 2, 3]) sum += yield* Stage.run({ name: "add", success: Schema.Number }, Effect.succeed(n))
      return sum
    })
  )
  return live(
    code,
    Effect.gen(function* () {
      assert.strictEqual(
        yield* resultOf(yield* Adder.start({ item })),
        6,
        "each step of a loop has a result of its own"
      )
      assert.deepStrictEqual(yield* facts, [
        "LineStarted",
        ...["add", "add#2", "add#3"].flatMap((stage) => [`StageStarted ${stage}`, `StageFinished ${stage}`]),
        "LineFinished"
      ])
    })
  )
}

/** A replay is answered with what was stored, errors that a stage declares too. */
export const stored = (live: Live): Effect.Effect<void, unknown> => {
  const Stored = line("Stored", Schema.String)
  let ran = 0
  const code = Stored.toLayer(
    Effect.fnUntraced(function* () {
      const good = yield* Stage.run(
        { name: "good", success: Schema.Date },
        Effect.sync(() => new Date(++ran))
      )
      const bad = yield* Stage.run(
        { name: "bad", success: Schema.String, error: Refused },
        Effect.suspend(() => new Refused({ why: `no ${++ran}` }))
      ).pipe(Effect.catchTag("Refused", ({ why }) => Effect.succeed(why)))
      yield* Gate.answer("go", question)
      return `${good.getTime()} ${bad}`
    })
  )
  return live(
    code,
    Effect.gen(function* () {
      const run = yield* Stored.start({ item })
      yield* until(run, "Waiting")
      yield* Gate.settle(`${run}:go`, { _tag: "Reply", text: "yes" }, ada)
      assert.strictEqual(yield* resultOf(run), "1 no 2", "a replay answers with what was stored, of the declared types")
      assert.strictEqual(ran, 2, "a finished stage ran again")
      assert.strictEqual(yield* count("StageFinished good"), 1)
      assert.strictEqual(yield* count("StageFailed bad"), 1, "an error that a stage declares is a result")
    })
  )
}

/** A line that fails in its second stage as long as it is not mended. */
const mended = (live: Live, broken: Effect.Effect<unknown, Broken>, message: string) => {
  const Shaky = line("Shaky", Schema.String)
  let ran = 0
  let isMended = false
  const code = Shaky.toLayer(
    Effect.fnUntraced(function* () {
      yield* Stage.run(
        { name: "first", success: Schema.Void },
        Effect.sync(() => void ran++)
      )
      // What the broken effect answers with is not what the stage says: that is one of the cases.
      const second = Effect.suspend(() =>
        isMended ? Effect.succeed("done") : (broken as Effect.Effect<string, Broken>)
      )
      return yield* Stage.run({ name: "second", success: Schema.String }, second)
    })
  )
  return live(
    code,
    Effect.gen(function* () {
      const run = yield* Shaky.start({ item })
      const stalled = yield* until(run, "Stalled")
      assert.include(stalled._tag === "Stalled" ? stalled.fault.message : "", message, "the status says what is wrong")
      assert.strictEqual(yield* count("StageFinished second"), 0, "a stage that failed is not finished")
      assert.strictEqual(yield* count("StageFailed second"), 1, "the failure is in the journal")
      yield* Line.resume(run)
      yield* within(Effect.repeat(count("StageFailed second"), { until: (times) => times === 2 }), "A second failure")
      yield* until(run, "Stalled")
      isMended = true
      yield* Line.resume(run)
      assert.strictEqual(yield* resultOf(run), "done")
      assert.strictEqual(ran, 1, "a finished stage ran again")
    })
  )
}

/** A fault stalls the line, and only what failed runs again when it is resumed. */
export const faults = (live: Live): Effect.Effect<void, unknown> =>
  mended(live, Effect.fail(new Broken({ reason: "Broken", message: "The tap is closed." })), "The tap is closed.")

/** A result that does not encode stalls the line, which can be mended. */
export const unencodable = (live: Live): Effect.Effect<void, unknown> =>
  mended(live, Effect.succeed(Symbol("no text")), "second")

/** A stage that interrupts itself stalls the line, which can be mended. */
export const selfInterrupted = (live: Live): Effect.Effect<void, unknown> =>
  mended(live, Effect.interrupt, "interrupted")

/** Stages run at the same time, each once, and one that fails does not stop the others. */
export const parallel = (live: Live): Effect.Effect<void, unknown> => {
  const Wide = line("Wide", Schema.Array(Schema.Number))
  const ran: Array<number> = []
  let isMended = false
  return Effect.gen(function* () {
    const hasBegun = yield* Deferred.make<void>()
    const hasStalled = yield* Deferred.make<void>()
    const code = Wide.toLayer(() =>
      Effect.forEach(
        range(8),
        (n) => {
          const work = Effect.gen(function* () {
            if (n === 7) yield* Deferred.succeed(hasBegun, undefined)
            if (n === 3 && !isMended) {
              yield* Deferred.await(hasBegun)
              return yield* new Broken({ reason: "Broken", message: "3 is broken" })
            }
            // The others go on after the line has stalled.
            if (n > 3) yield* Deferred.await(hasStalled)
            ran.push(n)
            return n
          })
          return Stage.run({ name: `stage ${n}`, success: Schema.Number }, work)
        },
        { concurrency: "unbounded" }
      )
    )
    yield* live(
      code,
      Effect.gen(function* () {
        const run = yield* Wide.start({ item })
        yield* until(run, "Stalled")
        yield* Deferred.succeed(hasStalled, undefined)
        yield* within(
          Effect.repeat(count("StageFinished stage 7"), { until: (times) => times === 1 }),
          "The last stage"
        )
        const status = yield* Status.of(run)
        assert.strictEqual(status?._tag, "Stalled", "a stage that finishes beside the one that failed mends nothing")
        isMended = true
        yield* Line.resume(run)
        assert.deepStrictEqual(yield* resultOf(run), range(8))
        assert.deepStrictEqual(ran.toSorted(), range(8), "a finished stage ran again")
      })
    )
  })
}
