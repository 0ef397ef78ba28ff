import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Status from "../src/Status.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { count, item, live, test } from "./FactoryStore.ts"

const Asking = Line.make("Asking", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
const question = { question: "How large, and when?", cause: "planning" }
const ada = { actor: Actor.human("ada") }
const ended = (run: string) => Line.ended(run)

const Plan = Schema.Struct({
  size: Schema.Literals(["small", "large"]),
  days: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 })),
  from: Schema.Date,
  tags: Schema.optionalKey(Schema.Array(Schema.NonEmptyString))
})
const good = { size: "small", days: 3, from: "2030-01-02T00:00:00.000Z" } as const

const asking = Asking.toLayer(() =>
  Effect.map(Gate.ask("plan", { ...question, schema: Plan }), ({ days, from, size }) =>
    [size, days + 1, from.getUTCFullYear()].join(" ")
  )
)
const give = (run: string, value: Schema.Json) => Gate.settle(`${run}:plan`, { _tag: "Give", value }, ada)

describe("Gate.ask", () => {
  test("gives the line a value of its schema, and the ledger its JSON", (path) =>
    live(
      path,
      asking,
      Effect.gen(function* () {
        const run = yield* Asking.start({ item })
        yield* Line.settled(run)
        yield* give(run, good)
        const status = yield* ended(run)
        assert.strictEqual(status._tag === "Finished" && status.result, "small 4 2030")
        const asked = (yield* Gate.list(run)).get(`${run}:plan`)?.intervention
        assert.deepInclude(asked?.answered, { answer: { value: good }, by: ada.actor })
        assert.strictEqual(asked?.kind, "ask")
      })
    ))

  test("shows a form in the fact: the JSON Schema of the value", (path) =>
    live(
      path,
      asking,
      Effect.gen(function* () {
        const run = yield* Asking.start({ item })
        yield* Line.settled(run)
        const { schema } = (yield* Gate.list(run)).get(`${run}:plan`)?.opened ?? {}
        assert.deepInclude(schema, { type: "object", required: ["size", "days", "from"] })
        assert.nestedInclude(schema, { "properties.days.maximum": 30 })
        assert.deepNestedInclude(schema, { "properties.size.enum": ["small", "large"] })
      })
    ))

  test("refuses an answer that does not fit, names the field, and stays open", (path) =>
    live(
      path,
      asking,
      Effect.gen(function* () {
        const run = yield* Asking.start({ item })
        yield* Line.settled(run)
        const cases: ReadonlyArray<readonly [value: Schema.Json, field: string]> = [
          [{ ...good, size: "huge" }, "size"],
          [{ ...good, days: 31 }, "days"],
          [{ ...good, days: "3" }, "days"],
          [{ ...good, tags: ["a", ""] }, "tags.1"],
          [{ size: "small", from: good.from }, "days"],
          ["small", ""],
          [null, ""]
        ]
        for (const [value, field] of cases) {
          const error = yield* Effect.flip(give(run, value))
          assert.strictEqual(error.reason, "WrongAnswer", JSON.stringify(value))
          assert.include(error.cause, { field }, error.message)
          if (field !== "") assert.include(error.message, `"${field}"`, "a person reads the field in the message")
        }
        const words = yield* Effect.flip(Gate.settle(`${run}:plan`, { _tag: "Reply", text: "small" }, ada))
        assert.strictEqual(words.reason, "WrongAnswer")
        const huge = yield* Effect.flip(give(run, { ...good, tags: ["x".repeat(200_000)] }))
        assert.strictEqual(huge.reason, "WrongAnswer", "an answer is bounded")
        assert.strictEqual((yield* Status.of(run))?._tag, "Waiting")
        assert.strictEqual(yield* count("GateAnswered"), 0)
        yield* give(run, good)
        yield* ended(run)
      })
    ))

  test("asks once more when only the line itself can tell that an answer does not fit", (path) => {
    // What a check of one's own means is not in the JSON Schema.
    const Even = Schema.Int.check(Schema.makeFilter((n: number) => n % 2 === 0 || "It has to be even"))
    const code = Asking.toLayer(() => Effect.map(Gate.ask("plan", { ...question, schema: Even }), String))
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Asking.start({ item })
        yield* Line.settled(run)
        yield* give(run, 3)
        const second = yield* Effect.repeat(Line.settled(run), {
          until: ({ openGates }) => openGates.includes(`${run}:plan#2`)
        })
        assert.strictEqual(second._tag, "Waiting")
        const { question } = (yield* Gate.list(run)).get(`${run}:plan#2`)?.opened ?? {}
        assert.include(question, "even", "the second question says what was wrong with the first answer")
        yield* Gate.settle(`${run}:plan#2`, { _tag: "Give", value: 4 }, ada)
        assert.include(yield* ended(run), { _tag: "Finished", result: "4" })
      })
    )
  })

  test("takes the same value twice, whatever the order of its keys", (path) =>
    live(
      path,
      asking,
      Effect.gen(function* () {
        const run = yield* Asking.start({ item })
        yield* Line.settled(run)
        yield* give(run, good)
        yield* give(run, { from: good.from, days: good.days, size: good.size })
        const error = yield* Effect.flip(give(run, { ...good, days: 4 }))
        assert.strictEqual(error.reason, "AlreadyAnswered")
        yield* ended(run)
      })
    ))

  test("leaves out a form that is too large, and still decodes the answer", (path) => {
    const many = Array.from({ length: 2_000 }, (_, n) => `option number ${n}`)
    const code = Asking.toLayer(() => Gate.choose("plan", { ...question, options: many }))
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Asking.start({ item })
        yield* Line.settled(run)
        assert.notProperty((yield* Gate.list(run)).get(`${run}:plan`)?.opened, "schema")
        yield* give(run, "option number 7")
        assert.include(yield* ended(run), { _tag: "Finished", result: "option number 7" })
      })
    )
  })

  test("stalls, and says so, when a question can not be asked", (path) => {
    const code = Asking.toLayer(({ item }) =>
      Gate.answer("what", {
        ...question,
        ...(item.title === "remind" ? { remind: -1 } : { escalate: [{ after: "Infinity", to: "lead" }] })
      })
    )
    return live(
      path,
      code,
      Effect.forEach(
        ["remind", "escalate"],
        Effect.fnUntraced(function* (title) {
          const status = yield* Line.settled(yield* Asking.start({ item: { ...item, title } }))
          assert.include(status._tag === "Stalled" ? status.fault : {}, { tag: "GateError", reason: "BadQuestion" })
          assert.strictEqual(yield* count("GateOpened"), 0, "a question that can not be asked was asked")
        }),
        { discard: true }
      )
    )
  })
})
