/** What an engine promises to a gate whose time is measured: reminders, escalations and time-outs. Days pass at once. */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Actor from "../Actor.ts"
import * as Durable from "../Durable.ts"
import * as Gate from "../Gate.ts"
import * as GateDesk from "../GateDesk.ts"
import * as Line from "../Line.ts"
import * as Stage from "../Stage.ts"
import * as Status from "../Status.ts"
import { ada, count, item, line, type Live, question, range, Refused, resultOf, until, within } from "./DurableLab.ts"

const Patient = line("Patient", Schema.String)

const told = (run: string) =>
  Effect.map(Gate.list(run), (gates) => {
    const asked = gates.get(`${run}:go`)?.intervention
    return asked === undefined ? [] : [asked.reminders, asked.level, asked.to]
  })

/** Nothing tells from outside that a reminder, or an end, is being written. */
const tells = (run: string, expected: ReadonlyArray<unknown>) =>
  within(
    Effect.repeat(Effect.andThen(Effect.yieldNow, told(run)), {
      until: (seen) => JSON.stringify(seen) === JSON.stringify(expected)
    }),
    `reminders, level and whom: ${JSON.stringify(expected)}`
  )

/** Somebody is reminded, others are asked, and then the host answers; the run waits all the time. */
export const reminded = (live: Live): Effect.Effect<void, unknown> => {
  let ran = 0
  const code = Patient.toLayer(() =>
    Effect.suspend(() => {
      ran++
      return Gate.approve("go", {
        ...question,
        remind: "4 hours",
        escalate: [
          { after: "1 day", to: "lead" },
          { after: "10 hours", to: "team" }
        ],
        timeout: { after: "3 days", answer: { _tag: "Reject", note: "too late" } }
      })
    }).pipe(
      Effect.as("yes"),
      Effect.catchTag("Rejected", ({ message }) => Effect.succeed(message))
    )
  )
  return live(
    code,
    Effect.gen(function* () {
      const run = yield* Patient.start({ item })
      yield* until(run, "Waiting")
      const days: ReadonlyArray<readonly [Parameters<typeof TestClock.adjust>[0], ReadonlyArray<unknown>]> = [
        ["239 minutes", [0, 0, null]],
        ["1 minute", [1, 0, null]],
        ["4 hours", [2, 0, null]],
        ["2 hours", [3, 1, "team"]],
        ["2 hours", [4, 1, "team"]],
        ["4 hours", [5, 1, "team"]],
        ["4 hours", [6, 1, "team"]],
        ["4 hours", [7, 2, "lead"]]
      ]
      for (const [pause, seen] of days) {
        yield* TestClock.adjust(pause)
        yield* tells(run, seen)
        assert.strictEqual((yield* Status.of(run))?._tag, "Waiting", "only a clock runs")
      }
      const before = ran
      yield* TestClock.adjust("4 minutes")
      assert.strictEqual(ran, before, "the line ran although nothing was due")
      yield* TestClock.adjust("2 days")
      assert.strictEqual(yield* resultOf(run), "host said no: too late")
      const asked = (yield* Gate.list(run)).get(`${run}:go`)?.intervention
      assert.strictEqual(asked?.answered?.timedOut, true, "it is visible that no human answered")
      assert.deepStrictEqual(asked?.answered?.by, Actor.host)
      const reminders = asked?.reminders ?? 0
      // Where days pass faster than an engine writes, only the newest is told.
      assert.isTrue(reminders >= 7 && reminders <= 12, `${reminders} reminders: 10 and 2 escalations at the most`)
      assert.strictEqual(yield* count("GateReminded"), reminders, "each is a fact once")
      assert.strictEqual(yield* count("GateAnswered gate-go-open"), 1)
    })
  )
}

