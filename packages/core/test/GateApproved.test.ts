import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Digest from "../src/Digest.ts"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { events, item, live, test } from "./FactoryStore.ts"

const Spec = Schema.Struct({ title: Schema.String, steps: Schema.Array(Schema.String) })
const Approving = Line.make("Approving", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
const question = { question: "Is this what shall be done?", cause: "spec approval" }
const ada = { actor: Actor.human("ada") }
const ended = (run: string) => Line.ended(run)

const told = ({ by, note, subject }: Gate.Approved<typeof Spec.Type>) =>
  JSON.stringify({ subject, by: Actor.label(by), note })

describe("Gate.approve with a subject", () => {
  test("gives what was approved, by whom and why; after a restart and in every replay the same", (path) => {
    const seen: Array<string> = []
    const code = Approving.toLayer(() =>
      Effect.gen(function* () {
        const spec = yield* Stage.run(
          { name: "spec", success: Spec },
          Effect.succeed({ title: `Made in ${process.pid} ${seen.length}`, steps: ["a", "b"] })
        )
        const approved = yield* Gate.approve("spec", { ...question, subject: spec })
        seen.push(told(approved))
        yield* Gate.answer("more", { question: "And now?", cause: "c" })
        return told(approved)
      }).pipe(Effect.catchTag("Rejected", ({ message }) => Effect.succeed(message)))
    )
    return Effect.gen(function* () {
      const run = yield* live(
        path,
        code,
        Effect.gen(function* () {
          const run = yield* Approving.start({ item })
          yield* Line.settled(run)
          return run
        })
      )
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          yield* Gate.settle(`${run}:spec`, { _tag: "Approve", note: "go" }, ada)
          yield* Line.resume(run)
          yield* Effect.repeat(Line.settled(run), { until: ({ openGates }) => openGates.includes(`${run}:more`) })
        })
      )
      const result = yield* live(
        path,
        code,
        Effect.gen(function* () {
          yield* Gate.settle(`${run}:more`, { _tag: "Reply", text: "on" }, ada)
          yield* Line.resume(run)
          const status = yield* ended(run)
          return status._tag === "Finished" ? status.result : status
        })
      )
      assert.isAtLeast(seen.length, 2, "the line was replayed")
      assert.deepStrictEqual([...new Set(seen)], [result], "a replay approved something else")
      assert.include(result, '"by":"ada","note":"go"')
      const opened = (yield* live(path, code, events)).find(({ fact }) => fact._tag === "GateOpened")?.fact
      assert.strictEqual(
        opened?._tag === "GateOpened" ? opened.subject : undefined,
        Digest.ofJson(JSON.parse(String(result)).subject),
        "the fact names what was approved"
      )
    })
  })

  test("stops a line whose replay asks for the approval of something that nobody was shown", (path) => {
    let title = "shown"
    const code = Approving.toLayer(() =>
      Gate.approve("spec", { ...question, subject: { title, steps: [] } }).pipe(
        Effect.map(told),
        Effect.catchTag("Rejected", ({ message }) => Effect.succeed(message))
      )
    )
    return Effect.gen(function* () {
      const run = yield* live(
        path,
        code,
        Effect.tap(Approving.start({ item }), (run) => Line.settled(run))
      )
      title = "another"
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          yield* Gate.settle(`${run}:spec`, { _tag: "Approve" }, ada)
          yield* Line.resume(run)
          const status = yield* Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag !== "Waiting" })
          assert.include(status._tag === "Stalled" ? status.fault : {}, { reason: "OtherSubject" })
          title = "shown"
          yield* Line.resume(run)
          assert.include(yield* ended(run), { _tag: "Finished" }, "mended code goes on with the approval that stands")
        })
      )
    })
  })

  test("stalls, and says so, when the subject can not be written down", (path) => {
    const code = Approving.toLayer(() =>
      Gate.approve("spec", { ...question, subject: { size: 1n } }).pipe(
        Effect.as("yes"),
        Effect.catchTag("Rejected", ({ message }) => Effect.succeed(message))
      )
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        const status = yield* Line.settled(yield* Approving.start({ item }))
        assert.include(status._tag === "Stalled" ? status.fault : {}, { tag: "GateError", reason: "BadQuestion" })
      })
    )
  })
})
