/** What an engine promises to a line: its facts, its gates, its starts and its ends. */
import { assert } from "@effect/vitest"
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
  count,
  item,
  line,
  type Live,
  question,
  range,
  Refused,
  resultOf,
  type Services,
  until
} from "./DurableLab.ts"

const { Activity, Workflow } = Durable

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
  let ran = 0
  // The run has more to do when the answers come: the first one has to stop it, and the others must not overtake.
  const busy = Effect.suspend(() => (++ran === 1 ? Effect.sleep("1 second") : Effect.void))
  const code = Asked.toLayer(() =>
    Effect.all([Stage.run({ name: "busy", success: Schema.Void }, busy), Gate.answer("what", question)], {
      concurrency: 2
    }).pipe(Effect.map(([, answer]) => answer))
  )
  return live(
    code,
    Effect.gen(function* () {
      const run = yield* Asked.start({ item })
      yield* Effect.repeat(Effect.andThen(Effect.yieldNow, Gate.list()), { until: (gates) => gates.size > 0 })
      // Nothing tells from outside that the branch of the gate began to wait.
      yield* Effect.repeat(Effect.yieldNow, { times: 20 })
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