/** A time that runs out without an answer is an error of the line, which is undone; a later answer is told so. */
export const timedOut = (live: Live): Effect.Effect<void, unknown> => {
  const undone: Array<string> = []
  const code = Patient.toLayer(
    Effect.fnUntraced(function* () {
      yield* Stage.run({ name: "first", success: Schema.Void }, Effect.void).pipe(
        Durable.Workflow.withCompensation(() => Effect.sync(() => void undone.push("first")))
      )
      return yield* Gate.answer("go", { ...question, timeout: { after: "1 day" } }).pipe(
        Effect.catchTag("TimedOut", ({ gate }) => new Refused({ why: gate }))
      )
    })
  )
  return live(
    code,
    Effect.gen(function* () {
      const run = yield* Patient.start({ item })
      yield* until(run, "Waiting")
      yield* TestClock.adjust("23 hours")
      assert.strictEqual((yield* Status.of(run))?._tag, "Waiting")
      assert.deepStrictEqual(undone, [], "a wait undid a stage")
      yield* TestClock.adjust("1 hour")
      yield* until(run, "Failed")
      // A line is undone after its end is in the journal.
      const isUndone = Effect.sync(() => undone.length > 0)
      yield* within(Effect.repeat(Effect.andThen(Effect.yieldNow, isUndone), { until: (is) => is }), "The clean-up")
      assert.deepStrictEqual(undone, ["first"], "what a failed line did is undone, once")
      const error = yield* Effect.flip(Gate.settle(`${run}:go`, { _tag: "Reply", text: "yes" }, ada))
      assert.strictEqual(error.reason, "Closed", error.message)
      const answered = (yield* Gate.list(run)).get(`${run}:go`)?.answered
      assert.include(answered, { timedOut: true, answer: null })
    })
  )
}

/** A gate that was answered leaves no clock behind: nothing wakes the line, and nobody is told. */
export const quiet = (live: Live): Effect.Effect<void, unknown> => {
  let ran = 0
  const code = Patient.toLayer(
    Effect.fnUntraced(function* () {
      ran++
      const first = yield* Gate.answer("go", { ...question, remind: "1 hour", timeout: { after: "2 days" } }).pipe(
        Effect.catchTag("TimedOut", () => Effect.succeed("late"))
      )
      return `${first} ${yield* Gate.answer("more", question)}`
    })
  )
  return live(
    code,
    Effect.gen(function* () {
      const run = yield* Patient.start({ item })
      yield* until(run, "Waiting")
      yield* TestClock.adjust("1 hour")
      yield* tells(run, [1, 0, null])
      yield* Gate.settle(`${run}:go`, { _tag: "Reply", text: "yes" }, ada)
      const isAsked = Effect.map(Gate.list(run), (gates) => gates.has(`${run}:more`))
      yield* within(Effect.repeat(Effect.andThen(Effect.yieldNow, isAsked), { until: (is) => is }), "The second gate")
      // The run that took the clock away is followed by one that finds nothing to do.
      let before: number
      do {
        before = ran
        yield* Effect.repeat(Effect.yieldNow, { times: 200 })
      } while (before !== ran)
      yield* TestClock.adjust("30 days")
      assert.strictEqual(ran, before, "a clock of an answered gate woke the line")
      assert.strictEqual(yield* count("GateReminded"), 1, "somebody was reminded of a gate that is answered")
      yield* Gate.settle(`${run}:more`, { _tag: "Reply", text: "indeed" }, ada)
      assert.strictEqual(yield* resultOf(run), "yes indeed")
    })
  )
}

/** Beside a stage that takes long, somebody is reminded in time, and the stage is not stopped for it. */
export const beside = (live: Live): Effect.Effect<void, unknown> =>
  Effect.gen(function* () {
    const done = yield* Deferred.make<void>()
    let began = 0
    const busy = Effect.suspend(() => (began++, Deferred.await(done)))
    const code = Patient.toLayer(() =>
      Effect.all(
        [
          Gate.answer("go", { ...question, remind: "1 hour", escalate: [{ after: "3 hours", to: "lead" }] }),
          Stage.run({ name: "busy", success: Schema.Void }, busy)
        ],
        { concurrency: 2 }
      ).pipe(Effect.map(([text]) => text))
    )
    yield* live(
      code,
      Effect.gen(function* () {
        const run = yield* Patient.start({ item })
        yield* within(
          Effect.repeat(
            Effect.andThen(Effect.yieldNow, () =>
              Effect.map(count("StageFinished gate-go-open"), (n) => n === 1 && began === 1)
            ),
            { until: (is) => is }
          ),
          "The gate and the stage"
        )
        yield* Effect.repeat(Effect.yieldNow, { times: 20 })
        for (const seen of [
          [1, 0, null],
          [2, 0, null],
          [3, 1, "lead"]
        ]) {
          yield* TestClock.adjust("1 hour")
          yield* tells(run, seen)
        }
        assert.strictEqual(began, 1, "a reminder stopped a stage of another branch")
        yield* Deferred.succeed(done, undefined)
        yield* until(run, "Waiting")
        yield* TestClock.adjust("1 hour")
        yield* tells(run, [4, 1, "lead"])
        yield* Gate.settle(`${run}:go`, { _tag: "Reply", text: "yes" }, ada)
        assert.strictEqual(yield* resultOf(run), "yes")
        assert.strictEqual(began, 1, "a finished stage ran again")
        assert.strictEqual(yield* count("GateReminded"), 4, "each reminder is a fact once")
      })
    )
  })

