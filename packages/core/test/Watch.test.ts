import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Actor from "../src/Actor.ts"
import * as MemoryJournal from "../src/adapters/MemoryJournal.ts"
import * as FactoryEvent from "../src/FactoryEvent.ts"
import * as Journal from "../src/Journal.ts"
import * as Status from "../src/Status.ts"
import * as Usage from "../src/Usage.ts"
import * as Watch from "../src/Watch.ts"
import { alone, journal as store, range, temporary } from "./FactoryStore.ts"

const started: FactoryEvent.Fact = { _tag: "LineStarted", title: "T", execution: "e", start: "s" }
const begun = (attempt = 1): FactoryEvent.Fact => ({ _tag: "StageStarted", attempt })
const done: FactoryEvent.Fact = { _tag: "StageFinished", attempt: 1, duration: 5 }
const finished: FactoryEvent.Fact = { _tag: "LineFinished", result: null }
const called: FactoryEvent.Fact = {
  _tag: "ModelCalled",
  model: "m",
  provider: "p",
  usage: { input: 10, cacheRead: 0, cacheWrite: 0, output: 5 },
  cost: Usage.known(0.25),
  latency: 1,
  rehearsed: true
}

const entry = (run: string, fact: FactoryEvent.Fact, at: { stage?: string; time?: number } = {}) => ({
  line: run.startsWith("b") ? "B" : "A",
  run,
  item: run.slice(0, run.indexOf(".")),
  stage: at.stage ?? null,
  actor: Actor.host,
  at: at.time ?? 0,
  fact
})
const append = (...entries: ReadonlyArray<FactoryEvent.Entry>) =>
  Effect.flatMap(Journal.Journal, (journal) => journal.append(entries))

const test = (title: string, body: Effect.Effect<void, unknown, Journal.Journal>) =>
  it.effect(title, () => Effect.provide(body, MemoryJournal.layer, { local: true }))

describe("Watch.run", () => {
  test(
    "tells how far a run has come, and ends with it",
    Effect.gen(function* () {
      const gate: FactoryEvent.Fact = {
        _tag: "GateOpened",
        gate: "a.1:go",
        name: "go",
        token: "t",
        kind: "approve",
        question: "?",
        context: "",
        cause: "c"
      }
      yield* append(
        entry("a.1", started, { time: 100 }),
        entry("a.1", begun(), { stage: "look", time: 110 }),
        entry("a.1", called, { stage: "look", time: 115 }),
        entry("a.1", begun(2), { stage: "look", time: 120 }),
        entry("a.1", done, { stage: "look", time: 130 }),
        entry("a.1", begun(), { stage: "gate-go-open", time: 131 }),
        entry("a.1", gate, { stage: "gate-go-open", time: 132 }),
        entry("a.1", done, { stage: "gate-go-open", time: 133 }),
        entry("a.1", begun(), { stage: "late", time: 134 }),
        entry("a.1", finished, { time: 140 })
      )
      const seen = yield* Stream.runCollect(Watch.run("a.1"))
      assert.strictEqual(seen.length, 10, "one progress for each event")
      assert.deepStrictEqual(
        seen[3]?.open,
        [{ stage: "look", since: 110, attempt: 2 }],
        "a second attempt is of the stage that began before"
      )
      const asked = seen[7]
      assert.strictEqual(asked?.status._tag, "Waiting")
      assert.deepStrictEqual(asked?.open, [], "what opens a gate is no stage of the work")
      const last = seen.at(-1)
      assert.strictEqual(last?.status._tag, "Finished")
      assert.deepStrictEqual(
        { ...last, status: undefined },
        {
          status: undefined,
          seq: 10,
          startedAt: 100,
          changedAt: 140,
          done: ["look"],
          open: [],
          attempts: 3,
          spent: {
            bill: { usd: 0.25, calls: 1, unpriced: 0, usage: { input: 10, cacheRead: 0, cacheWrite: 0, output: 5 } },
            time: 10
          }
        }
      )
    })
  )

  test(
    "goes on from a place without a gap, and never ends before the run does",
    Effect.gen(function* () {
      yield* append(entry("a.1", started), entry("b.1", started), entry("a.1", begun(), { stage: "x" }))
      const [first] = yield* Stream.runCollect(Stream.take(Watch.run("a.1"), 1))
      yield* append(entry("a.1", done, { stage: "x" }), entry("b.1", finished))
      const rest = yield* Effect.forkChild(Stream.runCollect(Watch.run("a.1", { after: first?.seq ?? -1 })), {
        startImmediately: true
      })
      yield* append(entry("a.1", finished))
      assert.deepStrictEqual(
        (yield* Fiber.join(rest)).map(({ done, seq, status }) => [seq, done.length, status._tag]),
        [
          [3, 0, "Running"],
          [4, 1, "Running"],
          [6, 1, "Finished"]
        ],
        "what came after the place, each event once, and what came before it is counted"
      )
      assert.deepStrictEqual(
        yield* Stream.runCollect(Watch.run("a.1", { after: 6 })),
        [],
        "a run that is over has nothing more to show, and the stream ends"
      )
    })
  )

  test(
    "forgets what a run that goes back forgets, also when the run was over",
    Effect.gen(function* () {
      yield* append(entry("a.1", started), entry("a.1", begun(), { stage: "x" }), entry("a.1", done, { stage: "x" }))
      yield* append(entry("a.1", begun(), { stage: "y" }), entry("a.1", done, { stage: "y" }), entry("a.1", finished))
      yield* append(entry("a.1", { _tag: "LineRewound", before: "y", dropped: ["y"], gates: [] }))
      const watching = yield* Effect.forkChild(Stream.runCollect(Watch.run("a.1", { after: 6 })), {
        startImmediately: true
      })
      yield* append(entry("a.1", begun(), { stage: "y" }), entry("a.1", finished))
      assert.deepStrictEqual(
        (yield* Fiber.join(watching)).map(({ done, open, status }) => [status._tag, done, open.length]),
        [
          ["Running", ["x"], 0],
          ["Running", ["x"], 1],
          ["Finished", ["x"], 0]
        ],
        "a run that goes on after its end is followed to the next one"
      )
    })
  )

  test(
    "refuses a run that nobody knows",
    Effect.gen(function* () {
      const error = yield* Effect.flip(Stream.runCollect(Watch.run("a.1")))
      assert.strictEqual(error.reason, "NoSuchRun", error.message)
    })
  )
})

