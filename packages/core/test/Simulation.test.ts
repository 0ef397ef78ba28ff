import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { execFile } from "node:child_process"
import { readFile } from "node:fs"
import { fileURLToPath } from "node:url"
import * as MemoryEngine from "../src/adapters/MemoryEngine.ts"
import * as MemoryJournal from "../src/adapters/MemoryJournal.ts"
import * as SqliteEngine from "../src/adapters/SqliteEngine.ts"
import * as SqliteJournal from "../src/adapters/SqliteJournal.ts"
import * as Budget from "../src/Budget.ts"
import * as Durable from "../src/Durable.ts"
import * as Fault from "../src/Fault.ts"
import * as Gate from "../src/Gate.ts"
import type * as Journal from "../src/Journal.ts"
import * as Line from "../src/Line.ts"
import * as Sqlite from "../src/Sqlite.ts"
import * as Stage from "../src/Stage.ts"
import * as Simulation from "../src/testing/Simulation.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { item, range, temporary } from "./FactoryStore.ts"

const memory = Layer.merge(MemoryEngine.layer, MemoryJournal.layer)
/** Nobody else writes into the store, so nothing has to be looked for. */
const stored = (path: string) =>
  Layer.merge(SqliteJournal.layer, SqliteEngine.layer()).pipe(
    Layer.provide(Sqlite.layer({ path, poll: Duration.infinity, synchronous: "NORMAL" }))
  )

class Broken extends Fault.Class<Broken>()("Broken", { Broken: false, Shaky: true }) {}

const Sample = Line.make("Sample", { payload: { item: WorkItem.WorkItem }, success: Schema.Unknown })
const stage = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>, retry?: Schedule.Schedule<unknown>) =>
  Stage.run({ name, success: Schema.Unknown, ...(retry === undefined ? {} : { retry }) }, effect)

type Code = (payload: {
  readonly item: WorkItem.WorkItem
}) => Effect.Effect<unknown, Fault.Fault | Line.Parked, Simulation.Services | Durable.Execution>

const simulate = (
  code: Code,
  options: Partial<Simulation.Options<{ readonly item: WorkItem.WorkItem }, never, Journal.JournalError>> = {}
) => Simulation.run(Sample, { code: Sample.toLayer(code), services: memory, payloads: [{ item }], ...options })

const tags = ({ events }: Simulation.Report) => events.map(({ fact }) => fact._tag)
const hours = (report: Simulation.Report) => report.elapsed / 3_600_000
const statuses = ({ runs }: Simulation.Report) => runs.map(({ status }) => status._tag)
const sleeper = (name: string, duration: Duration.Input) =>
  Effect.orDie(
    Effect.flatMap(Durable.execution, (execution) =>
      Effect.provideContext(Durable.DurableClock.sleep({ name, duration, inMemoryThreshold: 0 }), execution)
    )
  )

