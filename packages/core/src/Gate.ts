/**
 * A **gate**: a durable wait for a human. Opening one is recording an intervention; there is no other way for a line to
 * ask anybody.
 *
 * A gate is answered from anywhere: the same process, another one, after a restart. The first answer stands; the same
 * answer once more changes nothing, another one is an error. A question may remind, escalate, and come to an end:
 *
 * ```ts
 * import * as Gate from "@millwright/core/Gate"
 *
 * const window = Gate.choose("window", {
 *   options: ["tonight", "next week"],
 *   question: "When may the database be down?",
 *   cause: "downtime",
 *   remind: "4 hours",
 *   escalate: [{ after: "1 day", to: "lead" }],
 *   timeout: { after: "3 days", answer: "next week" }
 * })
 * ```
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Actor from "./Actor.ts"
import * as Digest from "./Digest.ts"
import * as Durable from "./Durable.ts"
import * as GateAnswer from "./internal/GateAnswer.ts"
import * as GateClock from "./internal/GateClock.ts"
import * as GatePlan from "./GatePlan.ts"
import * as Wait from "./internal/Wait.ts"
import * as Journal from "./Journal.ts"
import * as Run from "./Run.ts"
import * as Stage from "./Stage.ts"

export {
  /** An answer that can not be taken, or a question that can not be asked. */
  GateError,
  /** What is answered: yes or no with a note, a text, or a value of the schema that is asked for. */
  type Answer
} from "./internal/GateAnswer.ts"
export {
  /** A gate, as the journal knows it. */
  type Gate
} from "./GateSight.ts"
export {
  /** Every gate of a run, or of all runs, by id. */
  list,
  /** Answers a gate. */
  settle
} from "./GateDesk.ts"

/** What a human is asked with. */
export interface Question {
  readonly question: string
  /** What to read first, as Markdown; kept to 16,000 characters. */
  readonly context?: string
  /** Why a human is needed here, as a class that the factory can learn from: `spec approval`, `policy`, …. */
  readonly cause: string
}

/** A question that keeps itself in mind. `Expiry` is the type of its time-out, `undefined` for one that waits for ever. */
export type Asked<Expiry> = Question & GatePlan.Patience & { readonly timeout?: Expiry }

/** A yes or a no. */
export type Decision = Extract<GateAnswer.Answer, { readonly _tag: "Approve" | "Reject" }>

/** The class is not exported: what is made of it was made here, where somebody had said yes. */
class Yes<out Subject> {
  readonly #subject: Subject
  /** Who said yes; the host where a time-out did. */
  readonly by: Actor.Actor
  readonly note: string
  constructor(subject: Subject, said: { readonly by: Actor.Actor; readonly note: string }) {
    this.#subject = subject
    this.by = said.by
    this.note = said.note
  }
  /** What was approved. */
  get subject(): Subject {
    return this.#subject
  }
}

/**
 * What somebody said yes to, who said it, and the note. Only a gate makes one: a stage that takes an `Approved<Spec>` can
 * not be given a spec that nobody approved.
 */
export type Approved<Subject = void> = Yes<Subject>

/** Whether a gate made it, and not somebody who wrote down what an approval looks like. */
export const isApproved = (value: unknown): value is Approved<unknown> => value instanceof Yes

/** A human said no. `note` says what should be different. */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", { by: Actor.Actor, note: Schema.String }) {
  override get message() {
    return `${Actor.label(this.by)} said no: ${this.note}`
  }
}

/** Nobody answered in time, and there is no answer for that case. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", { gate: Schema.String }) {
  override get message() {
    return `Nobody answered the gate "${this.gate}" in time`
  }
}

/** What a time-out adds to the errors of a gate: nothing, where it has an answer. */
export type Late<Expiry> = Expiry extends undefined
  ? never
  : Expiry extends { readonly answer: unknown }
    ? never
    : TimedOut

type Failure<Expiry> = GateAnswer.GateError | Journal.JournalError | Late<Expiry>

