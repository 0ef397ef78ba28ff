import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Stage from "@millwright/core/Stage"
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
import * as Lab from "./RoleLab.ts"

class Broken extends Fault.Class<Broken>()("Broken", { Once: false }) {}

const picker = (isStrict: () => boolean = () => true, retry?: Schedule.Schedule<unknown>) =>
  Role.make("Picker", {
    input: Schema.Struct({ ids: Schema.Array(Schema.String) }),
    outcome: Schema.TaggedUnion({ Picked: { id: Schema.String }, None: {} }),
    skill: Skill.parse("---\nname: picker\ndescription: Picks.\n---\nPick one.", "inline"),
    grants: [],
    tier: "small",
    problems: (outcome, { ids }) =>
      !isStrict() || outcome._tag === "None" || ids.includes(outcome.id)
        ? []
        : [`There is no ${outcome.id}`, "Pick one"],
    ...(retry && { retry })
  })
const picked = (id: string) => ({ _tag: "Picked", id })

describe("a role whose outcome has to fit its input", () => {
  it.live("is told of all that does not, with what is wrong in shape, and may mend it once", () =>
    Effect.gen(function* () {
      const { outcome, prompts } = yield* Lab.play([picked("z"), picked("a")], picker().run({ ids: ["a"] }))
      assert.deepStrictEqual(outcome, { _tag: "Picked", id: "a" })
      assert.include(prompts[1] ?? "", "There is no z")
      assert.include(prompts[1] ?? "", "Pick one")
      const failure = yield* Effect.flip(Lab.play([picked("z"), picked("y")], picker().run({ ids: ["a"] })))
      assert.deepInclude(failure, { _tag: "RoleError", reason: "MalformedOutcome" })
      assert.include(failure.message, "There is no y")
    })
  )

  it.live("is one stage, tried again as it says, whose stored outcome outlives its rule", () =>
    Effect.acquireUseRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-checked-"))),
      (folder) => {
        let isMended = false
        const Picking = Line.make("Picking", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
        const code = Picking.toLayer(
          Effect.fnUntraced(function* () {
            const role = picker(() => isMended, Schedule.recurs(1))
            const outcome = yield* role.run({ ids: ["a"] })
            yield* Stage.run(
              { name: "after", success: Schema.Void },
              Effect.suspend(() =>
                isMended ? Effect.void : Effect.fail(new Broken({ reason: "Once", message: "Broken. Mend it." }))
              )
            )
            return outcome._tag === "Picked" ? outcome.id : "none"
          })
        )
        const store = Layer.mergeAll(SqliteJournal.layer, SqliteEngine.layer()).pipe(
          Layer.provide(Sqlite.layer({ path: join(folder, "factory.db"), poll: "5 millis" }))
        )
        return Effect.gen(function* () {
          const { failNext, harness, requests } = yield* ScriptedHarness.make(() => [{ outcome: picked("old") }])
          yield* failNext([new Harness.HarnessError({ reason: "Broken", message: "It broke. Look at its log." })])
          yield* Effect.gen(function* () {
            const run = yield* Picking.start({ item: Lab.item("b") })
            assert.strictEqual((yield* Line.settled(run))._tag, "Stalled")
            isMended = true
            yield* Line.resume(run)
            const ended = yield* Line.ended(run)
            assert.deepInclude(ended, { _tag: "Finished", result: "old" }, "what was accepted can not be read any more")
          }).pipe(Effect.provide(code), Effect.provideService(Harness.Harness, harness))
          assert.lengthOf(yield* requests, 2, "it was not tried again once")
          const journal = yield* Journal.Journal
          const own = (yield* Stream.runCollect(journal.read())).filter(({ stage }) => stage === "picker")
          assert.deepStrictEqual(
            own.map(({ fact }) => fact._tag),
            ["StageStarted", "RoleStarted", "StageRetried", "StageStarted", "RoleStarted", "StageFinished"]
          )
        }).pipe(Effect.provide(store), Effect.provide(NodeServices.layer))
      },
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    )
  )
})
