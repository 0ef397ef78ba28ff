import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Budget from "@millwright/core/Budget"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Harness from "../src/Harness.ts"
import * as Panel from "../src/roles/Panel.ts"
import * as ScriptedHarness from "../src/testing/ScriptedHarness.ts"
import * as Lab from "./ReviewLab.ts"

class Broken extends Fault.Class<Broken>()("Broken", { Once: false }) {}

const panel = Panel.make({ reviewers: [{ name: "one" }, { name: "two" }] })

const outcomes: Readonly<Record<string, Schema.Json>> = {
  "Review-one": Lab.changes(Lab.comment(2)),
  "Review-two": Lab.approval(),
  Arbiter: { _tag: "Escalate", why: "It is about money." }
}

/** A journal and an engine on a file that is gone afterwards. */
const store = Layer.unwrap(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-panel-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  ).pipe(
    Effect.map((folder) =>
      Layer.mergeAll(SqliteJournal.layer, SqliteEngine.layer()).pipe(
        Layer.provide(Sqlite.layer({ path: join(folder, "factory.db"), poll: "5 millis" }))
      )
    )
  )
)

const facts = Effect.gen(function* () {
  return yield* Stream.runCollect((yield* Journal.Journal).read())
})

describe("a panel in a line", () => {
  it.live("is a stage for each reviewer and one for the arbiter, and asks nobody again when the line goes on", () => {
    const Reviewing = Line.make("Reviewing", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
    let isMended = false
    const code = Reviewing.toLayer(
      Effect.fnUntraced(function* () {
        const report = yield* panel.run(Lab.input)
        yield* Stage.run(
          { name: "after", success: Schema.Void },
          Effect.suspend(() =>
            isMended ? Effect.void : Effect.fail(new Broken({ reason: "Once", message: "Mend it." }))
          )
        )
        return report.verdict
      })
    )
    return Effect.gen(function* () {
      const run = yield* Reviewing.start({ item: Lab.item })
      assert.strictEqual((yield* Line.settled(run))._tag, "Stalled")
      isMended = true
      yield* Line.resume(run)
      const status = yield* Line.settled(run)
      assert.strictEqual(status._tag === "Finished" && (yield* Reviewing.result(status.result)), "RequestChanges")
      const started = (yield* facts).flatMap(({ fact, stage }) =>
        fact._tag === "RoleStarted" ? [[fact.role, stage]] : []
      )
      assert.sameDeepMembers(started, [
        ["Review-one", "review-one"],
        ["Review-two", "review-two"],
        ["Arbiter", "arbiter"]
      ])
    }).pipe(
      Effect.provide(code),
      Effect.provide(ScriptedHarness.layer(({ role }) => [{ outcome: outcomes[role] ?? null }])),
      Effect.provide(store),
      Effect.provide(NodeServices.layer)
    )
  })

  it.live("goes on without a reviewer that fails, and asks none again, whatever breaks after it", () => {
    const Reviewing = Line.make("Reviewing", {
      payload: { item: WorkItem.WorkItem },
      success: Schema.Array(Schema.String)
    })
    const asked: Array<string> = []
    const spent = new Budget.BudgetError({ reason: "TokensSpent", message: "Nothing is left." })
    let left = 1
    const lenient = Panel.make({ reviewers: [{ name: "fails" }, { name: "one" }, { name: "two" }], quorum: 1 })
    const code = Reviewing.toLayer(
      Effect.fnUntraced(function* () {
        const report = yield* lenient.run(Lab.input)
        yield* Stage.run(
          { name: "after", success: Schema.Void },
          Effect.suspend(() =>
            left-- > 0 ? Effect.fail(new Broken({ reason: "Once", message: "Mend it." })) : Effect.void
          )
        )
        return [report.verdict, ...report.failed.map(({ by }) => by), ...report.reviews.map(({ by }) => by)]
      })
    )
    return Effect.gen(function* () {
      const { harness } = yield* ScriptedHarness.make(({ role }) => [{ outcome: outcomes[role] ?? null }])
      const counting: Harness.Harness["Service"] = {
        ...harness,
        run: (request) =>
          Stream.unwrap(
            Effect.sync(() => {
              asked.push(request.role)
              return request.role === "Arbiter" && asked.filter((role) => role === "Arbiter").length === 1
                ? Stream.fail(spent)
                : harness.run(request)
            })
          )
      }
      yield* Effect.gen(function* () {
        const run = yield* Reviewing.start({ item: Lab.item })
        assert.strictEqual((yield* Line.settled(run))._tag, "Stalled", "the arbiter has no budget")
        yield* Line.resume(run)
        assert.strictEqual((yield* Line.settled(run))._tag, "Stalled", "the stage after it is broken")
        yield* Line.resume(run)
        const status = yield* Line.settled(run)
        assert(status._tag === "Finished")
        assert.deepStrictEqual(yield* Reviewing.result(status.result), ["RequestChanges", "fails", "one", "two"])
      }).pipe(Effect.provide(code), Effect.provideService(Harness.Harness, counting))
      const times = (role: string) => asked.filter((each) => each === role).length
      assert.strictEqual(times("Review-one"), 1, "a reviewer is asked again")
      assert.strictEqual(times("Review-two"), 1, "a reviewer is asked again")
      assert.strictEqual(times("Arbiter"), 2)
      // It was asked, and told once that its answer is none.
      assert.strictEqual(times("Review-fails"), 2, "one that failed is asked again, after an arbiter ruled without it")
    }).pipe(Effect.provide(store), Effect.provide(NodeServices.layer))
  })
})
