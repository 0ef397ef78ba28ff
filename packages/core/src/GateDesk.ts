/** The **desk** of the gates: where they are listed, and settled, from any process that can open the store. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Actor from "./Actor.ts"
import * as Digest from "./Digest.ts"
import * as Durable from "./Durable.ts"
import * as GateAnswer from "./internal/GateAnswer.ts"
import * as GateSight from "./GateSight.ts"
import * as Attention from "./internal/Attention.ts"
import * as Journal from "./Journal.ts"
import * as Redaction from "./Redaction.ts"
import * as Status from "./Status.ts"

/** Every gate of a run, or of all runs, by id. */
export const list = (
  run?: string
): Effect.Effect<ReadonlyMap<string, GateSight.Gate>, Journal.JournalError, Journal.Journal> =>
  Effect.suspend(() => Journal.fold(new Map<string, GateSight.Gate>(), GateSight.step, run))

/** Every gate that waits for an answer now, the longest waiting one first. */
export const open: Effect.Effect<ReadonlyArray<GateSight.Gate>, Journal.JournalError, Journal.Journal> = Effect.suspend(
  () =>
    Journal.fold(
      { gates: new Map<string, GateSight.Gate>(), runs: new Map<string, Status.Status>() },
      (state, event) => {
        GateSight.step(state.gates, event)
        const status = event.run === null ? undefined : Status.step(state.runs.get(event.run), event)
        if (event.run !== null && status !== undefined) state.runs.set(event.run, status)
        return state
      }
    )
).pipe(
  Effect.map(({ gates, runs }) => {
    const isOver = ({ origin }: GateSight.Gate) => {
      const status = runs.get(origin.run ?? "")
      return status !== undefined && Status.isEnded(status)
    }
    return [...gates.values()].filter(
      (gate) => gate.answered === undefined && gate.intervention.withdrawn !== true && !isOver(gate)
    )
  })
)

/** Who answers, and how. */
export interface Answerer {
  readonly actor: Actor.Actor
  /** How long the human worked on it, where that was measured: what `Recorder.measured` gives. */
  readonly activeMinutes?: number | null
  /** The way that the answer came: `webhook`. */
  readonly via?: string
}

/**
 * Answers a gate. The line goes on in whichever process runs it, or when it is resumed. The first answer stands; the same
 * one again changes nothing.
 */
export const settle = (
  id: string,
  answer: GateAnswer.Answer,
  by: Answerer
): Effect.Effect<void, GateAnswer.GateError | Journal.JournalError, Durable.Engine | Journal.Journal> =>
  Effect.gen(function* () {
    const given = Redaction.scrubJson(answer, yield* Redaction.Secrets)
    const inForce = yield* Journal.Origin
    if (inForce.actor._tag === "Agent" && by.actor._tag !== "Agent") return yield* impersonated(id, inForce.actor, by)
    const sight = yield* GateSight.look(id)
    if (sight.gate === undefined) return yield* unknown(id)
    yield* GateAnswer.check(sight.gate.opened, given)
    const { activeMinutes = null } = by
    if (activeMinutes !== null && !Attention.isMinutes(activeMinutes)) return yield* noMinutes(id, activeMinutes)
    const { atomicSignals } = yield* Durable.Supports
    if (sight.gate.answered !== undefined && sight.gate.intervention.withdrawn !== true) {
      yield* standing(sight.gate, given)
      if (atomicSignals) return
    } else if (sight.status !== undefined && Status.isEnded(sight.status)) {
      return yield* closed(`The run "${sight.gate.origin.run}" is over and did not wait for the gate "${id}"`)
    } else if (sight.gate.intervention.withdrawn === true) {
      return yield* withdrawn(sight.gate)
    }
    // Another process may have been faster; then its answer stands.
    const delivered = yield* deliver(sight, { answer: GateAnswer.stored(given), by })
    if (delivered.intervention.withdrawn === true) return yield* withdrawn(delivered)
    yield* standing(delivered, given)
  })

/**
 * Gives a line what was said at a gate, or what was said before: the first one stands, in the journal and in the line.
 * Answers with the gate as it is then.
 */
