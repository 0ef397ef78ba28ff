import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Model from "@millwright/core/Model"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Stage from "@millwright/core/Stage"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Harness from "../src/Harness.ts"
import * as Role from "../src/Role.ts"
import * as Skill from "../src/Skill.ts"
import * as ScriptedHarness from "../src/testing/ScriptedHarness.ts"

const item: WorkItem.WorkItem = {
  id: "issue-1",
  title: "It breaks",
  body: WorkItem.bodyOf("It breaks."),
  labels: [],
  source: "issue-1.md"
}

class Broken extends Fault.Class<Broken>()("Broken", { Once: false }) {}

const sorter = (retry?: Schedule.Schedule<unknown>) =>
  Role.make("Sorter", {
    input: Schema.Struct({ text: Tainted.text("the issue") }),
    outcome: Schema.TaggedUnion({ Bug: { at: Schema.Date }, Feature: {} }),
    skill: Skill.parse("---\nname: sorter\ndescription: Sorts.\n---\nSort it.", "inline"),
    grants: ["bash"],
    tier: "small",
    ...(retry && { retry })
  })

const turns: ReadonlyArray<ScriptedHarness.Turn> = [
  { calls: [{ tool: "bash", arguments: { script: "true" } }] },
  { outcome: { _tag: "Bug", at: "2026-01-02T03:04:05.000Z" } }
]

/** A journal and an engine on a file that is gone afterwards. */
const withStore = <A, E>(use: (path: string) => Effect.Effect<A, E, Harness.Workplace>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-role-"))),
    (folder) => Effect.provide(use(join(folder, "factory.db")), NodeServices.layer),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )

const store = (path: string) =>
  Layer.mergeAll(SqliteJournal.layer, SqliteEngine.layer()).pipe(
    Layer.provide(Sqlite.layer({ path, poll: "5 millis" }))
  )

/** The facts so far, each with its stage. */
const facts = Effect.gen(function* () {
  const journal = yield* Journal.Journal
  return (yield* Stream.runCollect(journal.read())).map(({ actor, fact, stage }) => ({ fact, stage, actor }))
})

describe("a role in a line", () => {
  it.live("is one stage with its name, and is not asked again when the line is replayed", () =>
    withStore((path) => {
      const Sorting = Line.make("Sorting", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
      let isMended = false
      let passes = 0
      const code = Sorting.toLayer(
        Effect.fnUntraced(function* ({ item }) {
          passes++
          const outcome = yield* sorter().run({ text: item.body })
          yield* Stage.run(
            { name: "after", success: Schema.Void },
            Effect.suspend(() =>
              isMended ? Effect.void : Effect.fail(new Broken({ reason: "Once", message: "Broken. Mend it." }))
            )
          )
          return outcome._tag === "Bug" ? outcome.at.toISOString() : "no bug"
        })
      )
      return Effect.gen(function* () {
        const { harness, requests } = yield* ScriptedHarness.make(() => turns)
        yield* Effect.gen(function* () {
          const run = yield* Sorting.start({ item })
          assert.strictEqual((yield* Line.settled(run))._tag, "Stalled")
          isMended = true
          yield* Line.resume(run)
          const status = yield* Line.settled(run)
          assert.deepStrictEqual(
            status._tag === "Finished" && (yield* Sorting.result(status.result)),
            "2026-01-02T03:04:05.000Z",
            "the stored outcome is not what the role answered"
          )
        }).pipe(Effect.provide(code), Effect.provideService(Harness.Harness, harness))
        assert.isAtLeast(passes, 2, "the line was not replayed")
        assert.lengthOf(yield* requests, 1, "the agent was asked again")
        const all = yield* facts
        const own = all.filter(({ stage }) => stage === "sorter")
        assert.deepStrictEqual(
          own.map(({ fact }) => fact._tag),
          ["StageStarted", "RoleStarted", "ToolCalled", "StageFinished"]
        )
        const byAgent = all.filter(({ actor }) => actor._tag === "Agent").map(({ fact }) => fact._tag)
        assert.deepStrictEqual(byAgent, ["RoleStarted", "ToolCalled"], "the host's facts and the agent's are mixed up")
      }).pipe(Effect.provide(store(path)))
    })
  )

  it.live("stalls the line with the fault that stopped it, and is asked anew when the line is resumed", () =>
    withStore((path) => {
      const Sorting = Line.make("Sorting", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
      const code = Sorting.toLayer(({ item }) => Effect.map(sorter().run({ text: item.body }), ({ _tag }) => _tag))
      return Effect.gen(function* () {
        const { failNext, harness, requests } = yield* ScriptedHarness.make(() => turns)
        yield* failNext([
          new Model.ModelError({ reason: "QuotaExhausted", message: "Model m: QuotaExhausted. Add credit." })
        ])
        yield* Effect.gen(function* () {
          const run = yield* Sorting.start({ item })
          assert.strictEqual((yield* Line.settled(run))._tag, "Stalled")
          yield* Line.resume(run)
          assert.strictEqual((yield* Line.settled(run))._tag, "Finished")
        }).pipe(Effect.provide(code), Effect.provideService(Harness.Harness, harness))
        assert.lengthOf(yield* requests, 2)
        const stalled = (yield* facts).flatMap(({ fact }) => (fact._tag === "LineStalled" ? [fact.fault.reason] : []))
        assert.deepStrictEqual(stalled, ["QuotaExhausted"])
      }).pipe(Effect.provide(store(path)))
    })
  )

  it.live("is tried again as its policy says, and only after faults that a retry can mend", () =>
    withStore((path) => {
      const Sorting = Line.make("Sorting", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
      const role = sorter(Schedule.recurs(3))
      const code = Sorting.toLayer(({ item }) => Effect.map(role.run({ text: item.body }), ({ _tag }) => _tag))
      return Effect.gen(function* () {
        const { failNext, harness, requests } = yield* ScriptedHarness.make(() => turns)
        const broken = new Harness.HarnessError({ reason: "Broken", message: "It broke. Look at its log." })
        yield* failNext([broken, broken, new Harness.HarnessError({ reason: "NotInstalled", message: "Install it." })])
        yield* Effect.gen(function* () {
          const run = yield* Sorting.start({ item })
          assert.strictEqual((yield* Line.settled(run))._tag, "Stalled")
        }).pipe(Effect.provide(code), Effect.provideService(Harness.Harness, harness))
        assert.lengthOf(yield* requests, 3, "it was not tried again twice and then given up")
        const retried = (yield* facts).filter(({ fact }) => fact._tag === "StageRetried")
        assert.lengthOf(retried, 2)
      }).pipe(Effect.provide(store(path)))
    })
  )
})