/** A clock needs no process: the next one tells what is newest, once, and goes on with the plan. */
export const unattended = (live: Live): Effect.Effect<void, unknown> => {
  const code = Patient.toLayer(() =>
    Gate.answer("go", {
      ...question,
      remind: "4 hours",
      escalate: [{ after: "1 day", to: "lead" }],
      timeout: { after: "3 days", answer: "go on" }
    })
  )
  return Effect.gen(function* () {
    const begun = yield* live(
      code,
      Effect.gen(function* () {
        const run = yield* Patient.start({ item })
        yield* until(run, "Waiting")
        yield* TestClock.adjust("4 hours")
        yield* tells(run, [1, 0, null])
        return { run, supports: yield* Durable.Supports }
      })
    )
    if (!begun.supports.persistence) return
    const { run } = begun
    yield* TestClock.adjust("26 hours")
    yield* live(
      code,
      Effect.gen(function* () {
        yield* tells(run, [2, 1, "lead"])
        yield* TestClock.adjust("119 minutes")
        assert.deepStrictEqual(yield* told(run), [2, 1, "lead"], "the times count from the opening of the gate")
        yield* TestClock.adjust("1 minute")
        yield* tells(run, [3, 1, "lead"])
      })
    )
    yield* TestClock.adjust("30 days")
    yield* live(
      code,
      Effect.gen(function* () {
        assert.strictEqual(yield* resultOf(run), "go on")
        assert.strictEqual(yield* count("GateReminded"), 3, "nobody is reminded of what is over")
      })
    )
  })
}

/** An answer and a time-out of the same moment: one stands, in the journal and in the line. */
export const crossed = (live: Live): Effect.Effect<void, unknown> => {
  const code = Patient.toLayer(() =>
    Gate.answer("go", { ...question, remind: "1 minute", timeout: { after: "2 minutes", answer: "nobody" } })
  )
  return live(
    code,
    Effect.forEach(
      range(20),
      Effect.fnUntraced(function* (turn) {
        const run = yield* Patient.start({ item })
        yield* until(run, "Waiting")
        yield* TestClock.adjust("1 minute")
        const settle = Effect.andThen(
          Effect.repeat(Effect.yieldNow, { times: turn }),
          Effect.exit(Gate.settle(`${run}:go`, { _tag: "Reply", text: "ada" }, ada))
        )
        const [exit] = yield* Effect.all([settle, TestClock.adjust("1 minute")], { concurrency: 2 })
        const result = yield* resultOf(run)
        assert.strictEqual(result, Exit.isSuccess(exit) ? "ada" : "nobody", "the line got another answer than stands")
        const answered = (yield* Gate.list(run)).get(`${run}:go`)?.answered
        assert.strictEqual(
          JSON.stringify(answered?.answer),
          JSON.stringify({ text: result }),
          "the journal holds what the line got"
        )
        assert.strictEqual(answered?.timedOut, result === "nobody" ? true : undefined)
        assert.deepStrictEqual(yield* GateDesk.open, [], "the gate is still open")
        assert.isTrue(Status.isEnded(yield* Line.settled(run)))
      }),
      { discard: true }
    )
  )
}
