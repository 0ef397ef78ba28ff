/** What does not compile at a gate. `tsc` checks this file; an error that is expected and does not come is one. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"

interface Spec {
  readonly title: string
  readonly steps: ReadonlyArray<string>
}
interface Other {
  readonly colour: string
}
const spec: Spec = { title: "Faster paging", steps: [] }
const other: Other = { colour: "blue" }

const question = { question: "?", cause: "c" }
const Plain = Line.make("Plain", { payload: { item: WorkItem.WorkItem }, success: Schema.String })

/** A stage that nobody can run on a spec that was not approved. */
const implement = (approved: Gate.Approved<Spec>) =>
  Stage.run({ name: "implement", success: Schema.String }, Effect.succeed(approved.subject.title))

describe("An approval compiles", () => {
  it("where a gate gave it, for what was approved", () => {
    Plain.toLayer(() =>
      Gate.approve("spec", { ...question, subject: spec }).pipe(
        Effect.flatMap(implement),
        Effect.catchTag("Rejected", ({ message }) => Effect.succeed(message))
      )
    )
    const coloured = Gate.approve("colour", { ...question, subject: other })
    // @ts-expect-error: something else was approved
    Effect.flatMap(coloured, implement)
    // @ts-expect-error: nothing was shown to whoever approved
    Effect.flatMap(Gate.approve("spec", question), implement)
    // @ts-expect-error: a type argument is no subject
    Gate.approve<Spec>("spec", question)
    assert.notProperty(Gate, "Yes", "the class of approvals is nobody's but the gate's")
    const forged = (approved: Gate.Approved<Spec>) => {
      // @ts-expect-error: a spec that nobody approved
      implement(spec)
      // @ts-expect-error: nobody approved this spec
      implement({ subject: spec, by: Actor.host, note: "" })
      // @ts-expect-error: what was approved can not be put in the place of something else
      implement({ ...approved, subject: { ...spec, title: "Something else" } })
      // @ts-expect-error: nor be changed
      approved.subject = spec
    }
    assert.isDefined(forged)
  })

  it("without a subject as it did before", () => {
    const by = Gate.approve("go", question).pipe(
      Effect.map(({ by, note }) => `${Actor.label(by)}: ${note}`),
      Effect.catchTag("Rejected", ({ message }) => Effect.succeed(message))
    )
    assert.isDefined(Plain.toLayer(() => by))
  })
})

describe("A time-out compiles", () => {
  const refused = Effect.succeed("nobody came")

  it("only when the line handles it, or says what is answered then", () => {
    const late = Gate.answer("what", { ...question, timeout: { after: "1 day" } })
    // @ts-expect-error: nobody says what happens when nobody answers
    Plain.toLayer(() => late)
    Plain.toLayer(() => Effect.catchTag(late, "TimedOut", () => refused))
    Plain.toLayer(() => Gate.answer("what", { ...question, timeout: { after: "1 day", answer: "go on" } }))
    const timeout: { readonly after: "1 day"; readonly answer?: string } = { after: "1 day" }
    // @ts-expect-error: the answer may not be there
    Plain.toLayer(() => Gate.answer("what", { ...question, timeout }))
    Plain.toLayer(() =>
      Gate.approve("go", { ...question, timeout: { after: "1 day", answer: { _tag: "Approve" } } }).pipe(
        Effect.as("yes"),
        Effect.catchTag("Rejected", ({ message }) => Effect.succeed(message))
      )
    )
    const either = Gate.approve("go", { ...question, timeout: { after: "1 day" } })
    const yes = either.pipe(
      Effect.as("yes"),
      Effect.catchTag("Rejected", ({ note }) => Effect.succeed(note))
    )
    // @ts-expect-error: nobody says what happens when nobody answers
    Plain.toLayer(() => yes)
    assert.isDefined(Plain.toLayer(() => Gate.answer("what", question)))
  })

  it("with an answer of the gate's own kind, and with nothing that it does not know", () => {
    // @ts-expect-error: yes or no, not words
    assert.isDefined(Gate.approve("go", { ...question, timeout: { after: "1 day", answer: "yes" } }))
    const sized = { ...question, schema: Schema.Struct({ size: Schema.Literals(["small", "large"]) }) }
    Gate.ask("size", { ...sized, timeout: { after: "1 day", answer: { size: "small" } } })
    // @ts-expect-error: not of the schema
    Gate.ask("size", { ...sized, timeout: { after: "1 day", answer: { size: "huge" } } })
    // @ts-expect-error: a misspelt option
    Gate.answer("what", { question: "?", cause: "c", remnid: "4 hours" })
    // @ts-expect-error: not one of the options
    Gate.choose("size", { ...question, options: ["small", "large"], timeout: { after: "1 day", answer: "huge" } })
  })
})

describe("A typed answer compiles", () => {
  it("as what its schema says", () => {
    const sized = Gate.ask("size", { ...question, schema: Schema.Struct({ at: Schema.Date, size: Schema.Int }) })
    Plain.toLayer(() => Effect.map(sized, ({ at, size }) => `${at.toISOString()} ${size + 1}`))
    // @ts-expect-error: a number is no text
    Plain.toLayer(() => Effect.map(sized, ({ size }) => size))
    const chosen = Gate.choose("size", { ...question, options: ["small", "large"] })
    assert.isDefined(Effect.map(chosen, (size): "small" | "large" => size))
    // @ts-expect-error: nobody could choose that
    assert.isDefined(Effect.map(chosen, (size): "small" | "huge" => size))
  })
})