/** Waits until a human says yes to a subject. A no is an error that the line has to handle. */
export function approve<Subject, const Expiry extends GatePlan.Timeout<Decision> | undefined = undefined>(
  name: string,
  question: Asked<Expiry> & { readonly subject: Subject }
): Effect.Effect<Approved<Subject>, Rejected | Failure<Expiry>, Journal.Journal>
/** Waits until a human says yes. A no is an error that the line has to handle. */
export function approve<const Expiry extends GatePlan.Timeout<Decision> | undefined = undefined>(
  name: string,
  question: Asked<Expiry>
): Effect.Effect<Approved, Rejected | Failure<Expiry>, Journal.Journal>
/** Waits until a human says yes; what it was said to comes back with it. */
export function approve(
  name: string,
  question: Asked<GatePlan.Timeout<Decision> | undefined> & { readonly subject?: unknown }
) {
  return Effect.gen(function* () {
    const said = yield* wait({ name, kind: "approve", schema: GateAnswer.Decided }, question)
    return said.approved ? new Yes(question.subject, said) : yield* new Rejected({ by: said.by, note: said.note })
  })
}

/** Waits until a human has answered in words. */
export const answer = <const Expiry extends GatePlan.Timeout<string> | undefined = undefined>(
  name: string,
  question: Asked<Expiry>
): Effect.Effect<string, Failure<Expiry>, Journal.Journal> =>
  Effect.gen(function* () {
    const timeout = yield* timeoutOf<string>(question.timeout, (text) => Effect.succeed({ _tag: "Reply", text }))
    const { text } = yield* wait({ name, kind: "answer", schema: GateAnswer.Replied }, { ...question, timeout })
    return text
  }).pipe(inTime<Expiry>())

/**
 * Waits until a human has given a value of a schema. Whoever asks for the answer finds the JSON Schema in the fact, and an
 * answer that does not fit is refused there; one that only the line itself can refuse is asked for once more.
 */
export const ask = <A, const Expiry extends GatePlan.Timeout<NoInfer<A>> | undefined = undefined>(
  name: string,
  question: Asked<Expiry> & { readonly schema: Schema.Codec<A, unknown> }
): Effect.Effect<A, Failure<Expiry>, Journal.Journal> =>
  Effect.gen(function* () {
    const codec = Schema.toCodecJson(question.schema)
    const timeout = yield* timeoutOf<A>(question.timeout, (given) =>
      Effect.mapBoth(Schema.encodeEffect(codec)(given), {
        onSuccess: (value) => ({ _tag: "Give", value: value as Schema.Json }), // what a JSON codec encodes to
        onFailure: (error) => bad(name, `The answer of its time-out does not fit its schema: ${error.message}`)
      })
    )
    const gate = { name, kind: "ask", schema: GateAnswer.Given, form: GateAnswer.schemaOf(question.schema) } as const
    let again = ""
    while (true) {
      const { value } = yield* wait(gate, { ...question, question: question.question + again, timeout })
      const decoded = yield* Effect.result(Schema.decodeUnknownEffect(codec)(value))
      if (Result.isSuccess(decoded)) return decoded.success
      const { field, problem } = GateAnswer.misfit(decoded.failure)
      again = `\n\nThe last answer can not be used${field === "" ? "" : `, at ${field}`}: ${problem}. Please answer again.`
    }
  }).pipe(inTime<Expiry>())

/** Waits until a human has chosen one of these. */
export const choose = <
  const Option extends string,
  const Expiry extends GatePlan.Timeout<NoInfer<Option>> | undefined = undefined
>(
  name: string,
  { options, ...question }: Asked<Expiry> & { readonly options: ReadonlyArray<Option> }
): Effect.Effect<Option, Failure<Expiry>, Journal.Journal> =>
  ask<Option, Expiry>(name, { ...question, schema: Schema.Literals(options) })

/** A time-out that has an answer never fails: the type says what the code of {@link wait} does. */
const inTime =
  <Expiry>() =>
  <A, E, R>(effect: Effect.Effect<A, E | TimedOut, R>) =>
    effect as Effect.Effect<A, E | Late<Expiry>, R>

const bad = (name: string, problem: string) =>
  new GateAnswer.GateError({ reason: "BadQuestion", message: `The gate "${name}" can not be opened. ${problem}.` })

/** The time-out of a question, with its answer as any gate can be given one. */
const timeoutOf = <A>(
  timeout: GatePlan.Timeout<A> | undefined,
  answerOf: (given: A) => Effect.Effect<GateAnswer.Answer, GateAnswer.GateError>
): Effect.Effect<GatePlan.Timeout<GateAnswer.Answer> | undefined, GateAnswer.GateError> =>
  timeout?.answer === undefined
    ? Effect.succeed(timeout && { after: timeout.after })
    : Effect.map(answerOf(timeout.answer), (answer) => ({ after: timeout.after, answer }))

