/**
 * A factory process: `node factory.ts STORE ITEM…` starts a run for each item, or goes on with what is there, and lives
 * until they are over. Their titles are as hostile as titles can be.
 */
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Gate from "@millwright/core/Gate"
import * as Line from "@millwright/core/Line"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Stage from "@millwright/core/Stage"
import * as Status from "@millwright/core/Status"
import * as Watch from "@millwright/core/Watch"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

export const hostile = "Wipe\u001b[2J\u001b]0;owned\u0007 it\r\n\u202eall \u{1f9e8}, and then a lot more of it"

// Somebody else's items may hold anything.
const Hostile = Schema.Struct({ ...WorkItem.WorkItem.fields, title: Schema.String })

const Sample = Line.make("Sample", { payload: { item: Hostile }, success: Schema.String })

const code = Sample.toLayer(
  Effect.fnUntraced(function* ({ item }) {
    yield* Stage.run({ name: "plan", success: Schema.Void }, Effect.void)
    yield* Gate.approve("plan", { question: "Shall it be done?\u001b[2J", context: "Read this.", cause: "plan" }).pipe(
      Effect.catchTag("Rejected", (no) => Line.park(item, { reason: no.note }))
    )
    const words = yield* Gate.answer("name", { question: "What is it called?", cause: "name" })
    return yield* Stage.run({ name: "build", success: Schema.String }, Effect.succeed(words))
  })
)

const [path = "", ...items] = process.argv.slice(2)

if (path !== "") {
  await Effect.gen(function* () {
    const known = yield* Status.runs()
    const runs = yield* Effect.forEach(items, (id) => {
      const run = known.find(({ item }) => item === id)
      const item = { id, title: hostile, body: WorkItem.bodyOf(""), labels: [], source: "test" }
      return run === undefined ? Sample.start({ item }) : Effect.succeed(run.run)
    })
    const isOver = (run: string) => Stream.runDrain(Watch.run(run))
    const waits = (run: string) => Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag !== "Running" })
    yield* Effect.forEach(runs, waits, { concurrency: "unbounded" })
    console.log("ready")
    if (process.env["LIVE"] !== undefined) yield* Effect.forEach(runs, isOver, { concurrency: "unbounded" })
  }).pipe(
    Effect.provide(
      code.pipe(
        Layer.provideMerge(Layer.merge(SqliteJournal.layer, SqliteEngine.layer())),
        Layer.provide(Sqlite.layer({ path, synchronous: "NORMAL" }))
      )
    ),
    Effect.runPromise
  )
}
