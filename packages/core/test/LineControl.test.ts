import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as Status from "../src/Status.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, count, events, item, live, store, test } from "./FactoryStore.ts"

const ada = Actor.human("ada")
const by = { actor: ada }
const approve = { _tag: "Approve" } as const

/** Three stages that count how often they run, and a gate between the second and the third. */
const steps = () => {
  const ran: Array<string> = []
  const undone: Array<string> = []
  const Steps = Line.make("Steps", { payload: { item: WorkItem.WorkItem }, success: Schema.Array(Schema.Int) })
  let result = 0
  const step = (name: string) =>
    Stage.run(
      { name, success: Schema.Int },
      Effect.sync(() => {
        ran.push(name)
        return ++result
      }),
      () => Effect.sync(() => undone.push(name))
    )
  const code = Steps.toLayer(
    Effect.fnUntraced(function* () {
      const one = yield* step("one")
      const two = yield* step("two")
      yield* Gate.approve("go", { question: "Go on?", cause: "test" }).pipe(Effect.orDie)
      const three = yield* step("three")
      return [one, two, three]
    })
  )
  return { Steps, code, ran, undone }
}

const resultOf = (run: string) =>
  Effect.map(Line.settled(run), (status) => {
    assert.strictEqual(status._tag, "Finished", JSON.stringify(status))
    return status._tag === "Finished" ? status.result : undefined
  })

describe("Line.cancel", () => {
  test("stops a run that waits, undoes what it did once, the last first, and says so for good", (path) => {
    const { Steps, code, ran, undone } = steps()
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Steps.start({ item })
        yield* Line.settled(run)
        yield* Line.cancel(run, { reason: "The issue was closed", by: ada })
        const status = yield* Line.status(run)
        assert.include(status, { _tag: "Cancelled", reason: "The issue was closed" })
        yield* Effect.repeat(count("StageUndone"), { until: (times) => times === 2 })
        assert.deepStrictEqual(undone, ["two", "one"], "what it did is undone, the last first")
        yield* Line.cancel(run, { reason: "again" })
        assert.strictEqual(yield* count("LineCancelled"), 1, "to cancel a run twice changes nothing")
        assert.deepStrictEqual(undone, ["two", "one"], "nothing is undone twice")
        const late = yield* Effect.flip(Gate.settle(`${run}:go`, approve, by))
        assert.strictEqual(late.reason, "Closed", "a gate of a cancelled run takes no answer")
        assert.strictEqual((yield* Effect.flip(Line.resume(run))).reason, "Ended")
        assert.deepStrictEqual(ran, ["one", "two"], "a cancelled run began another stage")
        const cancelled = (yield* events).find(({ fact }) => fact._tag === "LineCancelled")
        assert.deepStrictEqual(cancelled?.actor, ada, "the journal says who it was")
      })
    )
  })

  test("interrupts the stage that the run is in", (path) => {
    const Busy = Line.make("Busy", { payload: { item: WorkItem.WorkItem }, success: Schema.Void })
    return Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const interrupted = yield* Deferred.make<void>()
      const work = Effect.andThen(Deferred.succeed(begun, undefined), Effect.never).pipe(
        Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
      )
      const code = Busy.toLayer(() => Stage.run({ name: "busy", success: Schema.Void }, work))
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          const run = yield* Busy.start({ item })
          yield* Deferred.await(begun)
          yield* Line.cancel(run, { reason: "enough" })
          yield* Deferred.await(interrupted)
          assert.strictEqual((yield* Line.status(run))._tag, "Cancelled")
        })
      )
    })
  })

  test("refuses a run that is over, and names runs that are called alike", (path) => {
    const { Steps, code } = steps()
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Steps.start({ item })
        yield* Line.settled(run)
        yield* Gate.settle(`${run}:go`, approve, by)
        yield* resultOf(run)
        assert.strictEqual((yield* Effect.flip(Line.cancel(run, { reason: "late" }))).reason, "Ended")
        const unknown = yield* Effect.flip(Line.cancel("issue-1.7", { reason: "late" }))
        assert.strictEqual(unknown.reason, "NoSuchRun")
        assert.include(unknown.message, run, "the message names the runs that there are")
      })
    )
  })
})

