/**
 * A **gate**: a durable wait for a human. Opening one is recording an intervention; there is no other way for a line to
 * ask anybody.
 *
 * A gate is answered from anywhere: the same process, another one, after a restart. The first answer stands; the same
 * answer once more changes nothing, another one is an error.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Actor from "./Actor.ts"
import * as Durable from "./Durable.ts"
import type * as FactoryEvent from "./FactoryEvent.ts"
import * as Fault from "./Fault.ts"
import * as Wait from "./internal/Wait.ts"
import * as Journal from "./Journal.ts"
import * as Redaction from "./Redaction.ts"
import * as Run from "./Run.ts"
import * as Stage from "./Stage.ts"
import * as Status from "./Status.ts"

/** What a human is asked with. */
export interface Question {
  readonly question: string
  /** What to read first, as Markdown; kept to 16,000 characters. */
  readonly context?: string
  /** Why a human is needed here, as a class that the factory can learn from: `spec approval`, `policy`, …. */
  readonly cause: string
}

/** A human said yes. */
export const Approved = Schema.Struct({ by: Actor.Actor, note: Schema.String })
/** A human said yes. */
export type Approved = typeof Approved.Type

/** A human said no. `note` says what should be different. */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", { by: Actor.Actor, note: Schema.String }) {
  override get message() {
    return `${Actor.label(this.by)} said no: ${this.note}`
  }
}

/** An answer that can not be taken. */
export class GateError extends Fault.Class<GateError>()("GateError", {
  NoSuchGate: false,
  /** It was answered before, and differently. */
  AlreadyAnswered: false,
  /** The answer is not of the kind that the gate asks for. */
  WrongAnswer: false,
  /** The run is over and did not wait for the answer. */
  Closed: false,
  /** A gate stands in a line, between its stages. */
  NotInALine: false
}) {}

const Decided = Schema.Struct({ approved: Schema.Boolean, note: Schema.String, by: Actor.Actor })
const Replied = Schema.Struct({ text: Schema.String, by: Actor.Actor })

/** What is answered: yes or no with a note, or a text. */
export type Answer =
  | { readonly _tag: "Approve"; readonly note?: string }
  | { readonly _tag: "Reject"; readonly note: string }
  | { readonly _tag: "Reply"; readonly text: string }

/** Waits until a human says yes. A no is an error that the line has to handle. */
export const approve = (name: string, question: Question) =>
  Effect.gen(function* () {
    const { approved, by, note } = yield* wait({ name, kind: "approve", schema: Decided }, question)
    return approved ? ({ by, note } satisfies Approved) : yield* new Rejected({ by, note })
  })

/** Waits until a human has answered in words. */
export const answer = (name: string, question: Question) =>
  Effect.map(wait({ name, kind: "answer", schema: Replied }, question), ({ text }) => text)

const wait = <A>(
  gate: { readonly name: string; readonly kind: "approve" | "answer"; readonly schema: Schema.Codec<A, unknown> },
  question: Question
) =>
  Effect.gen(function* () {
    const standing = yield* Run.betweenStages
    if (standing._tag === "None") {
      return yield* new GateError({
        reason: "NotInALine",
        message:
          `The gate "${gate.name}" was opened outside of a line, or inside of a stage, where nothing can wait ` +
          `durably. Open it in the code of the line, between its stages.`
      })
    }
    const run = standing.value
    const key = run.next(`gate-${gate.name}`)
    const id = `${run.id}:${key.replace(/(^|\/)gate-/, "$1")}`
    const opened = yield* Run.key(run, `gate/${id}/opened`)
    const deferred = Durable.DurableDeferred.make(key, { success: gate.schema })
    const token = yield* Effect.provideContext(Durable.DurableDeferred.token(deferred), run.execution)
    yield* Stage.run(
      { name: `${key}-open`, success: Schema.Void },
      Effect.asVoid(
        Journal.record(
          {
            _tag: "GateOpened",
            gate: id,
            name: gate.name,
            token,
            kind: gate.kind,
            question: question.question,
            context: (question.context ?? "").slice(0, 16_000),
            cause: question.cause
          },
          opened
        )
      )
    )
    // Branches beside this one begin before the run stops to wait, so that their gates open now and not one after another.
    yield* Effect.yieldNow
    return yield* Wait.answer(run, key, gate.schema)
  })

/** A gate, as the journal knows it. */
export interface Gate {
  readonly opened: Opened
  readonly openedAt: number
  readonly openedSeq: number
  readonly origin: FactoryEvent.Origin
  readonly answered: Extract<FactoryEvent.Fact, { readonly _tag: "GateAnswered" }> | undefined
}

type Opened = Extract<FactoryEvent.Fact, { readonly _tag: "GateOpened" }>

/** Every gate of a run, or of all runs, by id. */
export const list = (run?: string): Effect.Effect<ReadonlyMap<string, Gate>, Journal.JournalError, Journal.Journal> =>
  Effect.suspend(() => Journal.fold(new Map<string, Gate>(), seen, run))

