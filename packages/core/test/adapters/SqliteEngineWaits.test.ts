import { assert, describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { DatabaseSync } from "node:sqlite"
import * as SqliteEngine from "../../src/adapters/SqliteEngine.ts"
import * as SqliteJournal from "../../src/adapters/SqliteJournal.ts"
import * as Durable from "../../src/Durable.ts"
import * as Gate from "../../src/Gate.ts"
import * as Line from "../../src/Line.ts"
import * as Run from "../../src/Run.ts"
import * as Sqlite from "../../src/Sqlite.ts"
import * as Stage from "../../src/Stage.ts"
import type * as Status from "../../src/Status.ts"
import * as WorkItem from "../../src/WorkItem.ts"
import { alone, count, events, item, range, type Services, store, test } from "../FactoryStore.ts"

const { Activity, Workflow, WorkflowEngine } = Durable

const by = { actor: { _tag: "Human", name: "ada" } } as const
const line = (name: string) => Line.make(name, { payload: { item: WorkItem.WorkItem }, success: Schema.String })
const ended = (run: string) => Line.ended(run)
const bounded = <A, E, R>(waiting: Effect.Effect<A, E, R>, what: string) =>
  Effect.timeoutOrElse(waiting, { duration: "10 seconds", orElse: () => Effect.die(new Error(`${what} did not come`)) })

/** Waits until so many executions wait: a gate that is open is not waited for yet. */
const suspended = (path: string, executions: number) =>
  Effect.acquireUseRelease(
    Effect.sync(() => new DatabaseSync(path)),
    (db) =>
      Effect.repeat(Effect.yieldNow, {
        until: () => {
          const found = db.prepare("select count(*) as n from executions where status = 'suspended'").get()
          return found?.["n"] === executions
        }
      }),
    (db) => Effect.sync(() => db.close())
  )

/** The engine of a process that never looks for what others wrote, unless it is told. */
const deaf = (path: string) =>
  Layer.merge(SqliteJournal.layer, SqliteEngine.layer()).pipe(Layer.provide(Sqlite.layer({ path, poll: "1 day" })))

describe("SqliteEngine, asked by another process", () => {
  for (const how of ["interrupt", "interruptUnsafe"] as const) {
    const title =
      how === "interrupt"
        ? "stops an execution where it waits next, and undoes what it did"
        : "stops an execution at once, in the middle of a stage, and undoes what it did"
    test(title, (path) =>
      Effect.gen(function* () {
        const hasBegun = yield* Deferred.make<void>()
        const mayEnd = yield* Deferred.make<void>()
        const ran: Array<string> = []
        const step = (name: string, work: Effect.Effect<void>) =>
          Activity.make({
            name,
            execute: Effect.andThen(
              Effect.sync(() => void ran.push(name)),
              work
            )
          })
        const Long = Workflow.make("Long", { payload: { id: Schema.String }, idempotencyKey: ({ id }) => id })
        const code = Long.toLayer(() =>
          Effect.gen(function* () {
            yield* step("first", Effect.void).pipe(
              Workflow.withCompensation(() => Effect.sync(() => void ran.push("undone")))
            )
            yield* step("second", Effect.andThen(Deferred.succeed(hasBegun, undefined), Deferred.await(mayEnd)))
            yield* step("third", Effect.void)
          })
        )
        const owner = Effect.gen(function* () {
          const id = yield* Long.execute({ id: "1" }, { discard: true })
          yield* Deferred.await(hasBegun)
          const asked = Effect.flatMap(WorkflowEngine.WorkflowEngine, (engine) => engine[how](Long, id))
          yield* alone(asked, store(path))
          // Without this, only an execution that is stopped at once comes to an end.
          if (how === "interrupt") yield* Deferred.succeed(mayEnd, undefined)
          const isOver = Effect.map(
            Long.poll(id),
            Option.exists(({ _tag }) => _tag === "Complete")
          )
          yield* bounded(
            Effect.repeat(Effect.andThen(Effect.sleep("1 millis"), isOver), { until: (is) => is }),
            "The end of an execution that was interrupted"
          )
        })
        yield* alone(owner, Layer.provideMerge(code, store(path)))
        assert.notInclude(ran, "third", "an execution that was interrupted went on")
        assert.strictEqual(ran.filter((name) => name === "undone").length, 1, "what it did is undone once")
      })
    )
  }

  test("is woken by an answer at once, without its poll", (path) =>
    Effect.gen(function* () {
      const Asked = line("Asked")
      const code = Asked.toLayer(() => Gate.answer("what", { question: "?", cause: "test" }))
      const hasEnded = yield* Deferred.make<Status.Status>()
      const owner = Effect.gen(function* () {
        const run = yield* Asked.start({ item })
        yield* suspended(path, 1)
        // The journal of the owner sees what its own engine writes.
        const end = Effect.flatMap(ended(run), (status) => Deferred.succeed(hasEnded, status))
        yield* Effect.forkScoped(end)
        yield* alone(Gate.settle(`${run}:what`, { _tag: "Reply", text: "this" }, by), store(path))
        return yield* bounded(Deferred.await(hasEnded), "An answer of another process")
      })
      const status = yield* alone(Effect.scoped(owner), Layer.provideMerge(code, deaf(path)))
      assert.include(status, { _tag: "Finished", result: "this" })
    }))

  test("goes on with what a process left waiting, when it is answered, although nobody resumes it", (path) =>
    Effect.gen(function* () {
      const Asked = line("Asked")
      let ran = 0
      const code = Asked.toLayer(() =>
        Effect.tap(Gate.answer("what", { question: "?", cause: "test" }), () => Effect.sync(() => void ran++))
      )
      const lines = Layer.provideMerge(code, store(path))
      const waiting = Effect.tap(
        Effect.forEach(range(3), () => Asked.start({ item })),
        () => suspended(path, 3)
      )
      const runs = yield* alone(waiting, lines)
      const answer = (run = "") => Gate.settle(`${run}:what`, { _tag: "Reply", text: run }, by)
      // While nobody runs lines, in the process that runs them, and from beside it.
      yield* alone(answer(runs[0]), store(path))
      const rest = Effect.gen(function* () {
        yield* answer(runs[1])
        yield* alone(answer(runs[2]), store(path))
        return yield* bounded(Effect.forEach(runs, ended), "The end of a run that was answered")
      })
      const statuses = yield* alone(rest, lines)
      assert.deepStrictEqual(
        statuses.map((status) => (status._tag === "Finished" ? status.result : status._tag)),
        runs
      )
      assert.strictEqual(ran, 3, "a run that waits is replayed for its answer, and for nothing else")
    }))
})

describe("SqliteEngine and the clock of the system", () => {
  test("loses no timer and counts no time backwards when it is set back by an hour", (path) =>
    Effect.gen(function* () {
      const real = yield* Clock.Clock
      let offset = 0
      let looked = 0
      const now = () => (looked++, real.currentTimeMillisUnsafe() + offset)
      const setBack: Clock.Clock = Object.create(real, {
        currentTimeMillisUnsafe: { value: now },
        currentTimeMillis: { value: Effect.sync(now) }
      })
      const Napping = line("Napping")
      const code = Napping.toLayer(() =>
        Effect.gen(function* () {
          const { execution } = yield* Run.Run
          const nap = (name: string) =>
            Effect.provideContext(
              Durable.DurableClock.sleep({ name, duration: "300 millis", inMemoryThreshold: 0 }),
              execution
            )
          yield* nap("before")
          yield* Stage.run(
            { name: "set back", success: Schema.Void },
            Effect.sync(() => void (offset = -3_600_000))
          )
          yield* nap("after")
          return "awake"
        })
      )
      const body: Effect.Effect<void, unknown, Services> = Effect.gen(function* () {
        const run = yield* Napping.start({ item })
        yield* Effect.repeat(Effect.andThen(Effect.yieldNow, count("LineStarted")), { until: (n) => n === 1 })
        // While it sleeps for the first timer.
        offset = -1_800_000
        assert.include(yield* bounded(ended(run), "A timer"), { _tag: "Finished", result: "awake" })
        for (const { fact } of yield* events) if ("duration" in fact) assert.isAtLeast(fact.duration, 0)
      })
      yield* Effect.provideService(alone(body, Layer.provideMerge(code, store(path))), Clock.Clock, setBack)
      assert.isBelow(looked, 2_000, "somebody looks at the clock without a pause")
    }))

  test("lets 500 timers that are due at once go off", (path) =>
    Effect.gen(function* () {
      const Napping = line("Napping")
      const code = Napping.toLayer(({ item }) =>
        Effect.gen(function* () {
          const { execution } = yield* Run.Run
          yield* Effect.provideContext(
            Durable.DurableClock.sleep({ name: "nap", duration: "200 millis", inMemoryThreshold: 0 }),
            execution
          )
          return item.id
        })
      )
      const lines = Layer.provideMerge(code, store(path))
      // They are set in one process, and go off in another one that was not there when they were due.
      const runs = yield* alone(
        Effect.forEach(range(500), (n) => Napping.start({ item: { ...item, id: `issue-${n}` } }), { concurrency: 50 }),
        lines
      )
      const waited = Effect.forEach(runs, ended, { concurrency: 50 })
      const statuses = yield* alone(bounded(waited, "The end of 500 timers"), lines)
      assert.deepStrictEqual(
        statuses.map((status) => (status._tag === "Finished" ? status.result : status._tag)),
        range(500).map((n) => `issue-${n}`)
      )
      assert.strictEqual(yield* alone(count("LineFinished"), store(path)), 500, "a line ended twice")
    }))
})
