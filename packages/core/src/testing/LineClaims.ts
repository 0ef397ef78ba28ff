/** What an engine promises to a line: its stages, its facts, its gates and its ends. */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Actor from "../Actor.ts"
import * as Durable from "../Durable.ts"
import * as Gate from "../Gate.ts"
import * as Journal from "../Journal.ts"
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
  type Services,
  until,
  within
} from "./DurableLab.ts"

const { Activity, Workflow } = Durable

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
      yield* Shaky.resume(run)
      yield* within(Effect.repeat(count("StageFailed second"), { until: (times) => times === 2 }), "A second failure")
      yield* until(run, "Stalled")
      isMended = true
      yield* Shaky.resume(run)
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
        yield* Wide.resume(run)
        assert.deepStrictEqual(yield* resultOf(run), range(8))
        assert.deepStrictEqual(ran.toSorted(), range(8), "a finished stage ran again")
      })
    )
  })
}

/** The facts of a result are written once, over every replay. */
export const outbox = (live: Live): Effect.Effect<void, unknown> => {
  const Noted = line("Noted", Schema.Boolean)
  const code = Noted.toLayer(
    Effect.fnUntraced(function* () {
      const note = yield* Journal.entry({ _tag: "Commented", item: item.id, body: "done" }, "note")
      const outbox: Durable.Outbox = { entries: [note], isWritten: false }
      yield* Durable.withOutbox(outbox, Activity.make({ name: "noted", success: Schema.Void, execute: Effect.void }))
      const supports = yield* Durable.Supports
      yield* Gate.approve("go", question).pipe(Effect.orDie)
      return outbox.isWritten === supports.atomicFacts
    })
  )
  return live(
    code,
    Effect.gen(function* () {
      const run = yield* Noted.start({ item })
      yield* until(run, "Waiting")
      yield* Gate.settle(`${run}:go`, { _tag: "Approve" }, ada)
      assert.isTrue(yield* resultOf(run), "the engine writes facts with the result if, and only if, it says so")
      assert.strictEqual(yield* count("Commented"), 1, "a fact of a result stands once")
      assert.strictEqual(yield* count("GateOpened gate-go-open"), 1, "the gate was opened once")
    })
  )
}

/** Facts that follow the end of a run do not open it again, and its gates are closed. */
export const late = (live: Live): Effect.Effect<void, unknown> => {
  const Parker = line("Parker", Schema.Void)
  const hasOpened = Effect.repeat(Effect.andThen(Effect.yieldNow, Gate.list()), { until: (gates) => gates.size > 0 })
  const code = Parker.toLayer(({ item }) =>
    Effect.all(
      [
        Effect.andThen(
          Stage.run({ name: "other", success: Schema.Void }, Effect.asVoid(hasOpened)),
          Line.park(item, { reason: "Somebody else did it" })
        ),
        Effect.orDie(Gate.approve("never", question))
      ],
      { concurrency: 2, discard: true }
    )
  )
  return live(
    code,
    Effect.gen(function* () {
      const run = yield* Parker.start({ item })
      yield* until(run, "Parked")
      const error = yield* Effect.flip(Gate.settle(`${run}:never`, { _tag: "Approve" }, ada))
      assert.strictEqual(error.reason, "Closed", error.message)
      assert.strictEqual(yield* count("GateAnswered gate-never-open"), 0, "an answer that nobody waits for is no fact")
      yield* Effect.provideService(Journal.record({ _tag: "StageStarted", attempt: 1 }), Journal.Origin, {
        line: "Parker",
        run,
        item: item.id,
        stage: "late",
        actor: Actor.host
      })
      assert.strictEqual((yield* Status.of(run))?._tag, "Parked", "a fact after its end opened the run again")
    })
  )
}

/** The first of 8 answers stands, and it is the one that the line gets. */
export const firstAnswer = (live: Live): Effect.Effect<void, unknown> => {
  const Asked = line("Asked", Schema.String)
  return live(
    Asked.toLayer(() => Gate.answer("what", question).pipe(Effect.orDie)),
    Effect.gen(function* () {
      const run = yield* Asked.start({ item })
      yield* until(run, "Waiting")
      const exits = yield* Effect.forEach(
        range(8),
        (n) => Effect.exit(Gate.settle(`${run}:what`, { _tag: "Reply", text: `answer ${n}` }, ada)),
        { concurrency: "unbounded" }
      )
      const given = yield* resultOf(run)
      const accepted = exits.flatMap((exit, n) => (Exit.isSuccess(exit) ? [`answer ${n}`] : []))
      assert.deepStrictEqual(accepted, [given], "one answer was accepted, and the line got that one")
      const gate = (yield* Gate.list()).get(`${run}:what`)
      assert.strictEqual(
        JSON.stringify(gate?.answered?.answer),
        JSON.stringify({ text: given }),
        "the journal holds the answer that the line got"
      )
      yield* Gate.settle(`${run}:what`, { _tag: "Reply", text: String(given) }, ada)
      assert.strictEqual(yield* count("GateAnswered gate-what-open"), yield* count("GateOpened gate-what-open"))
    })
  )
}

/** What a failed line did is undone, the last stage first. */
export const compensated = (live: Live): Effect.Effect<void, unknown> => {
  const Undone = line("Undone", Schema.Void)
  const undone: Array<string> = []
  const step = (name: string) =>
    Stage.run({ name, success: Schema.Void }, Effect.void).pipe(
      Workflow.withCompensation(() => Effect.sync(() => void undone.push(name)))
    )
  const code = Undone.toLayer(
    Effect.fnUntraced(function* () {
      yield* step("first")
      yield* step("second")
      yield* Gate.approve("go", question).pipe(Effect.catchTag("Rejected", ({ note }) => new Refused({ why: note })))
    })
  )
  return live(
    code,
    Effect.gen(function* () {
      for (const given of [{ _tag: "Reject", note: "no" }, { _tag: "Approve" }] as const) {
        const run = yield* Undone.start({ item })
        yield* until(run, "Waiting")
        assert.deepStrictEqual(undone, given._tag === "Reject" ? [] : ["second", "first"], "a wait undid a stage")
        yield* Gate.settle(`${run}:go`, given, ada)
        yield* until(run, given._tag === "Reject" ? "Failed" : "Finished")
      }
      assert.deepStrictEqual(undone, ["second", "first"], "what a failed line did is undone once, the last first")
    })
  )
}

/** Runs of one item that start at once have different names. */
export const starts = (live: Live): Effect.Effect<void, unknown> => {
  const Quick = line("Quick", Schema.String)
  const Other = line("Other", Schema.String)
  const code = Layer.mergeAll(
    ...([Quick, Other].map((each) =>
      each.toLayer(({ item }) => Stage.run({ name: "stage", success: Schema.String }, Effect.succeed(item.id)))
    ) as [Layer.Layer<never, never, Services>, Layer.Layer<never, never, Services>])
  )
  return live(
    code,
    Effect.gen(function* () {
      const start = (n: number) => (n % 2 === 0 ? Quick : Other).start({ item })
      const runs = yield* Effect.forEach(range(8), start, { concurrency: "unbounded" })
      assert.deepStrictEqual(
        runs.toSorted(),
        range(8).map((n) => `issue-1.${n + 1}`),
        "a run's name is unique in its journal, over all lines"
      )
      for (const run of runs) assert.strictEqual(yield* resultOf(run), "issue-1")
      assert.strictEqual(yield* count("StageFinished stage"), 8)
    })
  )
}
