import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as Sqlite from "@millwright/core/Sqlite"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import * as LoopHarness from "../src/adapters/LoopHarness.ts"
import * as Role from "../src/Role.ts"
import * as Skill from "../src/Skill.ts"
import * as Lab from "./adapters/LoopLab.ts"
import { sessionsIn } from "./LoopSessions.ts"
import { workspace } from "./ToolsWorkplace.ts"

const item: WorkItem.WorkItem = {
  id: "issue-1",
  title: "It breaks",
  body: WorkItem.bodyOf("It breaks."),
  labels: [],
  source: "issue-1.md"
}

const Worker = Role.make("Worker", {
  input: Schema.Struct({ text: Tainted.text("the issue") }),
  outcome: Lab.Outcome,
  skill: Skill.parse("---\nname: worker\ndescription: Works.\n---\nWork.", "inline"),
  grants: ["bash"],
  tier: "small",
  resumes: true
})

describe("a role that resumes", () => {
  it.live("goes on where its stage broke off, also in another process, and begins anew when its run goes back", () =>
    Effect.gen(function* () {
      const twin = yield* ProviderTwin.make({
        script: {
          conversations: [{ turns: [Lab.bash("echo one >> done"), Lab.bash("echo two >> done"), Lab.done("ok")] }]
        }
      })
      const Working = Line.make("Working", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
      const model = yield* Lab.modelAt("anthropic", twin.anthropicUrl)
      const code = Working.toLayer(
        Effect.fnUntraced(function* ({ item }) {
          return (yield* Worker.run({ text: item.body })).note
        })
      )
      const store = Layer.mergeAll(SqliteJournal.layer, SqliteEngine.layer()).pipe(
        Layer.provide(Sqlite.layer({ path: "factory.db", poll: "5 millis" }))
      )
      const process = code.pipe(
        Layer.provide(LoopHarness.layer),
        Layer.provide([
          Layer.succeed(Model.Models, Model.single(model)),
          Layer.succeed(Pricing.Pricing, Lab.cents),
          sessionsIn("sessions")
        ]),
        Layer.provideMerge(store),
        Layer.provideMerge(NodeServices.layer),
        Layer.fresh
      )
      // The third call of the model fails, and a key that is refused is not tried again.
      const run = yield* Effect.gen(function* () {
        yield* twin.breakNext([
          { _tag: "Slow", delay: 0 },
          { _tag: "Slow", delay: 0 },
          { _tag: "Refuse", status: 401 }
        ])
        const started = yield* Working.start({ item })
        const status = yield* Line.settled(started)
        assert.strictEqual(status._tag, "Stalled")
        return started
      }).pipe(Effect.provide(process))
      assert.strictEqual(readFileSync("done", "utf8"), "one\ntwo\n")
      yield* Effect.gen(function* () {
        yield* Line.resume(run)
        const status = yield* Line.settled(run)
        assert.strictEqual(status._tag, "Finished")
        assert.strictEqual(readFileSync("done", "utf8"), "one\ntwo\n", "what was done is done again")
        const started = (yield* Stream.runCollect((yield* Journal.Journal).read())).flatMap(({ fact }) =>
          fact._tag === "AgentStarted" ? [fact] : []
        )
        assert.deepStrictEqual(
          started.map(({ resumed }) => resumed),
          [false, true]
        )
        assert.strictEqual(started[0]?.session, started[1]?.session)
        yield* Line.rewind(run, { before: "worker" })
        yield* Line.settled(run)
        assert.strictEqual(readFileSync("done", "utf8"), "one\ntwo\none\ntwo\n", "what the run forgot was gone on with")
      }).pipe(Effect.provide(process))
    }).pipe((test) => Effect.andThen(workspace({}), test), Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