describe("Line.park", () => {
  test("puts a run aside from outside, with what would take it up again", (path) => {
    const { Steps, code } = steps()
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Steps.start({ item })
        yield* Line.settled(run)
        yield* Line.park(run, { reason: "Not now", unblockWhen: "the release is out", reviewAfter: "7 days" })
        assert.include(yield* Line.status(run), { _tag: "Parked", reason: "Not now" })
        const parked = (yield* events).find(({ fact }) => fact._tag === "LineParked")
        assert.deepInclude(parked?.fact, { unblockWhen: "the release is out", reviewAfter: 604_800_000 })
      })
    )
  })
})

describe("Line.rewind", () => {
  test("forgets a stage and what came after it, and runs them again; what was before stays", (path) => {
    const { Steps, code, ran } = steps()
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Steps.start({ item })
        yield* Line.settled(run)
        yield* Gate.settle(`${run}:go`, approve, by)
        assert.deepStrictEqual(yield* resultOf(run), [1, 2, 3])
        yield* Line.rewind(run, { before: "two", by: ada })
        assert.strictEqual((yield* Line.settled(run))._tag, "Waiting", "the gate asks again")
        yield* Gate.settle(`${run}:go`, approve, by)
        assert.deepStrictEqual(yield* resultOf(run), [1, 4, 5])
        assert.deepStrictEqual(ran, ["one", "two", "three", "two", "three"])
        assert.strictEqual(yield* count("StageFinished", "one"), 1)
        assert.strictEqual(yield* count("StageFinished", "three"), 2, "both passages are in the journal")
        assert.strictEqual(yield* count("LineFinished"), 2)
        yield* Line.rewind(run, { before: "three" })
        assert.deepStrictEqual(yield* resultOf(run), [1, 4, 6], "an answered gate before that place is not asked again")
      })
    )
  })

  test("goes on in another process, and with other code from there on", (path) => {
    const { Steps, code } = steps()
    const other = Steps.toLayer(
      Effect.fnUntraced(function* () {
        const one = yield* Stage.run({ name: "one", success: Schema.Int }, Effect.die("a finished stage ran again"))
        return [one, yield* Stage.run({ name: "another", success: Schema.Int }, Effect.succeed(9))]
      })
    )
    return Effect.gen(function* () {
      const run = yield* live(
        path,
        code,
        Effect.gen(function* () {
          const run = yield* Steps.start({ item })
          yield* Line.settled(run)
          return run
        })
      )
      yield* alone(Line.rewind(run, { before: "two" }), store(path))
      yield* live(
        path,
        other,
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* resultOf(run), [1, 9])
        })
      )
    })
  })

  test("refuses a stage that the run has not begun, a run in a stage, and a place after something undone", (path) => {
    const { Steps, code, undone } = steps()
    const Busy = Line.make("Busy", { payload: { item: WorkItem.WorkItem }, success: Schema.Void })
    return Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const busy = Busy.toLayer(() =>
        Stage.run(
          { name: "busy", success: Schema.Void },
          Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
        )
      )
      yield* live(
        path,
        Layer.merge(code, busy),
        Effect.gen(function* () {
          const run = yield* Steps.start({ item })
          yield* Line.settled(run)
          const error = yield* Effect.flip(Line.rewind(run, { before: "nine" }))
          assert.strictEqual(error.reason, "NoSuchStage")
          assert.include(error.message, "one, two, gate-go-open", "the message says what the run began")
          yield* Line.cancel(run, { reason: "no" })
          yield* Effect.repeat(count("StageUndone"), { until: (times) => times === 2 })
          assert.strictEqual((yield* Effect.flip(Line.rewind(run, { before: "two" }))).reason, "Undone")
          yield* Line.rewind(run, { before: "one" })
          assert.strictEqual((yield* Line.settled(run))._tag, "Waiting", "a cancelled run can be taken up again")
          assert.deepStrictEqual(undone, ["two", "one"])
          const running = yield* Busy.start({ item })
          yield* Deferred.await(begun)
          yield* Effect.repeat(count("StageStarted", "busy"), { until: (times) => times === 1 })
          assert.strictEqual((yield* Effect.flip(Line.rewind(running, { before: "busy" }))).reason, "Running")
        })
      )
    })
  })
})

