import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Actor from "../src/Actor.ts"
import * as MemoryJournal from "../src/adapters/MemoryJournal.ts"
import * as Budget from "../src/Budget.ts"
import * as Journal from "../src/Journal.ts"
import * as Ledger from "../src/Ledger.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as Status from "../src/Status.ts"
import * as Usage from "../src/Usage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { count, item, live, range, test } from "./FactoryStore.ts"

/** Calls a model, if the budget allows it. */
const call = (tokens: number) =>
  Effect.andThen(
    Budget.check,
    Budget.spend({
      ...{ _tag: "ModelCalled", model: "m", provider: "p", latency: 1, rehearsed: true },
      usage: { ...Usage.zero, output: tokens },
      cost: Usage.known(tokens / 100)
    })
  )

const calls = (count: number) =>
  Stage.run(
    { name: "work", success: Schema.Void },
    Effect.forEach(range(count), () => Effect.andThen(Effect.yieldNow, call(10)), { discard: true })
  )

const Worker = Line.make("Worker", {
  payload: { item: WorkItem.WorkItem, calls: Schema.Number },
  success: Schema.Void
})
const Team = Line.make("Team", {
  payload: { item: WorkItem.WorkItem, sizes: Schema.Array(Schema.Number) },
  success: Schema.Void
})

const code = (limits: Budget.Limits) =>
  Layer.mergeAll(
    Worker.toLayer(({ calls: count }) => calls(count)),
    Team.toLayer(({ item, sizes }) =>
      Effect.gen(function* () {
        const workers = sizes.map(
          (calls, n) =>
            [`worker ${n}`, Effect.orDie(Worker.child({ item: { ...item, id: `part-${n}` }, calls }))] as const
        )
        yield* Line.parallel("workers", Object.fromEntries(workers))
        yield* calls(1)
      })
    )
  ).pipe(Layer.provide(Budget.layer(limits)))

/** Waits until as many children of a run stand so. */
const stand = (parent: string, tag: Status.Status["_tag"], many: number) =>
  Effect.repeat(
    Effect.map(Status.runs("Worker"), (all) => all.filter((run) => run.parent?.run === parent && run._tag === tag)),
    { until: (those) => those.length === many }
  )

const reason = (status: Status.Status | undefined) => (status?._tag === "Stalled" ? status.fault.reason : status?._tag)

const fresh = (limits: Budget.Limits) => Layer.fresh(Budget.layer(limits))

/** A budget, to which the line of {@link within} is held, as a line does it that is given its code. */
const lineOf = (limits: Budget.Limits) =>
  Layer.provideMerge(Layer.effectDiscard(Budget.ofLine("L")), Layer.fresh(Budget.layer(limits)))

/** As a stage of a run does it. */
const within = (run: string) =>
  Effect.provideService(Journal.Origin, { line: "L", run, item: "i", stage: "s", actor: Actor.host })

