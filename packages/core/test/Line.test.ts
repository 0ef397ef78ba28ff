import * as Actor from "@millwright/core/Actor"
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import type * as Durable from "@millwright/core/Durable"
import * as Fault from "@millwright/core/Fault"
import * as Gate from "@millwright/core/Gate"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const item: WorkItem.WorkItem = {
  id: "issue-1",
  title: "It breaks",
  body: WorkItem.bodyOf("It breaks."),
  labels: [],
  source: "issue-1.md"
}

class Broken extends Fault.Class<Broken>()("Broken", { Once: false, Often: true }) {}

const withFile = <A, E>(use: (path: string) => Effect.Effect<A, E>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "line-"))),
    (folder) => use(join(folder, "factory.db")),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )

const store = (path: string) => {
  const sqlite = Sqlite.layer({ path, poll: "5 millis" })
  return Layer.mergeAll(SqliteJournal.layer, SqliteEngine.layer()).pipe(Layer.provide(sqlite))
}

const facts = Effect.gen(function* () {
  const journal = yield* Journal.Journal
  const events = yield* Stream.runCollect(journal.read())
  return events.map((event) => [event.fact._tag, event.stage] as const)
})
const countOf = (tag: string, stage: string) =>
  Effect.map(facts, (all) => all.filter(([found, at]) => found === tag && at === stage).length)

