import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as Status from "../src/Status.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { count, events, item, live, range, test } from "./FactoryStore.ts"

const line = <A>(name: string, success: Schema.Codec<A, unknown>) =>
  Line.make(name, { payload: { item: WorkItem.WorkItem }, success })

const question = { question: "Paint it?", context: "x".repeat(20_000), cause: "policy" }
const ada = { actor: Actor.human("ada") }
const bob = { actor: Actor.human("bob"), activeMinutes: 3 }
const ended = (run: string) => Line.ended(run)

const Painted = line("Painted", Schema.String)
const painted = Painted.toLayer(() =>
  Gate.approve("paint", question).pipe(
    Effect.map(({ by, note }) => `${Actor.label(by)}: ${note}`),
    Effect.catchTag("Rejected", (rejected) => Effect.succeed(rejected.message))
  )
)

describe("Gate.settle", () => {
  test("gives a yes to the line with who said it, and records the intervention", (path) =>
    live(
      path,
      painted,
      Effect.gen(function* () {
        const run = yield* Painted.start({ item })
        const waiting = yield* Line.settled(run)
        assert.deepStrictEqual([waiting._tag, waiting.openGates], ["Waiting", [`${run}:paint`]])
        yield* Gate.settle(`${run}:paint`, { _tag: "Approve", note: "blue" }, bob)
        const status = yield* ended(run)
        assert.match(status._tag === "Finished" ? String(status.result) : status._tag, /bob.*: blue/)
        const gate = (yield* Gate.list(run)).get(`${run}:paint`)
        assert.strictEqual(gate?.opened.context.length, 16_000, "what is read first is bounded")
        assert.include(gate?.answered, { activeMinutes: 3 })
        assert.isAtLeast(gate?.answered?.waited ?? -1, 0)
        assert.deepStrictEqual((yield* Gate.list("another.1")).size, 0)
      })
    ))

  test("gives a no as an error that names who said it and why", (path) =>
    live(
      path,
      painted,
      Effect.gen(function* () {
        const run = yield* Painted.start({ item })
        yield* Line.settled(run)
        yield* Gate.settle(`${run}:paint`, { _tag: "Reject", note: "it is fine as it is" }, ada)
        const status = yield* ended(run)
        assert.match(status._tag === "Finished" ? String(status.result) : "", /ada.* said no: it is fine as it is/)
      })
    ))

  test("takes the same answer twice, and tells whoever comes later with another one", (path) =>
    live(
      path,
      painted,
      Effect.gen(function* () {
        const run = yield* Painted.start({ item })
        yield* Line.settled(run)
        const gate = `${run}:paint`
        yield* Gate.settle(gate, { _tag: "Approve", note: "blue" }, ada)
        yield* Gate.settle(gate, { _tag: "Approve", note: "blue" }, bob)
        for (const other of [
          { _tag: "Approve", note: "red" },
          { _tag: "Reject", note: "blue" }
        ] as const) {
          const error = yield* Effect.flip(Gate.settle(gate, other, bob))
          assert.strictEqual(error.reason, "AlreadyAnswered")
          assert.include(error.message, "ada", "the message says who was first")
        }
        assert.strictEqual(yield* count("GateAnswered"), 1)
        yield* ended(run)
        yield* Gate.settle(gate, { _tag: "Approve", note: "blue" }, ada)
        assert.strictEqual((yield* Status.of(run))?._tag, "Finished", "an answer that stands already changes nothing")
      })
    ))

  test("says which gates are open when there is none of that name, and leaves out those of runs that are over", (path) =>
    live(
      path,
      painted,
      Effect.gen(function* () {
        const none = yield* Effect.flip(Gate.settle("nobody.1:paint", { _tag: "Approve" }, ada))
        assert.include(none.message, "No gate is open")
        const runs = [yield* Painted.start({ item }), yield* Painted.start({ item })]
        for (const run of runs) yield* Line.settled(run)
        yield* Gate.settle(`${runs[0]}:paint`, { _tag: "Approve" }, ada)
        yield* ended(String(runs[0]))
        const error = yield* Effect.flip(Gate.settle("nobody.1:paint", { _tag: "Approve" }, ada))
        assert.strictEqual(error.reason, "NoSuchGate")
        assert.include(error.message, `${runs[1]}:paint`)
        assert.notInclude(error.message, `${runs[0]}:paint`)
        const wrong = yield* Effect.flip(Gate.settle(`${runs[1]}:paint`, { _tag: "Reply", text: "yes" }, ada))
        assert.strictEqual(wrong.reason, "WrongAnswer")
        assert.include(wrong.message, question.question, "the message repeats what was asked")
        assert.strictEqual((yield* Status.of(String(runs[1])))?._tag, "Waiting", "a wrong answer changes nothing")
      })
    ))

  test("keeps gates of one name apart: in a loop, and of two lines on one item", (path) => {
    const Looped = line("Looped", Schema.Array(Schema.String))
    const code = Looped.toLayer(() =>
      Effect.forEach(range(2), (n) => Gate.answer("what", { question: `${n}?`, cause: "c" }))
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        const runs = [yield* Looped.start({ item }), yield* Looped.start({ item })]
        for (const run of runs) {
          for (const gate of ["what", "what#2"]) {
            yield* Effect.repeat(Line.settled(run), { until: ({ openGates }) => openGates.includes(`${run}:${gate}`) })
            yield* Gate.settle(`${run}:${gate}`, { _tag: "Reply", text: `${run} ${gate}` }, ada)
          }
          const status = yield* ended(run)
          assert.deepStrictEqual(status._tag === "Finished" && status.result, [`${run} what`, `${run} what#2`])
        }
      })
    )
  })
})