describe("The budget of a run with children", () => {
  test("is shared by children side by side: they do not each spend the rest", (path) =>
    Effect.gen(function* () {
      const run = yield* live(
        path,
        code({ tokens: 150 }),
        Effect.gen(function* () {
          const run = yield* Team.start({ item, sizes: [10, 10, 10, 10] })
          const [child] = yield* stand(run, "Stalled", 4)
          assert.strictEqual(reason(child), "TokensSpent")
          const message = child?._tag === "Stalled" ? child.fault.message : ""
          assert.include(message, `The run ${run}, of which this one is a part, has used`)
          const made = yield* count("ModelCalled")
          assert.isAtLeast(made, 15, "they were stopped before the limit")
          assert.isAtMost(made, 15 + 3, "more than what was under way came on top")
          return run
        })
      )
      // Another process reads what was spent from the journal, and there is enough for all now.
      yield* live(
        path,
        code({ tokens: 10_000 }),
        Effect.gen(function* () {
          for (const child of yield* stand(run, "Stalled", 4)) yield* Line.resume(child.run)
          const status = yield* Effect.repeat(Line.settled(run), { until: Status.isEnded })
          assert.strictEqual(status._tag, "Finished")
          const ledger = yield* Ledger.of()
          const spent = (runs: ReadonlySet<string | null>) =>
            Ledger.total(Ledger.charges(ledger).filter(({ run }) => runs.has(run))).calls
          assert.strictEqual(spent(new Set([run])), 1, "the calls of a child are its own")
          assert.strictEqual(spent(Ledger.family(ledger, run)), yield* count("ModelCalled"))
          assert.lengthOf(Ledger.by(Ledger.charges(ledger), "item"), 5, "a child's item is not its own")
        })
      )
    }))

  test("holds the parent for what its children have spent", (path) =>
    live(
      path,
      code({ usd: 0.75 }),
      Effect.gen(function* () {
        const run = yield* Team.start({ item, sizes: [4, 4] })
        const status = yield* Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag === "Stalled" })
        assert.strictEqual(reason(status), "MoneySpent")
        assert.strictEqual(yield* count("ModelCalled"), 8, "the parent called although nothing was left")
      })
    ))

  test("is its own, whatever its children may spend, and holds also those without one", (path) => {
    const worker = Worker.toLayer(({ calls: count }) => calls(count))
    const team = (limits: Budget.Limits) =>
      Team.toLayer(({ item, sizes }) =>
        Effect.forEach(sizes, (calls) => Effect.orDie(Worker.child({ item, calls })), { discard: true })
      ).pipe(Layer.provide(Budget.layer(limits)))
    const settled = (size: number) =>
      Effect.gen(function* () {
        const run = yield* Team.start({ item, sizes: [3, size] })
        return reason((yield* stand(run, "Stalled", 1))[0])
      })
    return Effect.gen(function* () {
      const small = Layer.provide(worker, Budget.layer({ tokens: 40 }))
      yield* live(
        path,
        Layer.merge(small, team({ tokens: 10_000 })),
        Effect.gen(function* () {
          assert.strictEqual(yield* settled(9), "TokensSpent", "the limit of the child did not hold")
          assert.strictEqual(yield* count("ModelCalled"), 3 + 4, "the child's limit held what its parent had spent")
        })
      )
      yield* live(
        path,
        Layer.merge(worker, team({ tokens: 50 })),
        Effect.gen(function* () {
          assert.strictEqual(yield* settled(9), "TokensSpent", "the limit of the parent did not hold its child")
          assert.strictEqual(yield* count("ModelCalled"), 7 + 5)
        })
      )
    })
  })

  it.effect("is one, whichever processes its children run in", () =>
    Effect.gen(function* () {
      const start = Effect.fnUntraced(function* (run: string, parent?: string) {
        const started = { _tag: "LineStarted", title: run, execution: run, start: run } as const
        if (parent === undefined) return yield* within(run)(Journal.record(started))
        yield* within(run)(Journal.record({ ...started, parent: { run: parent, stage: "s" } }))
        return yield* within(parent)(Journal.record({ _tag: "ChildStarted", child: run }))
      })
      yield* start("top")
      yield* start("a", "top")
      yield* start("b", "top")
      yield* start("deep", "b")
      const limits = { tokens: 60 }
      const journal = yield* Journal.Journal
      const processes = yield* Effect.forEach(["a", "b", "deep", "top"], (run) => {
        // As in a process of its own: a journal that it alone has read.
        const own = Layer.succeed(Journal.Journal, { ...journal })
        return Effect.map(Layer.build(Layer.provideMerge(lineOf(limits), own)), (services) => ({ run, services }))
      })
      const turn = ({ run, services }: (typeof processes)[number]) =>
        within(run)(Effect.provideContext(call(10), services))
      const made: Array<string> = []
      for (let round = 0; round < 4; round++) {
        for (const process of processes) {
          const exit = yield* Effect.exit(turn(process))
          if (exit._tag === "Success") made.push(process.run)
        }
      }
      assert.deepStrictEqual(made, ["a", "b", "deep", "top", "a", "b"], "one did not know what the others had spent")
    }).pipe(Effect.scoped, Effect.provide(MemoryJournal.layer))
  )
})

describe("What is left", () => {
  it.effect("is the tightest of the run, of those that it is a part of, and of the slices around", () =>
    Effect.gen(function* () {
      yield* within("top")(Journal.record({ _tag: "LineStarted", title: "t", execution: "t", start: "t" }))
      const parent = { run: "top", stage: "s" }
      yield* within("a")(Journal.record({ _tag: "LineStarted", title: "a", execution: "a", start: "a", parent }))
      yield* within("top")(call(70))
      const left = within("a")(Effect.andThen(call(10), Budget.left))
      assert.deepStrictEqual(yield* left, { tokens: 20, usd: 9.2 })
      assert.deepStrictEqual(yield* Budget.slice("wide", { tokens: 1_000, usd: 1 })(left), { tokens: 10, usd: 0.9 })
      assert.deepStrictEqual(yield* Budget.slice("narrow", { tokens: 15 })(within("a")(Budget.left)), {
        tokens: 10,
        usd: 9.1
      })
      assert.deepStrictEqual(yield* Budget.slice("narrow", { tokens: 5 })(within("a")(Budget.left)), {
        tokens: 5,
        usd: 9.1
      })
    }).pipe(Effect.provide(Layer.provideMerge(lineOf({ tokens: 100, usd: 10 }), MemoryJournal.layer)))
  )

  it.effect("is told right to many that ask at once", () =>
    Effect.gen(function* () {
      const { append, read } = yield* Journal.Journal
      const slow = Journal.make({
        append,
        readAfter: (range, limit) =>
          Effect.andThen(
            Effect.yieldNow,
            Effect.map(Stream.runCollect(read(range)), (all) => all.slice(0, limit))
          ),
        awaitAfter: () => Effect.never
      })
      const asked = Effect.gen(function* () {
        for (const _ of range(3)) yield* call(10)
        return yield* Effect.forEach(range(9), () => Budget.left, { concurrency: "unbounded" })
      }).pipe(within("r"), Effect.provide(fresh({ tokens: 100 })), Effect.provideService(Journal.Journal, slow))
      assert.deepStrictEqual([...new Set((yield* asked).map(({ tokens }) => tokens))], [70], "a call was counted twice")
    }).pipe(Effect.provide(MemoryJournal.layer))
  )

  it.effect("is not limited where there is no limit", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Budget.left, {})
      assert.deepStrictEqual(yield* Effect.provide(Budget.left, fresh({ time: "1 hour" })), {})
    }).pipe(Effect.provide(MemoryJournal.layer))
  )
})

