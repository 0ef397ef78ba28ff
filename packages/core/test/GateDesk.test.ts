import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Gate from "../src/Gate.ts"
import * as GateDesk from "../src/GateDesk.ts"
import * as Line from "../src/Line.ts"
import * as Status from "../src/Status.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { count, item, live, range, test } from "./FactoryStore.ts"

const Asking = Line.make("Asking", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
const question = { question: "Go on?", cause: "policy" }
const ada = { actor: Actor.human("ada") }
const ended = (run: string) => Line.ended(run)
const asking = Asking.toLayer(() =>
  Gate.approve("go", question).pipe(
    Effect.map(({ note }) => note),
    Effect.catchTag("Rejected", ({ note }) => Effect.succeed(`no: ${note}`))
  )
)
const waits = Effect.tap(Asking.start({ item }), (run) => Line.settled(run))

describe("GateDesk.settle", () => {
  test("refuses a no that says nothing, and the gate stays open", (path) =>
    live(
      path,
      asking,
      Effect.gen(function* () {
        const run = yield* waits
        for (const note of ["", " \n\t"]) {
          const error = yield* Effect.flip(Gate.settle(`${run}:go`, { _tag: "Reject", note }, ada))
          assert.strictEqual(error.reason, "WrongAnswer")
          assert.include(error.message, "note", "the message says what is missing")
        }
        assert.strictEqual((yield* Status.of(run))?._tag, "Waiting")
        yield* Gate.settle(`${run}:go`, { _tag: "Reject", note: "not on a Friday" }, ada)
        assert.include(yield* ended(run), { result: "no: not on a Friday" })
      })
    ))

  test("lets the first of 10,000 answers stand, and every other one is told so", (path) =>
    live(
      path,
      asking,
      Effect.gen(function* () {
        const run = yield* waits
        const before = process.memoryUsage().heapUsed
        const exits = yield* Effect.forEach(
          range(10_000),
          (n) => Effect.exit(Effect.flip(Gate.settle(`${run}:go`, { _tag: "Approve", note: `answer ${n}` }, ada))),
          { concurrency: "unbounded" }
        )
        const grown = (process.memoryUsage().heapUsed - before) / 2 ** 20
        assert.isBelow(grown, 400, `10,000 answers took ${grown.toFixed(0)} MiB`)
        const refused = exits.flatMap((exit) => (Exit.isSuccess(exit) ? [exit.value.reason] : []))
        assert.strictEqual(refused.length, 9_999, "one answer was taken")
        assert.deepStrictEqual([...new Set(refused)], ["AlreadyAnswered"])
        const accepted = exits.findIndex(Exit.isFailure) + 1
        assert.include(yield* ended(run), { result: `answer ${accepted}` }, "the line got the answer that was taken")
        assert.strictEqual(yield* count("GateAnswered"), 1)
      })
    ))
})

describe("GateDesk.open", () => {
  test("has what waits for an answer, and nothing of a run that is over", (path) => {
    const Two = Line.make("Two", { payload: { item: WorkItem.WorkItem }, success: Schema.Array(Schema.String) })
    const code = Two.toLayer(() =>
      Effect.forEach(["a", "b"], (name) => Gate.answer(name, question), { concurrency: 2 })
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        const open = Effect.map(GateDesk.open, (gates) => gates.map(({ opened }) => opened.gate))
        assert.deepStrictEqual(yield* open, [])
        const run = yield* Two.start({ item })
        yield* Effect.repeat(Line.settled(run), { until: ({ openGates }) => openGates.length === 2 })
        assert.deepStrictEqual((yield* open).toSorted(), [`${run}:a`, `${run}:b`])
        yield* Gate.settle(`${run}:a`, { _tag: "Reply", text: "1" }, ada)
        assert.deepStrictEqual(yield* open, [`${run}:b`])
        yield* Gate.settle(`${run}:b`, { _tag: "Reply", text: "2" }, ada)
        yield* ended(run)
        assert.deepStrictEqual(yield* open, [])
      })
    )
  })
})