describe("Watch.runs", () => {
  test(
    "shows every run, then those that changed, and only those that are asked for",
    Effect.gen(function* () {
      yield* append(entry("a.1", started), entry("b.1", started), entry("a.1", finished))
      const all = yield* Stream.runCollect(Stream.take(Watch.runs(), 1))
      assert.deepStrictEqual(
        all.map(({ changed, seq }) => [seq, changed.map(({ status }) => `${status.run} ${status._tag}`)]),
        [[3, ["a.1 Finished", "b.1 Running"]]],
        "the runs as they stand, and no history"
      )
      const next = yield* Effect.forkChild(Stream.runCollect(Stream.take(Watch.runs({ line: "A" }, { after: 3 }), 1)), {
        startImmediately: true
      })
      yield* append(entry("b.1", finished))
      yield* append(entry("a.2", started))
      assert.deepStrictEqual(
        (yield* Fiber.join(next)).map(({ changed }) => changed.map(({ status }) => status.run)),
        [["a.2"]],
        "a run that did not change, or is not asked for, was shown"
      )
    })
  )

  test(
    "gives a slow consumer the newest state, and nothing in between",
    Effect.gen(function* () {
      const journal = yield* Journal.Journal
      let reads = 0
      const counting = Journal.Journal.of({
        ...journal,
        read: (range) => Stream.tap(journal.read(range), () => Effect.sync(() => void reads++))
      })
      yield* append(entry("a.1", started))
      const isSlow = yield* Deferred.make<void>()
      const hasFirst = yield* Deferred.make<void>()
      const seen: Array<Watch.Change> = []
      const consumer = yield* Watch.runs().pipe(
        Stream.tap((change) =>
          Effect.andThen(
            Effect.sync(() => void seen.push(change)),
            Effect.andThen(Deferred.succeed(hasFirst, undefined), Deferred.await(isSlow))
          )
        ),
        Stream.takeUntil(({ changed }) => changed.some(({ status }) => status._tag === "Finished")),
        Stream.runDrain,
        Effect.provideService(Journal.Journal, counting),
        (effect) => Effect.forkChild(effect, { startImmediately: true })
      )
      yield* Deferred.await(hasFirst)
      for (const at of range(2_000)) yield* append(entry("a.1", begun(), { stage: `s${at}` }))
      yield* append(entry("a.1", finished))
      yield* Deferred.succeed(isSlow, undefined)
      yield* Fiber.join(consumer)
      assert.strictEqual(seen.length, 2, "2,001 events while it was busy are one change")
      assert.strictEqual(seen[1]?.changed[0]?.attempts, 2_000, "nothing is lost in the newest state")
      assert.strictEqual(reads, 2_002, "an event was folded more than once")
    })
  )

  it.effect.prop(
    "come to what a fold from scratch says, from whatever place and in whatever pieces they are seen",
    {
      told: Schema.Array(
        Schema.Struct({
          run: Schema.Literals(["a.1", "a.2", "b.1"]),
          stage: Schema.NullOr(Schema.Literals(["x", "y", "b/gate-go-open"])),
          fact: FactoryEvent.Fact
        })
      ).check(Schema.isMinLength(1), Schema.isMaxLength(60)),
      after: Schema.Natural.check(Schema.isBetween({ minimum: 0, maximum: 60 })),
      piece: Schema.Natural.check(Schema.isBetween({ minimum: 1, maximum: 20 }))
    },
    ({ after, piece, told }) =>
      Effect.gen(function* () {
        const entries = [
          ...["a.1", "a.2", "b.1"].map((run) => entry(run, started)),
          ...told.map((one) => ({ ...entry(one.run, one.fact), stage: one.stage }))
        ]
        // What tools said is left out of what is read, so nobody hears of it.
        const end = entries.findLastIndex(({ fact }) => fact._tag !== "ToolOutput") + 1
        const last = new Map<string, Watch.Progress>()
        const consumer = yield* Watch.runs({}, { after }).pipe(
          Stream.takeUntil(({ seq }) => seq >= end),
          Stream.runForEach(({ changed }) =>
            Effect.sync(() => changed.forEach((now) => last.set(now.status.run, now)))
          ),
          (effect) => Effect.forkChild(effect, { startImmediately: true })
        )
        for (let at = 0; at < entries.length; at += piece) {
          yield* append(...entries.slice(at, at + piece))
          yield* Effect.yieldNow
        }
        if (after < end) yield* Fiber.join(consumer)
        else yield* Fiber.interrupt(consumer)
        for (const status of yield* Status.runs()) {
          const shown = last.get(status.run)
          const progress = yield* Watch.progress(status.run)
          if (shown === undefined) assert.isAtMost(progress?.seq ?? 0, after, `${status.run} changed and was not shown`)
          else assert.deepStrictEqual(shown, progress, `${status.run} is not what a fold from scratch says`)
          assert.deepStrictEqual(progress?.status, status)
        }
      }).pipe(Effect.provide(MemoryJournal.layer, { local: true }))
  )
})