export const deliver = (
  sight: GateSight.Sight,
  said: { readonly answer: Schema.Json; readonly by: Answerer; readonly timedOut?: true }
): Effect.Effect<GateSight.Gate, Journal.JournalError, Durable.Engine | Journal.Journal> =>
  Effect.gen(function* () {
    const { gate } = sight
    if (gate === undefined) return yield* Effect.die("An answer for a gate that is not there")
    const id = gate.opened.gate
    const { activeMinutes, actor, via } = said.by
    // The line gets what the journal holds, so a secret is in neither.
    const fact: GateAnswer.Answered = {
      _tag: "GateAnswered",
      gate: id,
      answer: Redaction.scrubJson(said.answer, yield* Redaction.Secrets),
      by: actor,
      waited: Math.max(0, (yield* Clock.currentTimeMillis) - gate.openedAt),
      activeMinutes: activeMinutes ?? null,
      ...(said.timedOut && { timedOut: true }),
      ...(via !== undefined && { via })
    }
    const entry = yield* Journal.entry(fact, `gate/${id}/answered@${gate.openedSeq}`)
    const outbox: Durable.Outbox = { entries: [{ ...entry, ...gate.origin, actor }], isWritten: false }
    const { atomicSignals } = yield* Durable.Supports
    if (!atomicSignals) {
      // The journal decides which answer is first, and every caller delivers that one: the last may have died before it did.
      yield* (yield* Journal.Journal).append(outbox.entries)
      outbox.isWritten = true
    }
    const now = atomicSignals ? sight : yield* GateSight.look(id)
    const done = Durable.DurableDeferred.succeed(Durable.DurableDeferred.make("", { success: GateAnswer.Delivered }), {
      token: Durable.DurableDeferred.Token.make(gate.opened.token),
      value: yield* GateAnswer.delivered(now.gate?.answered ?? fact)
    })
    yield* Durable.storeFailure(Durable.withOutbox(outbox, done))
    return (yield* GateSight.look(id)).gate ?? gate
  })

const impersonated = (id: string, agent: Actor.Actor, { actor }: Answerer) =>
  new GateAnswer.GateError({
    reason: "NotHuman",
    message:
      `${Actor.label(agent)} can not answer the gate "${id}" as ${Actor.label(actor)}. Nothing was recorded: a human answers from ` +
      `outside of what agents do.`
  })

const noMinutes = (id: string, minutes: number) =>
  new GateAnswer.GateError({
    reason: "WrongAnswer",
    message: `${minutes} are no minutes of work at the gate "${id}". Give what was measured, or leave it out. The gate stays open.`
  })

const closed = (why: string) => new GateAnswer.GateError({ reason: "Closed", message: `${why}. Nothing was recorded.` })

const withdrawn = ({ opened: { gate }, origin: { run } }: GateSight.Gate) =>
  new GateAnswer.GateError({
    reason: "Closed",
    message:
      `Nobody waits for the gate "${gate}" any more: the run "${run}" went back before it and has not asked again, or ` +
      `stopped the branch that asked, since others were enough. List the gates that are open.`
  })

const unknown = Effect.fnUntraced(function* (id: string) {
  const ids = (yield* open).map(({ opened }) => opened.gate)
  const more = ids.length > 20 ? `, and ${ids.length - 20} more` : ""
  return yield* new GateAnswer.GateError({
    reason: "NoSuchGate",
    message: `There is no gate "${id}". ${
      ids.length === 0 ? "No gate is open." : `Open gates: ${ids.slice(0, 20).join(", ")}${more}.`
    }`
  })
})

/** Fails unless this is the answer that stands. */
const standing = (
  { answered, opened }: GateSight.Gate,
  given: GateAnswer.Answer
): Effect.Effect<void, GateAnswer.GateError> => {
  if (answered !== undefined && Digest.ofJson(answered.answer) === Digest.ofJson(GateAnswer.stored(given))) {
    return Effect.void
  }
  if (answered?.timedOut === true && answered.answer === null) {
    return new GateAnswer.GateError({
      reason: "Closed",
      message: `The time of the gate "${opened.gate}" ran out, and the line went on without an answer.`
    })
  }
  const who =
    answered === undefined ? "somebody else" : answered.timedOut === true ? "its time-out" : Actor.label(answered.by)
  return new GateAnswer.GateError({
    reason: "AlreadyAnswered",
    message: `The gate "${opened.gate}" was answered by ${who} before, and differently. The first answer stands.`
  })
}
