/** What a **gate** is answered with: the forms of an answer, and whether one fits the question. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as JsonSchema from "effect/JsonSchema"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Actor from "../Actor.ts"
import type * as FactoryEvent from "../FactoryEvent.ts"
import * as Fault from "../Fault.ts"

/** An answer that can not be taken, or a question that can not be asked. */
export class GateError extends Fault.Class<GateError>()("GateError", {
  NoSuchGate: false,
  /** It was answered before, and differently. */
  AlreadyAnswered: false,
  /** The answer is not of the kind or the form that the gate asks for. `cause` names the {@link Misfit}. */
  WrongAnswer: false,
  /** An agent is at work where it is answered, and an agent can not say what a human answers. */
  NotHuman: false,
  /** The run is over, or its time ran out: nobody waits for the answer. */
  Closed: false,
  /** A gate stands in a line, between its stages. */
  NotInALine: false,
  /** Its times, its schema or its subject can not be kept. */
  BadQuestion: false,
  /** A replay asks for the approval of something else than what was shown to the human. */
  OtherSubject: false
}) {}

/** Where an answer does not fit. `field` is a path such as `size` or `tags.2`, empty for the answer as a whole. */
export interface Misfit {
  readonly field: string
  readonly problem: string
}

/** The field that a wrong answer is wrong at, where it is one. */
export const fieldOf = ({ cause }: GateError): string | undefined =>
  Predicate.hasProperty(cause, "field") && Predicate.isString(cause.field) && cause.field !== ""
    ? cause.field
    : undefined

/** What is answered: yes or no with a note, a text, or a value of the schema that is asked for, as JSON. */
export const Answer = Schema.TaggedUnion({
  Approve: { note: Schema.optionalKey(Schema.String) },
  Reject: { note: Schema.String },
  Reply: { text: Schema.String },
  Give: { value: Schema.Json }
})
/** What is answered: yes or no with a note, a text, or a value of the schema that is asked for, as JSON. */
export type Answer = typeof Answer.Type

/** The fact that a gate was opened with. */
export type Opened = Extract<FactoryEvent.Fact, { readonly _tag: "GateOpened" }>
/** The fact that a gate was answered with. */
export type Answered = Extract<FactoryEvent.Fact, { readonly _tag: "GateAnswered" }>

/** What a line gets from a gate that asks for yes or no. */
export const Decided = Schema.Struct({ approved: Schema.Boolean, note: Schema.String, by: Actor.Actor })
/** What a line gets from a gate that asks for words. */
export const Replied = Schema.Struct({ text: Schema.String, by: Actor.Actor })
/** What a line gets from a gate that asks for a value. */
export const Given = Schema.Struct({ value: Schema.Json, by: Actor.Actor })
/** What a line gets when the time ran out and there is no answer for that case. */
export const Expired = Schema.Struct({ timedOut: Schema.Literal(true) })
/** What a line can get from a gate. */
export const Delivered = Schema.Union([Decided, Replied, Given, Expired])

/** What the line gets for the answer that stands in the journal. */
export const delivered = ({ answer, by }: Pick<Answered, "answer" | "by">): Effect.Effect<typeof Delivered.Type> =>
  Effect.orDie(
    Schema.decodeUnknownEffect(Delivered)(
      typeof answer === "object" && answer !== null ? { ...answer, by } : { timedOut: true }
    )
  )

/** An answer as the journal keeps it. */
export const stored = (given: Answer): Schema.Json =>
  Answer.match(given, {
    Approve: ({ note }) => ({ approved: true, note: note ?? "" }),
    Reject: ({ note }) => ({ approved: false, note }),
    Reply: ({ text }) => ({ text }),
    Give: ({ value }) => ({ value })
  })

const asksFor = { approve: "yes or no", answer: "an answer in words", ask: "a value of its schema" }
const kindOf = { Approve: "approve", Reject: "approve", Reply: "answer", Give: "ask" } as const
const came = { approve: "yes or no", answer: "words", ask: "a value" }

/** The largest answer, in characters of its JSON. */
const largest = 100_000

/** Fails with `WrongAnswer` when an answer does not fit what the gate asks for. */
export const check = (opened: Opened, given: Answer): Effect.Effect<void, GateError> =>
  Effect.gen(function* () {
    const { gate, kind, question } = opened
    const refuse = (message: string, misfit: Misfit = { field: "", problem: message }) =>
      new GateError({ reason: "WrongAnswer", message, cause: misfit })
    const givenKind = kindOf[given._tag]
    if (givenKind !== kind) {
      return yield* refuse(`The gate "${gate}" asks for ${asksFor[kind]}, not for ${came[givenKind]}: ${question}`)
    }
    if (given._tag === "Reject" && given.note.trim() === "") {
      const problem = "A no needs a note that says what should be different"
      return yield* refuse(`${problem}; the gate "${gate}" stays open.`, { field: "note", problem })
    }
    if (JSON.stringify(stored(given)).length > largest) {
      const problem = `An answer has at most ${largest} characters`
      return yield* refuse(`${problem}. Put more into a file, and answer the gate "${gate}" with its name.`)
    }
    if (given._tag !== "Give" || opened.schema === undefined) return
    const misfit = yield* misfitOf(opened.schema, given.value)
    if (misfit === undefined) return
    return yield* refuse(
      `The answer does not fit the gate "${gate}"${at(misfit)}: ${misfit.problem}. The gate stays open.`,
      misfit
    )
  })

const at = ({ field }: Misfit) => (field === "" ? "" : ` at the field "${field}"`)

/** The JSON Schema of what is asked for. `undefined` when it has none, or one of more than 16,000 characters. */
export const schemaOf = (schema: Schema.Constraint): Schema.Json | undefined => {
  try {
    const { definitions, schema: root } = Schema.toJsonSchemaDocument(schema)
    const whole = Object.keys(definitions).length === 0 ? root : { ...root, $defs: definitions }
    const text = JSON.stringify(whole)
    return text.length > 16_000 ? undefined : (JSON.parse(text) as Schema.Json) // what JSON.parse answers with
  } catch {
    // A schema without a form on paper is still decoded in the line.
    return undefined
  }
}

/** Holds a value against a JSON Schema, as far as that can say; the line decodes it with the schema itself. */
const misfitOf = Effect.fnUntraced(function* (schema: Schema.Json, value: Schema.Json) {
  // Programs that never meet a typed gate do not wait for this module.
  const { fromJsonSchemaDocument } = yield* Effect.promise(() => import("effect/SchemaRepresentation"))
  const made = yield* Effect.exit(
    Effect.try(() =>
      fromJsonSchemaDocument(JsonSchema.fromSchemaDraft2020_12(schema as JsonSchema.JsonSchema), {
        patterns: "apply" // the factory's own code wrote it
      })
    )
  )
  if (Exit.isFailure(made)) return undefined
  // A schema made of JSON Schema needs no services.
  const decode = Schema.decodeUnknownEffect(made.value as Schema.Codec<unknown, unknown>)
  return yield* Effect.match(decode(value), { onSuccess: () => undefined, onFailure: misfit })
})

/** The first place where a value does not fit its schema. */
export const misfit = ({ issue }: Schema.SchemaError): Misfit => {
  const [first] = SchemaIssue.makeFormatterStandardSchemaV1()(issue).issues
  const path = (first?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part))
  return { field: path.join("."), problem: first?.message ?? "It does not fit" }
}