describe("Line.fork", () => {
  test("makes a new run that takes over what was before a stage; both go on by themselves", (path) => {
    const { Steps, code, ran } = steps()
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Steps.start({ item })
        yield* Line.settled(run)
        const copy = yield* Line.fork(run, { before: "two" })
        assert.notStrictEqual(copy, run)
        assert.strictEqual((yield* Line.settled(copy))._tag, "Waiting")
        yield* Gate.settle(`${copy}:go`, approve, by)
        assert.deepStrictEqual(yield* resultOf(copy), [1, 3, 4])
        assert.strictEqual((yield* Line.status(run))._tag, "Waiting", "the other run still waits")
        yield* Gate.settle(`${run}:go`, approve, by)
        assert.deepStrictEqual(yield* resultOf(run), [1, 2, 5])
        assert.deepStrictEqual(ran, ["one", "two", "two", "three", "three"])
        const again = yield* Line.fork(run, { before: "three" })
        assert.deepStrictEqual(yield* resultOf(again), [1, 2, 6], "an answer before that place is taken over")
        const open = yield* Line.fork(run, { before: "gate-go-open" })
        assert.strictEqual((yield* Line.settled(open))._tag, "Waiting", "a gate from that place on is asked again")
      })
    )
  })
})

describe("Line.start", () => {
  test("starts one run for one key, from 20 calls of two processes; another line can not have it", (path) => {
    const { Steps, code } = steps()
    const Other = Line.make("Other", { payload: { item: WorkItem.WorkItem }, success: Schema.Void })
    const start = Effect.forEach(
      Array.from({ length: 10 }),
      () => Steps.start({ item }, { key: "webhook-delivery-7" }),
      { concurrency: "unbounded" }
    )
    const process = live(
      path,
      Layer.merge(
        code,
        Other.toLayer(() => Effect.void)
      ),
      start
    )
    return Effect.gen(function* () {
      const runs = (yield* Effect.all([process, process], { concurrency: 2 })).flat()
      assert.strictEqual(new Set(runs).size, 1, `one key, one run: ${[...new Set(runs)].join(", ")}`)
      yield* live(
        path,
        Layer.merge(
          code,
          Other.toLayer(() => Effect.void)
        ),
        Effect.gen(function* () {
          assert.strictEqual(yield* count("LineStarted"), 1)
          const error = yield* Effect.flip(Other.start({ item }, { key: "webhook-delivery-7" }))
          assert.strictEqual(error._tag === "LineError" && error.reason, "KeyTaken", error.message)
        })
      )
    })
  })

  test("names runs one after another, whether they start in turn or at once", (path) => {
    const Quick = Line.make("Quick", { payload: { item: WorkItem.WorkItem }, success: Schema.Void })
    const start = () => Quick.start({ item })
    return live(
      path,
      Quick.toLayer(() => Effect.void),
      Effect.gen(function* () {
        const names = (from: number, count: number) =>
          Array.from({ length: count }, (_, index) => `issue-1.${from + index}`)
        const inTurn = yield* Effect.forEach(names(1, 21), start)
        assert.deepStrictEqual(inTurn, names(1, 21), "a name was left out or given twice")
        const atOnce = yield* Effect.forEach(names(22, 12), start, { concurrency: "unbounded" })
        assert.sameMembers(atOnce, names(22, 12), "a name was left out or given twice")
      })
    )
  })

  test("refuses a payload that does not fit the line, and names the field", (path) => {
    const { Steps, code } = steps()
    return live(
      path,
      code,
      Effect.gen(function* () {
        const error = yield* Effect.flip(Steps.start({ item: { ...item, id: "Not An Id" } }))
        assert.strictEqual(error._tag === "LineError" && error.reason, "InvalidPayload")
        assert.include(error.message, "id")
        assert.strictEqual((yield* Status.runs()).length, 0, "nothing was started")
      })
    )
  })
})