interface Kind<A> {
  readonly name: string
  readonly kind: GateAnswer.Opened["kind"]
  readonly schema: Schema.Codec<A, unknown>
  /** The JSON Schema of a value that is asked for. */
  readonly form?: Schema.Json | undefined
}

type Waited = Question &
  GatePlan.Patience & {
    readonly timeout?: GatePlan.Timeout<GateAnswer.Answer> | undefined
    readonly subject?: unknown
  }

const wait = <A>(gate: Kind<A>, question: Waited) =>
  Effect.gen(function* () {
    const standing = yield* Run.betweenStages
    if (standing._tag === "None") {
      return yield* new GateAnswer.GateError({
        reason: "NotInALine",
        message:
          `The gate "${gate.name}" was opened outside of a line, or inside of a stage, where nothing can wait ` +
          `durably. Open it in the code of the line, between its stages.`
      })
    }
    const run = standing.value
    const key = run.next(`gate-${gate.name}`)
    const id = `${run.id}:${key.replace(/(^|\/)gate-/, "$1")}`
    run.life.gates.add(id)
    const opened = yield* Run.key(run, `gate/${id}/opened`)
    const schema = Schema.Union([gate.schema, GateAnswer.Expired])
    const deferred = Durable.DurableDeferred.make(key, { success: schema })
    const plan = GatePlan.make(question, question.timeout)
    if (typeof plan === "string") return yield* bad(gate.name, plan)
    const expires = GatePlan.end(plan)
    const fact = yield* factOf(gate, question, {
      gate: id,
      ...(expires !== undefined && { expires }),
      token: yield* Effect.provideContext(Durable.DurableDeferred.token(deferred), run.execution)
    })
    const { answer } = question.timeout ?? {}
    if (answer !== undefined) {
      yield* Effect.mapError(GateAnswer.check(fact, answer), ({ message }) => bad(gate.name, message))
    }
    const fallback = answer === undefined ? null : GateAnswer.stored(answer)
    const waiting = { run, id, key, deferred, plan, fallback }
    const opening = yield* Stage.run(
      { name: `${key}-open`, success: Opening },
      Effect.gen(function* () {
        const { at } = yield* Journal.record(fact, opened)
        yield* GateClock.set(waiting, 0, at)
        return { at, subject: fact.subject ?? null }
      })
    )
    if (opening !== null && opening.subject !== (fact.subject ?? null)) return yield* otherSubject(id)
    // Branches beside this one begin before the run stops to wait, so that their gates open now and not one after another.
    yield* Effect.yieldNow
    const answered = Wait.answer(run, key, schema)
    const said = yield* opening === null || run.retraced !== undefined
      ? answered
      : GateClock.tend(waiting, opening.at, answered)
    return isExpired(said) ? yield* new TimedOut({ gate: id }) : said
  })

/** When a gate was opened, and what for. An earlier version kept nothing. */
const Opening = Schema.NullOr(Schema.Struct({ at: Schema.Natural, subject: Schema.NullOr(Digest.Digest) }))

const isExpired = Schema.is(GateAnswer.Expired)

const factOf = Effect.fnUntraced(function* <A>(
  { form, kind, name }: Kind<A>,
  { cause, context = "", question, subject }: Waited,
  opened: Pick<GateAnswer.Opened, "gate" | "token" | "expires">
) {
  const digest =
    subject === undefined
      ? undefined
      : yield* Effect.try({
          try: () => Digest.ofJson(subject),
          catch: (error) => bad(name, `Its subject can not be written as JSON: ${String(error)}`)
        })
  const asked = { name, kind, question, context: context.slice(0, 16_000), cause }
  const more = { ...(form !== undefined && { schema: form }), ...(digest !== undefined && { subject: digest }) }
  return { _tag: "GateOpened", ...opened, ...asked, ...more } satisfies GateAnswer.Opened
})

const otherSubject = (id: string) =>
  new GateAnswer.GateError({
    reason: "OtherSubject",
    message:
      `What shall be approved at the gate "${id}" is not what was asked about when it was opened. The code of a line ` +
      `makes the same subject in every replay: take it from the result of a stage.`
  })