describe("Simulation", () => {
  it.live("lets stages and durable clocks sleep for weeks in no time, and has the right time in every fact", () =>
    Effect.gen(function* () {
      const report = yield* simulate(() =>
        Effect.gen(function* () {
          yield* stage("night", Effect.as(Effect.sleep("8 hours"), 1))
          yield* Line.sleep("fortnight", "14 days")
          yield* stage("morning", Effect.as(Effect.sleep("1 hour"), 2))
          return yield* stage("when", Clock.currentTimeMillis)
        })
      )
      assert.strictEqual(report.end, "Over", Simulation.explain(report))
      assert.strictEqual(hours(report), 8 + 14 * 24 + 1)
      const [status] = report.runs.map(({ status }) => status)
      assert.strictEqual(status?._tag === "Finished" ? status.result : undefined, Date.UTC(2026, 0, 15, 9))
      const ended = report.events.flatMap(({ fact, stage }) =>
        fact._tag === "StageFinished" ? [[stage, fact.duration]] : []
      )
      assert.deepStrictEqual(ended.slice(0, 3), [
        ["night", 8 * 3_600_000],
        ["sleep-fortnight-open", 0],
        ["morning", 3_600_000]
      ])
    })
  )

  it.live("answers gates as the script says, each after its time", () =>
    Effect.gen(function* () {
      const report = yield* simulate(
        () =>
          Effect.gen(function* () {
            const words = yield* Gate.answer("words", { question: "Which?", cause: "c" })
            const plan = yield* Gate.approve("plan", { question: words, cause: "c" }).pipe(
              Effect.catchTag("Rejected", ({ note }) => Effect.succeed({ note }))
            )
            return `${words}, ${plan.note}`
          }),
        {
          answers: ({ kind }) =>
            kind === "answer"
              ? { answer: { _tag: "Reply", text: "this" }, after: "1 hour" }
              : { answer: { _tag: "Reject", note: "not so" }, after: "2 days" }
        }
      )
      const [status] = report.runs.map(({ status }) => status)
      assert.strictEqual(status?._tag === "Finished" ? status.result : undefined, "this, not so")
      assert.strictEqual(hours(report), 49)
      const waited = report.events.flatMap(({ fact }) =>
        fact._tag === "GateAnswered" ? [fact.waited / 3_600_000] : []
      )
      assert.deepStrictEqual(waited, [1, 48], "the time that people took is measured in simulated time")
    })
  )

  it.live("says what holds it up: a gate that nobody answers, a stage that never settles, a fault", () =>
    Effect.gen(function* () {
      const gate = yield* simulate(() => Gate.answer("words", { question: "Which?", cause: "c" }))
      assert.strictEqual(gate.end, "HeldUp")
      assert.deepStrictEqual(gate.heldUp, [{ run: "issue-1.1", by: "Gate", what: "issue-1.1:words" }])
      assert.include(Simulation.explain(gate), 'nobody answers the gate "issue-1.1:words"')
      assert.deepStrictEqual(statuses(gate), ["Waiting"], "closing the simulation is not part of its journal")

      const never = yield* simulate(() => stage("stuck", Effect.andThen(Effect.sleep("1 hour"), Effect.never)))
      assert.deepStrictEqual(never.heldUp, [{ run: "issue-1.1", by: "Stage", what: "stuck" }])
      assert.strictEqual(hours(never), 1, "what could go on did")

      const forgotten = yield* simulate(() =>
        stage(
          "promise",
          Effect.promise(() => new Promise<number>(() => undefined))
        )
      )
      assert.deepStrictEqual(forgotten.heldUp, [{ run: "issue-1.1", by: "Stage", what: "promise" }])

      const fault = yield* simulate(() => stage("bad", new Broken({ reason: "Broken", message: "It broke. Mend it." })))
      assert.deepStrictEqual(fault.heldUp, [{ run: "issue-1.1", by: "Fault", what: "It broke. Mend it." }])

      const Parent = Line.make("Parent", { payload: { item: WorkItem.WorkItem }, success: Schema.Unknown })
      const family = yield* Simulation.run(Parent, {
        code: Layer.merge(
          Parent.toLayer(({ item }) => Effect.catchTag(Sample.child({ item }), "ChildStopped", Effect.die)),
          Sample.toLayer(() => Gate.answer("words", { question: "Which?", cause: "c" }))
        ),
        services: memory,
        payloads: [{ item }]
      })
      assert.deepStrictEqual(
        family.heldUp.map(({ by, run, what }) => `${by} ${run === "issue-1.1" ? what : what.replace(run, "child")}`),
        [`Child ${family.runs[1]?.status.run}`, "Gate child:words"]
      )

      const deferred = Durable.DurableDeferred.make("nobody")
      const between = yield* simulate(() =>
        Effect.flatMap(Durable.execution, (execution) =>
          Effect.provideContext(Durable.DurableDeferred.await(deferred), execution)
        ).pipe(Effect.orDie)
      )
      assert.deepStrictEqual(
        between.heldUp.map(({ by }) => by),
        ["Unknown"]
      )
    })
  )

  it.live("ends when its time is up, and when something runs without a pause", () =>
    Effect.gen(function* () {
      const late = yield* simulate(() => stage("long", Effect.as(Effect.sleep("10 days"), 1)), { until: "9 days" })
      assert.strictEqual(late.end, "TimeIsUp")
      assert.deepStrictEqual(statuses(late), ["Running"])
      const busy = yield* simulate(() => stage("busy", Effect.forever(Effect.yieldNow)), { patience: 50 })
      assert.strictEqual(busy.end, "Busy")
    })
  )

  it.live("fails when the script answers what the gate does not take", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        simulate(() => Gate.answer("words", { question: "Which?", cause: "c" }), {
          answers: () => ({ answer: { _tag: "Approve" } })
        })
      )
      assert.strictEqual(error._tag === "GateError" ? error.reason : error._tag, "WrongAnswer")
    })
  )

  it.live("waits for files and processes before it lets the time jump", () =>
    Effect.gen(function* () {
      const file = fileURLToPath(import.meta.url)
      const report = yield* simulate(() =>
        stage(
          "outside",
          Effect.all([
            Effect.callback<number>((resume) => readFile(file, (_, data) => resume(Effect.succeed(data.length)))),
            Effect.callback<string>((resume) => {
              execFile(process.execPath, ["-p", "6 * 7"], (_, stdout) => resume(Effect.succeed(stdout.trim())))
            })
          ]).pipe(
            Effect.map(([, answer]) => answer),
            Effect.timeoutOrElse({ duration: "1 second", orElse: () => Effect.succeed("the time jumped") })
          )
        )
      )
      const [status] = report.runs.map(({ status }) => status)
      assert.strictEqual(status?._tag === "Finished" ? status.result : undefined, "42")
      assert.strictEqual(report.elapsed, 0, "work outside takes no simulated time")
    })
  )

  it.live("plays roles within the budget of a run, and tells what it cost", () =>
    Effect.gen(function* () {
      const usage = { input: 700, cacheRead: 0, cacheWrite: 0, output: 300 }
      const report = yield* simulate(
        () =>
          Effect.forEach(range(5), (turn) =>
            stage("work", Simulation.act({ outcome: turn, takes: "10 minutes", usage, usd: 0.5 }))
          ),
        { services: Budget.layer({ usd: 1.4 }).pipe(Layer.provideMerge(memory)) }
      )
      assert.strictEqual(report.spent.bill.calls, 3, "the budget holds in a simulation too")
      assert.strictEqual(report.spent.bill.usd, 1.5)
      assert.strictEqual(report.heldUp[0]?.by, "Fault")
    })
  )

  it.live("goes the same way on the engine with a store", () =>
    temporary((path) =>
      Effect.gen(function* () {
        const report = yield* simulate(
          () =>
            Effect.gen(function* () {
              yield* stage("night", Effect.as(Effect.sleep("8 hours"), 1))
              yield* sleeper("fortnight", "14 days")
              return yield* Gate.answer("words", { question: "Which?", cause: "c" })
            }).pipe(Effect.orDie),
          { services: stored(path), answers: () => ({ answer: { _tag: "Reply", text: "this" }, after: "1 day" }) }
        )
        assert.strictEqual(report.end, "Over", Simulation.explain(report))
        assert.strictEqual(hours(report), 8 + 14 * 24 + 24)
      })
    )
  )

  it.effect.prop(
    "gives the same journal for the same script, byte for byte, and another one for another seed",
    {
      seed: Schema.String,
      stages: Schema.Array(
        Schema.Struct({
          branches: Schema.Array(Schema.Natural.check(Schema.isBetween({ minimum: 0, maximum: 5_000_000 }))).check(
            Schema.isMaxLength(4)
          ),
          faults: Schema.Natural.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
          ask: Schema.Boolean
        })
      ).check(Schema.isMinLength(1), Schema.isMaxLength(5))
    },
    ({ seed, stages }) =>
      Effect.gen(function* () {
        const script = (seed: string) => {
          const failures = new Map<string, number>()
          return simulate(
            () =>
              Effect.gen(function* () {
                for (const [at, { ask, branches, faults }] of stages.entries()) {
                  yield* Effect.forEach(
                    branches,
                    (duration, branch) => stage(`branch ${at} ${branch}`, Effect.as(Effect.sleep(duration), branch)),
                    { concurrency: "unbounded" }
                  )
                  yield* stage(
                    `shaky ${at}`,
                    Effect.suspend(() => {
                      const count = failures.get(`${at}`) ?? 0
                      failures.set(`${at}`, count + 1)
                      return count < faults
                        ? Effect.fail(new Broken({ reason: "Shaky", message: "Try again." }))
                        : Random.next
                    }),
                    Schedule.jittered(Schedule.exponential("1 minute"))
                  )
                  if (ask) yield* Gate.answer(`ask ${at}`, { question: "?", cause: "c" })
                }
                return yield* stage("random", Random.next)
              }).pipe(Effect.orDie),
            {
              seed,
              payloads: [{ item }, { item: { ...item, id: "other" } }, { item }],
              answers: ({ gate }) => ({ answer: { _tag: "Reply", text: gate }, after: gate.length * 1_000 })
            }
          )
        }
        const first = yield* script(seed)
        const second = yield* script(seed)
        assert.strictEqual(first.end, "Over", Simulation.explain(first))
        assert.strictEqual(JSON.stringify(second), JSON.stringify(first), "the same script went another way")
        assert.notStrictEqual(JSON.stringify((yield* script(`${seed}!`)).events), JSON.stringify(first.events))
        const times = first.events.map(({ at }) => at)
        assert.deepStrictEqual(
          times,
          times.toSorted((a, b) => a - b),
          "time went back"
        )
        assert.isAbove(tags(first).length, 0)
      })
  )
})
