/** What stands between whoever records an intervention and the journal: who may, what fits, and what stands then. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Actor from "../Actor.ts"
import * as FactoryEvent from "../FactoryEvent.ts"
import * as Fault from "../Fault.ts"
import type * as Intervention from "../Intervention.ts"
import * as Journal from "../Journal.ts"
import * as Redaction from "../Redaction.ts"
import * as Attention from "./Attention.ts"
import * as KnownInterventions from "./KnownInterventions.ts"

/** What can not be recorded. Nothing was written. */
export class RecorderError extends Fault.Class<RecorderError>()("RecorderError", {
  /** Somebody who is no human is named, or an agent is at work where it is recorded. */
  NotHuman: false,
  /** A part of it is not what it has to be. */
  Invalid: false,
  /** Another intervention has this id. */
  OtherIntervention: false,
  /** No intervention has this id, or this cause. */
  NoSuchIntervention: false,
  /** Somebody has taken it over and has not given it back. */
  Taken: false,
  /** It is no takeover that somebody could give back. */
  NotATakeover: false,
  /** Somebody else has taken it over. */
  NotYours: false,
  /** It was given back before, by somebody else. */
  Ended: false,
  /** Something else removed the cause before. */
  AlreadyFixed: false
}) {}

/** What can go wrong while something is recorded. */
export type Failure = RecorderError | Journal.JournalError

/** Makes the error of something that does not fit. */
export const invalid = (problem: string): RecorderError =>
  new RecorderError({ reason: "Invalid", message: `The intervention can not be recorded. ${problem}.` })

const refuse = (problem: string) =>
  new RecorderError({ reason: "NotHuman", message: `${problem}. Nothing was recorded.` })

/** No agent says what a human did, nor that what they did it for is mended. */
export const notByAgent = Effect.flatMap(Journal.Origin, ({ actor }) =>
  actor._tag === "Agent"
    ? refuse(
        `${Actor.label(actor)} is at work here, and an agent can not record what a human did, or what mended its cause`
      )
    : Effect.void
)

/** Only what a human did is an intervention. */
const mayRecord = Effect.fnUntraced(function* (by: Actor.Human) {
  yield* notByAgent
  // A caller without types may name anybody.
  if (!Schema.is(Actor.Actor)(by) || by._tag !== "Human" || by.name.trim() === "") {
    return yield* refuse("An intervention is what a human did, and no human is named. Name them with Actor.human")
  }
})

/** The facts of interventions. */
export type Fact = Extract<FactoryEvent.Fact, { readonly _tag: "Intervened" | "InterventionEnded" }> & {
  readonly by: Actor.Human
}

/** The most characters of a reason, which is kept as far as that, and of a cause, which is refused beyond. */
const longest = 4_000
const longestCause = 500

/** Records the fact of an intervention, once for its key. */
export const write = Effect.fnUntraced(function* (
  fact: Fact,
  place: Partial<FactoryEvent.Origin>,
  key: string
): Effect.fn.Return<void, Failure, Journal.Journal> {
  yield* mayRecord(fact.by)
  if (fact.activeMinutes !== null && !Attention.isMinutes(fact.activeMinutes)) {
    return yield* invalid(`${fact.activeMinutes} are no minutes. Give what was measured, or null for what is not known`)
  }
  if ("cause" in fact && (fact.cause.trim() === "" || fact.cause.length > longestCause)) {
    return yield* invalid(`A cause is a class: give 1 to ${longestCause} characters, and the case in the reason`)
  }
  // What is cut off first may leave a part of a secret that nobody knows for one.
  const clean = Redaction.scrub(fact.why, yield* Redaction.Secrets)
  const why = clean.length > longest ? `${clean.slice(0, longest).toWellFormed()}…` : clean
  const checked = yield* Effect.mapError(
    Schema.decodeUnknownEffect(FactoryEvent.Fact)({ ...fact, why }),
    ({ message }) => invalid(message)
  )
  const origin = yield* Journal.Origin
  yield* Effect.provideService(Journal.record(checked, `intervention/${key}`), Journal.Origin, {
    ...origin,
    ...place,
    actor: fact.by
  })
})

/** The intervention of this id, as it stands. */
export const standing = (id: string): Effect.Effect<Intervention.Intervention, Failure, Journal.Journal> =>
  Effect.flatMap(KnownInterventions.ledger, (ledger) => {
    const known = ledger.get(id)
    return known === undefined ? noSuch(id, ledger) : Effect.succeed(known)
  })

const noSuch = (id: string, ledger: Intervention.Ledger) => {
  const open = [...ledger.values()].filter(({ answered, kind }) => answered === null && kind === "takeover")
  const ids = open.slice(0, 10).map((each) => `"${each.id}" (${each.to})`)
  return new RecorderError({
    reason: "NoSuchIntervention",
    message: `There is no intervention "${id}". ${
      ids.length === 0 ? "Nothing is taken over now." : `Taken over now: ${ids.join(", ")}.`
    } The ledger names all.`
  })
}

/** The name of whoever did it, or has it. */
export const nameOf = ({ answered, to }: Intervention.Intervention): string =>
  answered === null ? (to ?? "nobody") : Actor.label(answered.by)
