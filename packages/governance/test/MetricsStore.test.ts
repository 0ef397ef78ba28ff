import { assert, describe, it } from "@effect/vitest"
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Actor from "@millwright/core/Actor"
import * as Gate from "@millwright/core/Gate"
import * as Journal from "@millwright/core/Journal"
import * as Ledger from "@millwright/core/Ledger"
import * as Line from "@millwright/core/Line"
import * as Retention from "@millwright/core/Retention"
import * as Simulation from "@millwright/core/testing/Simulation"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Metrics from "../src/Metrics.ts"
import * as Window from "../src/Window.ts"

const usage = { input: 10, cacheRead: 90, cacheWrite: 0, output: 10 }
const work = (role: string, hours: number, usd: number) =>
  Stage.run(
    { name: role.toLowerCase(), success: Schema.Void },
    Effect.andThen(
      Journal.record({ _tag: "AgentStarted", role, session: role, resumed: false }),
      Simulation.act({ outcome: undefined, takes: Duration.hours(hours), usage, usd })
    )
  ).pipe(Journal.as({ _tag: "Agent", role }))

/** What a forge tells belongs to no run: it outlives what is pruned. */
const shipped = (item: string) =>
  Journal.record({
    ...{ _tag: "ChangeShipped", change: `pr-${item}`, into: "main", head: `h-${item}`, commit: `c-${item}` },
    ...{ by: Actor.host, authors: "agent" }
  }).pipe(
    Effect.provideService(Journal.Origin, { line: null, run: null, item, stage: null, actor: Actor.host }),
    Effect.asVoid
  )

const Fix = Line.make("Fix", { payload: { item: WorkItem.WorkItem }, success: Schema.Void })
const code = Fix.toLayer(
  Effect.fnUntraced(function* ({ item }) {
    yield* Gate.approve("plan", { question: "So?", cause: "plan" }).pipe(
      Effect.catchTag("Rejected", () => Line.park(item, { reason: "No" }))
    )
    yield* Line.rework({ attempts: 3 }, (_: string | undefined, attempt) =>
      Effect.gen(function* () {
        yield* work("Implement", 3, 1)
        yield* work("Review", 1, 0.5)
        return item.id === "three" && attempt === 1 ? yield* Line.again("not yet") : undefined
      })
    )
    yield* Stage.run({ name: "ship", success: Schema.Void }, shipped(item.id))
  })
)

const item = (id: string) => ({ id, title: id, body: WorkItem.bodyOf(""), labels: [], source: "test" })

/** One goes through at once, the plan of two is refused, the work of three once. */
const played = (services: Layer.Layer<Simulation.Services, Journal.JournalError>) =>
  Simulation.run(Fix, {
    code,
    services,
    payloads: [{ item: item("one") }, { item: item("two") }, { item: item("three") }],
    answers: ({ gate }) => ({
      answer: gate.startsWith("two") ? { _tag: "Reject", note: "Too much." } : { _tag: "Approve" },
      after: "2 hours",
      by: Actor.human("ada")
    })
  })

const withStore = (use: (path: string) => Effect.Effect<void, unknown>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-metrics-"))),
    (folder) => use(join(folder, "factory.db")),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  )

const opened = (path: string) => Sqlite.layer({ path, poll: Duration.infinity, synchronous: "NORMAL" })
const journalOf = (path: string) => Layer.provideMerge(SqliteJournal.layer, opened(path))

describe("Metrics of a real store", () => {
  it.live("are those of what the line did, and keep what is known of pruned runs", () =>
    withStore((path) =>
      Effect.gen(function* () {
        const report = yield* played(
          Layer.merge(SqliteJournal.layer, SqliteEngine.layer()).pipe(Layer.provide(opened(path)))
        )
        assert.strictEqual(report.end, "Over", Simulation.explain(report))
        const day = Window.days(1, Date.UTC(2026, 0, 1))
        yield* Effect.gen(function* () {
          const state = yield* Metrics.fold
          const { figures } = Metrics.of(state, { window: day, rate: 60 })
          const of = (name: Metrics.Name) => {
            const { denominator, numerator, unknown } = figures[name]
            return [numerator, denominator, unknown]
          }
          assert.deepStrictEqual(of("semiAutomated"), [2, 2, 0])
          // One: 1 + 0.5; three: twice as much; two: nothing.
          assert.deepStrictEqual(of("costPerShipped"), [4.5, 2, 0])
          assert.deepStrictEqual(of("interventions"), [3, 2, 0])
          assert.deepStrictEqual(of("humanHours"), [0, 2, 3], "nobody measured how long ada worked")
          assert.deepStrictEqual(of("parked"), [1, 3, 0])
          assert.deepStrictEqual(of("firstPass"), [1, 2, 0])
          assert.deepStrictEqual(of("validationRuns"), [3, 6, 0])
          assert.deepStrictEqual(of("validationTime"), [3, 12, 0])
          assert.deepStrictEqual(of("cacheRead"), [540, 600, 0])
          assert.deepStrictEqual(figures.waiting.distribution, { n: 3, censored: 0, p50: 2, p90: 2 })
          // 2 + 4 and 2 + 8 hours; two was put aside, and is open.
          assert.deepStrictEqual(figures.leadTime.distribution, { n: 2, censored: 1, p50: 10, p90: null })
          assert.strictEqual(
            figures.costPerShipped.numerator,
            Ledger.bill(Ledger.total(Ledger.charges(yield* Ledger.of()))).usd
          )

          yield* Retention.prune({ keepLast: 0 })
          const left = yield* Metrics.fold
          const all = Metrics.window(left)
          if (all === undefined) return assert.fail("what was pruned and what shipped is still there")
          const pruned = Metrics.of(left, { window: all, rate: 60 }).figures
          const { denominator, numerator, unknown } = pruned.costPerShipped
          assert.deepStrictEqual([numerator, denominator, unknown], [4.5, 2, 3], "the cost stays, of three runs")
          assert.deepStrictEqual(
            [pruned.autonomy.numerator, pruned.autonomy.unknown],
            [0, 2],
            "their people are unknown"
          )
          const { humanHours, interventions, interventionsByCause, interventionsByStage } = pruned
          assert.deepStrictEqual(
            [interventions.numerator, interventions.parts, interventionsByCause.parts],
            [3, figures.interventions.parts, figures.interventionsByCause.parts],
            "how often people were needed is not what it was"
          )
          assert.deepStrictEqual(
            interventionsByStage.parts.map(({ name, numerator }) => [name, numerator]),
            [["(pruned)", 3]]
          )
          assert.deepStrictEqual([humanHours.numerator, humanHours.unknown], [0, 3])
          assert.deepStrictEqual([pruned.parked.value, pruned.parked.unknown], [null, 3])
          const then = Metrics.of(left, { window: day, rate: 60 }).figures
          assert.strictEqual(then.throughput.unknown, 3, "a window before the pruning says that it knows less")
          assert.strictEqual(then.costPerShipped.numerator, 4.5, "what they cost stands when they ended")
          assert.strictEqual(then.interventions.numerator, 3)
          // Who followed the journal all along still knows what was.
          const followed = Journal.fold(state, Metrics.step)
          assert.deepStrictEqual(Metrics.of(yield* followed, { window: day, rate: 60 }).figures.parked, figures.parked)
        }).pipe(Effect.provide(journalOf(path)))
      })
    )
  )
})