describe("A limit", () => {
  const stopped = (limits: Budget.Limits, tokens = 1) =>
    Effect.gen(function* () {
      const stage = Budget.enforce(call(tokens))
      return (yield* Effect.flip(Effect.provide(within("r")(stage), fresh(limits)))).reason
    })
  const made = Effect.map(Ledger.of(), (ledger) => Ledger.charges(ledger).length)

  it.effect("of 0 lets nothing be called", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* stopped({ tokens: 0 }), "TokensSpent")
      assert.strictEqual(yield* stopped({ usd: 0 }), "MoneySpent")
      assert.strictEqual(yield* stopped({ time: 0 }), "TimeSpent")
      assert.strictEqual(yield* made, 0)
    }).pipe(Effect.provide(MemoryJournal.layer))
  )

  it.effect("that nothing would ever reach is refused, before anything is called", () =>
    Effect.gen(function* () {
      for (const limit of [Number.NaN, -1]) {
        for (const limits of [{ tokens: limit }, { usd: limit }, { time: limit }]) {
          assert.strictEqual(yield* stopped(limits), "Misconfigured", JSON.stringify(limits))
          const sliced = Budget.slice("part", limits)(call(1))
          const error = yield* Effect.flip(sliced)
          assert.strictEqual(error.reason, "Misconfigured")
          assert.include(error.message, `The part "part" of the run has a limit of ${limit} in`)
        }
      }
      assert.strictEqual(yield* made, 0)
    }).pipe(Effect.provide(MemoryJournal.layer))
  )

  it.effect("in money holds what is really paid, also of an answer that broke off", () =>
    Effect.gen(function* () {
      const fact = { model: "m", provider: "p", usage: { ...Usage.zero, output: 9 }, rehearsed: false } as const
      const spend = (cost: Usage.Cost, paidBy: Usage.PaidBy) =>
        Budget.spend({ _tag: "ModelCalled", latency: 1, ...fact, cost, paidBy })
      yield* Effect.gen(function* () {
        yield* spend(Usage.known(100), "subscription")
        yield* spend(Usage.unknown("no table"), "subscription")
        yield* Budget.check
        const { model, ...billed } = { ...fact, cost: Usage.known(0.75) }
        const fault = { tag: "ModelError", reason: "Disconnected", message: "", retryable: true }
        yield* Budget.spend({ _tag: "ModelFailed", model, fault, delay: null, billed })
        assert.deepStrictEqual(yield* Budget.left, { usd: 0.25, tokens: 73 })
        yield* spend(Usage.known(Number.NaN), "key")
        assert.strictEqual((yield* Effect.flip(Budget.check)).reason, "Unpriced", "no number became a price of nothing")
      }).pipe(within("r"), Effect.provide(fresh({ usd: 1, tokens: 100 })))
    }).pipe(Effect.provide(MemoryJournal.layer))
  )

  it.effect("in time is not moved by a clock that goes back", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(100_000)
      const stage = (by: number) =>
        within("r")(Budget.enforce(Effect.flatMap(Clock.currentTimeMillis, (now) => TestClock.setTime(now + by))))
      yield* Effect.gen(function* () {
        yield* stage(600)
        yield* stage(-50_000)
        const error = yield* Effect.flip(stage(600))
        assert.strictEqual(error.reason, "TimeSpent", "the way back of the clock gave time back")
      }).pipe(Effect.provide(fresh({ time: "1 second" })))
    }).pipe(Effect.provide(MemoryJournal.layer))
  )

  it.effect("counts an answer once that is told twice", () =>
    Effect.gen(function* () {
      const told = Budget.spend({
        ...{ _tag: "ModelCalled", model: "m", provider: "p", latency: 1, rehearsed: false },
        ...{ usage: { ...Usage.zero, output: 9 }, cost: Usage.known(1), message: "msg_0123456789abcdef" }
      })
      yield* Effect.gen(function* () {
        yield* told
        yield* told
        assert.deepStrictEqual(yield* Budget.left, { tokens: 91 })
        assert.strictEqual(yield* made, 1)
      }).pipe(within("r"), Effect.provide(fresh({ tokens: 100 })))
    }).pipe(Effect.provide(MemoryJournal.layer))
  )
})