const seen = (gates: Map<string, Gate>, event: FactoryEvent.FactoryEvent): Map<string, Gate> => {
  if (event.fact._tag === "GateOpened") {
    const { actor, item, line, run, stage } = event
    return gates.set(event.fact.gate, {
      opened: event.fact,
      openedAt: event.at,
      openedSeq: event.seq,
      origin: { actor, item, line, run, stage },
      answered: undefined
    })
  }
  const gate = event.fact._tag === "GateAnswered" ? gates.get(event.fact.gate) : undefined
  return gate === undefined || event.fact._tag !== "GateAnswered"
    ? gates
    : gates.set(event.fact.gate, { ...gate, answered: event.fact })
}

/** The gate of this id, which begins with the name of its run. */
const find = (id: string) => Effect.map(list(id.slice(0, Math.max(0, id.indexOf(":")))), (gates) => gates.get(id))

/**
 * Answers a gate. The line goes on in whichever process runs it, or when it is resumed. `activeMinutes` is how long the
 * human worked on it, where that was measured.
 */
export const settle = (
  id: string,
  answer: Answer,
  by: { readonly actor: Actor.Actor; readonly activeMinutes?: number }
): Effect.Effect<void, GateError | Journal.JournalError, Durable.Engine | Journal.Journal> =>
  Effect.gen(function* () {
    // The line gets what the journal holds, so a secret is in neither.
    const given = Redaction.scrubJson(answer, yield* Redaction.Secrets)
    const gate = yield* find(id)
    if (gate === undefined) {
      const open = (yield* Status.runs()).flatMap(({ openGates }) => openGates)
      return yield* new GateError({
        reason: "NoSuchGate",
        message: `There is no gate "${id}". ${
          open.length === 0 ? "No gate is open." : `Open gates: ${open.join(", ")}.`
        }`
      })
    }
    const { kind, token } = gate.opened
    if ((given._tag === "Reply") !== (kind === "answer")) {
      return yield* new GateError({
        reason: "WrongAnswer",
        message:
          kind === "answer"
            ? `The gate "${id}" asks for an answer in words, not for yes or no: ${gate.opened.question}`
            : `The gate "${id}" asks for yes or no, not for words: ${gate.opened.question}`
      })
    }
    const { atomicSignals } = yield* Durable.Supports
    if (gate.answered !== undefined) {
      yield* standing(gate, given)
      if (atomicSignals) return
    } else if (yield* isOver(gate)) {
      // The answer that ended the run may have come since the gate was read.
      const last = yield* find(id)
      if (last?.answered !== undefined) return yield* standing(last, given)
      return yield* new GateError({
        reason: "Closed",
        message: `The run "${gate.origin.run}" is over and did not wait for the gate "${id}". Nothing was recorded.`
      })
    }
    const now = yield* Clock.currentTimeMillis
    const outbox: Durable.Outbox = { entries: [], isWritten: false }
    outbox.entries.push({
      ...(yield* Effect.provideService(
        Journal.entry(
          {
            _tag: "GateAnswered",
            gate: id,
            answer: stored(given),
            by: by.actor,
            waited: Math.max(0, now - gate.openedAt),
            activeMinutes: by.activeMinutes ?? null
          },
          // A run that went back asks once more.
          `gate/${id}/answered@${gate.openedSeq}`
        ),
        Journal.Origin,
        { ...gate.origin, actor: by.actor }
      ))
    })
    const done =
      given._tag === "Reply"
        ? complete(Replied, token, { text: given.text, by: by.actor })
        : complete(Decided, token, { approved: given._tag === "Approve", note: given.note ?? "", by: by.actor })
    if (!atomicSignals) {
      // The journal decides which answer is first, and every caller delivers that one: the last may have died before it did.
      yield* (yield* Journal.Journal).append(outbox.entries)
      outbox.isWritten = true
      const first = yield* find(id)
      if (first?.answered !== undefined) yield* standing(first, given)
    }
    yield* Durable.storeFailure(Durable.withOutbox(outbox, done))
    // Another process may have been faster; then its answer stands.
    const after = yield* find(id)
    if (after?.answered !== undefined) yield* standing(after, given)
  })

const isOver = ({ origin }: Gate) =>
  Effect.map(
    origin.run === null ? Effect.undefined : Status.of(origin.run),
    (status) => status !== undefined && Status.isEnded(status)
  )

const complete = <A>(schema: Schema.Codec<A, unknown>, token: string, value: A) =>
  Durable.DurableDeferred.succeed(Durable.DurableDeferred.make("", { success: schema }), {
    token: Durable.DurableDeferred.Token.make(token),
    value
  })

const stored = (given: Answer): Schema.Json =>
  given._tag === "Reply" ? { text: given.text } : { approved: given._tag === "Approve", note: given.note ?? "" }

const standing = (gate: Gate, given: Answer): Effect.Effect<void, GateError> =>
  JSON.stringify(gate.answered?.answer) === JSON.stringify(stored(given))
    ? Effect.void
    : Effect.fail(
        new GateError({
          reason: "AlreadyAnswered",
          message: `The gate "${gate.opened.gate}" was answered by ${
            gate.answered === undefined ? "somebody else" : Actor.label(gate.answered.by)
          } before, and differently. The first answer stands.`
        })
      )