describe("Gate.approve and Gate.answer", () => {
  test("are refused outside of a line and inside of a stage, where nothing can wait", (path) => {
    const Inside = line("Inside", Schema.Void)
    const code = Inside.toLayer(() =>
      Stage.run({ name: "asking", success: Schema.String }, Gate.answer("what", { question: "?", cause: "c" })).pipe(
        Effect.asVoid
      )
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        const outside = yield* Effect.flip(Gate.answer("what", { question: "?", cause: "c" }))
        assert.strictEqual(outside._tag === "GateError" && outside.reason, "NotInALine")
        const run = yield* Inside.start({ item })
        const status = yield* Line.settled(run)
        assert.include(status, { _tag: "Stalled", stage: "asking" })
        assert.include(status._tag === "Stalled" ? status.fault : {}, { tag: "GateError", reason: "NotInALine" })
        assert.strictEqual(yield* count("GateOpened"), 0)
      })
    )
  })

  test("wait side by side: each branch goes on with its own answer, in any order", (path) => {
    const Both = line("Both", Schema.Array(Schema.String))
    const ran: Array<string> = []
    const branch = (name: string) =>
      Effect.gen(function* () {
        const text = yield* Gate.answer(name, { question: "?", cause: "c" })
        return yield* Stage.run(
          { name: `after-${name}`, success: Schema.String },
          Effect.sync(() => (ran.push(name), text))
        )
      })
    const code = Both.toLayer(() => Effect.forEach(["a", "b", "c"], branch, { concurrency: "unbounded" }))
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Both.start({ item })
        yield* Effect.repeat(Line.settled(run), { until: ({ openGates }) => openGates.length === 3 })
        const end = yield* Effect.forkChild(ended(run))
        yield* Effect.forEach(
          ["c", "a", "b"],
          (name) => Gate.settle(`${run}:${name}`, { _tag: "Reply", text: name }, ada),
          {
            concurrency: "unbounded"
          }
        )
        const status = yield* Fiber.join(end)
        assert.deepStrictEqual(status._tag === "Finished" && status.result, ["a", "b", "c"])
        const finished = (yield* events).flatMap(({ fact, stage }) => (fact._tag === "StageFinished" ? [stage] : []))
        assert.strictEqual(finished.filter((name) => name?.startsWith("after-")).length, 3)
        assert.strictEqual(new Set(ran).size, 3)
      })
    )
  })
})
