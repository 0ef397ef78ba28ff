import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Actor from "@millwright/core/Actor"
import * as Durable from "@millwright/core/Durable"
import * as Gate from "@millwright/core/Gate"
import * as Line from "@millwright/core/Line"
import * as Run from "@millwright/core/Run"
import * as Sqlite from "@millwright/core/Sqlite"
import * as WorkItem from "@millwright/core/WorkItem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const item: WorkItem.WorkItem = {
  id: "issue-1",
  title: "It breaks",
  body: WorkItem.bodyOf(""),
  labels: [],
  source: "issue-1.md"
}

const withStore = <A, E>(use: (store: ReturnType<typeof storeAt>) => Effect.Effect<A, E>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "restart-"))),
    (folder) => use(storeAt(join(folder, "factory.db"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )

const storeAt = (path: string) =>
  Layer.fresh(
    Layer.mergeAll(SqliteJournal.layer, SqliteEngine.layer()).pipe(
      Layer.provide(Sqlite.layer({ path, poll: "5 millis" }))
    )
  )

describe("after a restart", () => {
  it.live("a line that waits for a clock goes on when it is due, although nobody resumes it", () =>
    withStore((store) => {
      const Napping = Line.make("Napping", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
      const code = Napping.toLayer(() =>
        Effect.gen(function* () {
          const { execution } = yield* Run.Run
          const nap = Durable.DurableClock.sleep({ name: "nap", duration: "400 millis", inMemoryThreshold: 0 })
          yield* Effect.provideContext(nap, execution)
          return "awake"
        })
      )
      const process = Layer.fresh(code.pipe(Layer.provideMerge(store)))
      return Effect.gen(function* () {
        const run = yield* Napping.start({ item }).pipe(Effect.provide(process))
        const status = yield* Effect.provide(Line.ended(run), process)
        assert.strictEqual(status._tag === "Finished" && status.result, "awake")
      })
    })
  )

  it.live("a gate whose name has a colon is found and answered", () =>
    withStore((store) => {
      const Asked = Line.make("Asked", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
      const code = Asked.toLayer(() => Gate.answer("spec: paint", { question: "Which colour?", cause: "needs info" }))
      return Effect.gen(function* () {
        const run = yield* Asked.start({ item })
        yield* Line.settled(run)
        yield* Gate.settle(`${run}:spec: paint`, { _tag: "Reply", text: "blue" }, { actor: Actor.human("ada") })
        const status = yield* Line.ended(run)
        assert.strictEqual(status._tag === "Finished" && status.result, "blue")
      }).pipe(Effect.provide(code.pipe(Layer.provideMerge(store))))
    })
  )
})