const writer = `
import * as SqliteJournal from "${fileURLToPath(new URL("../src/adapters/SqliteJournal.ts", import.meta.url))}"
import * as Journal from "${fileURLToPath(new URL("../src/Journal.ts", import.meta.url))}"
import * as Sqlite from "${fileURLToPath(new URL("../src/Sqlite.ts", import.meta.url))}"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
const [path, ...facts] = process.argv.slice(1)
await Effect.runPromise(
  Effect.forEach(facts, (fact) => Journal.record(JSON.parse(fact))).pipe(
    Effect.provideService(Journal.Origin, { line: "A", run: "a.1", item: "a", stage: null, actor: { _tag: "Host" } }),
    Effect.provide(SqliteJournal.layer.pipe(Layer.provide(Sqlite.layer({ path }))))
  )
)`

describe("Watch on a store", () => {
  it.live("sees what another process writes", () =>
    temporary((path) =>
      alone(
        Effect.gen(function* () {
          yield* append(entry("a.1", started))
          const watching = yield* Effect.forkChild(Stream.runCollect(Watch.run("a.1")), { startImmediately: true })
          const changes = yield* Effect.forkChild(Stream.runCollect(Stream.take(Watch.runs({}, { after: 1 }), 1)), {
            startImmediately: true
          })
          yield* Effect.callback<void>((resume) => {
            const child = spawn(
              process.execPath,
              [
                "--input-type=module-typescript",
                "--no-warnings",
                "-e",
                writer,
                path,
                ...[called, finished].map((fact) => JSON.stringify(fact))
              ],
              { cwd: fileURLToPath(new URL("..", import.meta.url)), stdio: "inherit" }
            )
            child.once("close", (code) =>
              resume(code === 0 ? Effect.void : Effect.die(`the writer ended with ${code}`))
            )
            return Effect.sync(() => void child.kill("SIGKILL"))
          })
          const seen = yield* Fiber.join(watching)
          assert.deepStrictEqual(
            seen.map(({ spent, status }) => [status._tag, spent.bill.calls]),
            [
              ["Running", 0],
              ["Running", 1],
              ["Finished", 1]
            ]
          )
          assert.strictEqual((yield* Fiber.join(changes))[0]?.changed[0]?.status.run, "a.1")
        }),
        store(path)
      )
    )
  )
})