describe("Line", () => {
  it.live("runs stages in order, stores their results and finishes", () =>
    withFile((path) => {
      const Adder = Line.make("Adder", {
        payload: { item: WorkItem.WorkItem, n: Schema.Number },
        success: Schema.Number
      })
      const code = Adder.toLayer(
        Effect.fnUntraced(function* ({ n }) {
          let sum = 0
          for (let i = 1; i <= n; i++) {
            sum += yield* Stage.run({ name: "add", success: Schema.Number }, Effect.succeed(i))
          }
          return sum
        })
      )
      return Effect.gen(function* () {
        const run = yield* Adder.start({ item, n: 3 })
        const status = yield* Line.settled(run)
        assert.strictEqual(status._tag, "Finished")
        assert.strictEqual(
          status._tag === "Finished" && (yield* Adder.result(status.result)),
          6,
          "a loop over one stage name must not answer with the first result again"
        )
        assert.deepStrictEqual(
          (yield* facts).map(([tag, stage]) => (stage === null ? tag : `${tag} ${stage}`)),
          [
            "LineStarted",
            "StageStarted add",
            "StageFinished add",
            "StageStarted add#2",
            "StageFinished add#2",
            "StageStarted add#3",
            "StageFinished add#3",
            "LineFinished"
          ]
        )
        assert.strictEqual(
          yield* Adder.start({ item, n: 1 }),
          "issue-1.2",
          "a second run of one item has a name of its own"
        )
      }).pipe(Effect.provide(code.pipe(Layer.provideMerge(store(path)))))
    })
  )

  it.live("stalls on a fault, and resumes at the stage that failed without running the others again", () =>
    withFile((path) => {
      const Shaky = Line.make("Shaky", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
      let ran = 0
      let isMended = false
      const code = Shaky.toLayer(
        Effect.fnUntraced(function* () {
          const first = yield* Stage.run(
            { name: "first", success: Schema.String },
            Effect.sync(() => {
              ran++
              return "one"
            })
          )
          const second = yield* Stage.run(
            { name: "second", success: Schema.String },
            Effect.suspend(() =>
              isMended
                ? Effect.succeed("two")
                : Effect.fail(new Broken({ reason: "Once", message: "the tap is closed" }))
            )
          )
          return `${first} ${second}`
        })
      )
      return Effect.gen(function* () {
        const run = yield* Shaky.start({ item })
        const stalled = yield* Line.settled(run)
        assert.strictEqual(stalled._tag, "Stalled")
        assert.strictEqual(stalled._tag === "Stalled" && stalled.fault.message, "the tap is closed")
        isMended = true
        yield* Line.resume(run)
        const status = yield* Line.settled(run)
        assert.strictEqual(status._tag === "Finished" && status.result, "one two")
        assert.strictEqual(ran, 1, "a finished stage ran again")
        assert.strictEqual(yield* countOf("StageStarted", "second"), 2)
        const again = yield* Effect.flip(Line.resume(run))
        assert.strictEqual(again._tag === "LineError" && again.reason, "Ended")
        const nobody = yield* Effect.flip(Line.resume("nobody.1"))
        assert.strictEqual(nobody._tag === "LineError" && nobody.reason, "NoSuchRun")
      }).pipe(Effect.provide(code.pipe(Layer.provideMerge(store(path)))))
    })
  )

  it.live("retries a retryable fault by the stage's schedule", () =>
    withFile((path) => {
      const Retried = Line.make("Retried", { payload: { item: WorkItem.WorkItem }, success: Schema.Number })
      let tries = 0
      const code = Retried.toLayer(() =>
        Stage.run(
          { name: "flaky", success: Schema.Number, retry: Schedule.recurs(3) },
          Effect.suspend(() =>
            ++tries < 3 ? Effect.fail(new Broken({ reason: "Often", message: "not yet" })) : Effect.succeed(tries)
          )
        )
      )
      return Effect.gen(function* () {
        const run = yield* Retried.start({ item })
        const status = yield* Line.settled(run)
        assert.strictEqual(status._tag === "Finished" && status.result, 3)
        assert.strictEqual(yield* countOf("StageRetried", "flaky"), 2)
      }).pipe(Effect.provide(code.pipe(Layer.provideMerge(store(path)))))
    })
  )

  it.live("ends parked, with the reason, when the line says so or the attempts are used up", () =>
    withFile((path) => {
      const Never = Line.make("Never", { payload: { item: WorkItem.WorkItem }, success: Schema.Void })
      const seen: Array<unknown> = []
      const code = Never.toLayer(({ item }) =>
        Line.rework(
          { attempts: 2 },
          Effect.fnUntraced(function* (feedback: string | undefined, attempt) {
            seen.push(feedback)
            return yield* Line.again(`attempt ${attempt} of ${item.id} failed`)
          })
        )
      )
      return Effect.gen(function* () {
        const status = yield* Line.settled(yield* Never.start({ item }))
        assert.strictEqual(status._tag, "Parked")
        assert.deepStrictEqual(
          seen,
          [undefined, "attempt 1 of issue-1 failed"],
          "the failure of an attempt is the context of the next"
        )
      }).pipe(Effect.provide(code.pipe(Layer.provideMerge(store(path)))))
    })
  )

  it.live("waits at a gate without a process, is answered from elsewhere, and goes on when it is resumed", () =>
    withFile((path) => {
      const Asked = Line.make("Asked", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
      let ran = 0
      const code = Asked.toLayer(
        Effect.fnUntraced(function* () {
          yield* Stage.run(
            { name: "before", success: Schema.Void },
            Effect.sync(() => void ran++)
          )
          const words = yield* Gate.answer("clarify", { question: "Which colour?", cause: "needs info" })
          return yield* Gate.approve("merge", { question: `Paint it ${words}?`, cause: "policy" }).pipe(
            Effect.map(({ note }) => `${words} ${note}`),
            Effect.catchTag("Rejected", ({ note }) => Effect.succeed(`rejected: ${note}`))
          )
        })
      )
      const inProcess = <A, E>(effect: Effect.Effect<A, E, Durable.Engine | Journal.Journal>) =>
        Effect.provide(effect, Layer.fresh(code.pipe(Layer.provideMerge(store(path)))))
      const elsewhere = <A, E>(effect: Effect.Effect<A, E, Durable.Engine | Journal.Journal>) =>
        Effect.provide(effect, Layer.fresh(store(path)))
      return Effect.gen(function* () {
        const run = yield* inProcess(
          Effect.gen(function* () {
            const run = yield* Asked.start({ item })
            const status = yield* Line.settled(run)
            assert.strictEqual(status._tag, "Waiting")
            assert.deepStrictEqual(status.openGates, ["issue-1.1:clarify"])
            return run
          })
        )
        const ada = { actor: Actor.human("ada") }
        const wrong = yield* Effect.flip(elsewhere(Gate.settle("issue-1.1:clarify", { _tag: "Approve" }, ada)))
        assert.strictEqual(wrong._tag === "GateError" && wrong.reason, "WrongAnswer")
        const none = yield* Effect.flip(elsewhere(Gate.settle("issue-1.1:nothing", { _tag: "Approve" }, ada)))
        assert.include(none.message, "issue-1.1:clarify", "the message names the gates that are open")
        yield* elsewhere(Gate.settle("issue-1.1:clarify", { _tag: "Reply", text: "blue" }, ada))
        yield* elsewhere(Gate.settle("issue-1.1:clarify", { _tag: "Reply", text: "blue" }, ada))
        const other = yield* Effect.flip(
          elsewhere(Gate.settle("issue-1.1:clarify", { _tag: "Reply", text: "red" }, ada))
        )
        assert.strictEqual(other._tag === "GateError" && other.reason, "AlreadyAnswered")
        yield* inProcess(
          Effect.gen(function* () {
            yield* Line.resume(run)
            const waiting = yield* Effect.repeat(Line.settled(run), {
              until: (status) => status.openGates.includes("issue-1.1:merge")
            })
            assert.strictEqual(waiting._tag, "Waiting")
            const fiber = yield* Effect.forkChild(Line.ended(run))
            yield* elsewhere(Gate.settle("issue-1.1:merge", { _tag: "Approve", note: "go" }, ada))
            const status = yield* Fiber.join(fiber)
            assert.strictEqual(status._tag === "Finished" && status.result, "blue go")
          })
        )
        assert.strictEqual(ran, 1, "a finished stage ran again")
        const answers = yield* inProcess(
          Effect.map(facts, (all) => all.filter(([tag]) => tag === "GateAnswered").length)
        )
        assert.strictEqual(answers, 2, "an answer was recorded twice")
      })
    })
  )

  it.live("builds what a stage is provided with only when the stage runs", () =>
    withFile((path) => {
      const Provided = Line.make("Provided", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
      const opened: Array<string> = []
      const layer = Layer.effectDiscard(
        Effect.acquireRelease(
          Effect.sync(() => opened.push("open")),
          () => Effect.sync(() => opened.push("close"))
        )
      )
      const code = Provided.toLayer(() =>
        Effect.gen(function* () {
          yield* Stage.run(
            { name: "inside", success: Schema.Void },
            Effect.sync(() => void opened.push("run"))
          )
          yield* Gate.approve("go", { question: "Go?", cause: "test" }).pipe(Effect.orDie)
          return "done"
        }).pipe(Stage.provide(layer))
      )
      return Effect.gen(function* () {
        const run = yield* Provided.start({ item })
        yield* Line.settled(run)
        yield* Gate.settle(`${run}:go`, { _tag: "Approve" }, { actor: Actor.human("ada") })
        const status = yield* Line.ended(run)
        assert.strictEqual(status._tag, "Finished")
        assert.deepStrictEqual(opened.slice(0, 3), ["open", "run", "close"])
        assert.strictEqual(opened.filter((what) => what === "run").length, 1)
      }).pipe(Effect.provide(code.pipe(Layer.provideMerge(store(path)))))
    })
  )
})
