/** What does not compile. `tsc` checks this file; an error that is expected and does not come is one. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fault from "../src/Fault.ts"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { item } from "./FactoryStore.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}
class Broken extends Fault.Class<Broken>()("Broken", { Once: false }) {}

const payload = { item: WorkItem.WorkItem }
const Plain = Line.make("Plain", { payload, success: Schema.String })
const Declared = Line.make("Declared", { payload, success: Schema.String, error: Refused })
const question = { question: "?", cause: "c" }

describe("A line compiles", () => {
  it("with errors that it declares and with faults, and with nothing else", () => {
    const refusing = () => Effect.fail(new Refused({ why: "no" }))
    const breaking = () => Effect.fail(new Broken({ reason: "Once", message: "It broke." }))
    assert.isDefined(Declared.toLayer(refusing))
    Declared.toLayer(breaking)
    Plain.toLayer(breaking)
    Plain.toLayer(({ item }) => Line.park(item, { reason: "later" }))
    // @ts-expect-error: the line does not declare it
    Plain.toLayer(refusing)
    // @ts-expect-error: a line that declares other errors can not park
    Declared.toLayer(({ item }) => Line.park(item, { reason: "later" }))
    // @ts-expect-error: an error without a tag is no error of a line
    Plain.toLayer(() => Effect.fail(new Error("anything")))
    // @ts-expect-error: the error of a stage is one of the line
    Plain.toLayer(() => Stage.run({ name: "s", success: Schema.String, error: Refused }, refusing()))
    Plain.toLayer(() => Stage.run({ name: "s", success: Schema.String }, breaking()))
  })

  it("only when a no is handled", () => {
    // @ts-expect-error: nobody says what happens when a human says no
    Plain.toLayer(() => Effect.as(Gate.approve("go", question), "yes"))
    Plain.toLayer(() =>
      Gate.approve("go", question).pipe(
        Effect.as("yes"),
        Effect.catchTag("Rejected", ({ note }) => Effect.succeed(note))
      )
    )
    assert.isDefined(Plain.toLayer(() => Gate.answer("what", question)))
  })

  it("only with an item, and with results of its types", () => {
    // @ts-expect-error: a line carries a work item
    Line.make("Itemless", { payload: { title: Schema.String }, success: Schema.Void })
    // @ts-expect-error: what is called the item is one
    Line.make("Odd", { payload: { item: Schema.String }, success: Schema.Void })
    // @ts-expect-error: the result is a text
    Plain.toLayer(() => Effect.succeed(1))
    // @ts-expect-error: the payload of a start has the item
    Plain.start({})
    assert.isDefined(Plain.start({ item }))
    // @ts-expect-error: the effect of a stage gives what the stage stores
    Stage.run({ name: "s", success: Schema.Number }, Effect.succeed("one"))
  })

  it("only when every outcome of a stage is looked at", () => {
    const Outcome = Schema.TaggedUnion({ Done: { change: Schema.String }, Blocked: { why: Schema.String } })
    const stage = Stage.run({ name: "s", success: Outcome }, Effect.succeed({ _tag: "Done", change: "c" } as const))
    const every = Effect.map(stage, (outcome) => (outcome._tag === "Done" ? outcome.change : outcome.why))
    assert.isDefined(Plain.toLayer(() => every))
    // @ts-expect-error: a blocked outcome has no change
    Plain.toLayer(() => Effect.map(stage, (outcome) => outcome.change))
  })
})
