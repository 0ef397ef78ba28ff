/**
 * An **intervention**: a recorded moment in which a human was needed or stepped in. The ledger of them is what a factory
 * learns from: it is a pure fold over the journal, so it can be made again from the same events at any time.
 *
 * Some were asked for, at a gate. Others nobody asked for: an agent was steered, a run was stopped or picked up by hand, a change
 * was edited, commented on or taken over. Where the journal has a fact for that already (`AgentPrompted`, `LineCancelled`,
 * `LineRewinding`, …), the fact is the intervention; everything else comes as `Intervened`, from the `Recorder`.
 */
import * as Schema from "effect/Schema"
import * as Actor from "./Actor.ts"
import * as Digest from "./Digest.ts"
import type * as FactoryEvent from "./FactoryEvent.ts"
import * as Fault from "./Fault.ts"
import * as OrderedMap from "./internal/OrderedMap.ts"

/** How a human came in: the first three were asked for, at a gate. */
export const Kind = Schema.Literals([
  "approve",
  "answer",
  "ask",
  /** Committed behind an agent, on its branch. */
  "edit",
  /** Said something about a change. */
  "review",
  /** Said something to an agent at work. */
  "steer",
  /** Stopped a run, or an agent. */
  "interrupt",
  /** Did the work that the factory was to do. Open until it is given back. */
  "takeover",
  /** Took a run up that had stopped. */
  "pickup"
])
/** How a human came in. */
export type Kind = typeof Kind.Type

/**
 * Why a human is needed, or steps in, as classes that the house uses. A cause is any text, so a factory has its own beside these; what
 * stands behind a colon, as in `policy: schema change`, tells cases of one class apart ({@link classOf}).
 */
export const causes = {
  /** At gates. */
  needsInfo: "needs info",
  specApproval: "spec approval",
  planApproval: "plan approval",
  policy: "policy",
  contractAmendment: "contract amendment",
  /** Without having been asked. */
  steered: "steered",
  stopped: "stopped by hand",
  sentBack: "sent back by hand",
  /** Behind the colon is the class of the fault that the run had stalled at. */
  takenUp: "taken up by hand",
  forked: "forked by hand",
  takenOver: "taken over",
  edited: "edited by hand",
  reviewed: "reviewed"
} as const

/** The class of a cause: what stands before its first colon. */
export const classOf = (cause: string): string => cause.slice(0, (cause + ":").indexOf(":")).trim()

/** One intervention. It is open until `answered` is there. */
export const Intervention = Schema.Struct({
  /** The gate that asked, or a name that is the same for whoever finds out. */
  id: Schema.String,
  line: Schema.NullOr(Schema.String),
  run: Schema.NullOr(Schema.String),
  item: Schema.NullOr(Schema.String),
  stage: Schema.NullOr(Schema.String),
  /** Where in the work the human was needed: the name of the gate, the stage, …. */
  name: Schema.String,
  kind: Kind,
  /** Why a human was needed, as a class. */
  cause: Schema.String,
  /** What was asked; where nothing was, why the human stepped in. */
  question: Schema.String,
  /** In milliseconds since 1970, UTC. */
  openedAt: Schema.Natural,
  /** How often somebody was told that nobody has answered yet, escalations included. */
  reminders: Schema.Natural,
  /** How many tiers it was escalated; 0 is not. */
  level: Schema.Natural,
  /** Whom the last escalation names, or who has taken the work over. */
  to: Schema.NullOr(Schema.String),
  /**
   * Nobody waits for it: the run went back to before this, so what was said counts no more, and it may be asked again; or
   * the branch that asked was stopped.
   */
  withdrawn: Schema.optionalKey(Schema.Literal(true)),
  answered: Schema.NullOr(
    Schema.Struct({
      by: Actor.Actor,
      /** `{ approved, note }`, `{ text }` or `{ value }`; `null` when the time ran out without an answer for that case, or nothing was asked. */
      answer: Schema.Json,
      /** When they answered, or were done with it; in milliseconds since 1970, UTC. */
      at: Schema.Natural,
      /** Milliseconds that the work had waited for them until then; `null`: not known, or nothing waits while they do the work themselves. */
      waited: Schema.NullOr(Schema.Natural),
      /** Minutes that the human worked, where they were measured; never guessed. */
      activeMinutes: Schema.NullOr(Schema.Finite),
      /** No human answered in time; the host went on. */
      timedOut: Schema.optionalKey(Schema.Literal(true)),
      /** The way that the answer came, where it was not given in a program. */
      via: Schema.optionalKey(Schema.String)
    })
  ),
  /** Digests of what was there, and of what the human left: for a gate, of its subject and of the answer. */
  before: Schema.NullOr(Digest.Digest),
  after: Schema.NullOr(Digest.Digest),
  /** Where it can be looked at: a commit, an address, a session. */
  ref: Schema.NullOr(Schema.String),
  /** What removed the cause later on. */
  fix: Schema.NullOr(Schema.String)
})
/** One intervention. */
export type Intervention = typeof Intervention.Type

/** Interventions by id, in the order in which they were opened. */
export type Ledger = ReadonlyMap<string, Intervention>

/** The ledger before anything happened. */
export const empty: Ledger = new OrderedMap.OrderedMap()

/** Whether nobody had asked for it. */
export const isUnasked = ({ kind }: Pick<Intervention, "kind">): boolean =>
  kind !== "approve" && kind !== "answer" && kind !== "ask"

/** The gates that a fact tells of. */
export const gatesOf = (fact: FactoryEvent.Fact): ReadonlyArray<string> => {
  if (fact._tag === "LineRewound") return fact.gates
  if (fact._tag === "BranchesJoined") return fact.gates ?? []
  return fact._tag === "GateOpened" || fact._tag === "GateReminded" || fact._tag === "GateAnswered" ? [fact.gate] : []
}

/**
 * One intervention after one more event that tells of its gate; the only place that knows what gate facts mean. The first
 * opening and the first answer stand until the run goes back, and a reminder that crossed the answer is none.
 */
export const advance = (
  known: Intervention | undefined,
  { at, fact, item, line, run, stage }: FactoryEvent.FactoryEvent
): Intervention | undefined => {
  if (fact._tag === "LineRewound") return known && { ...known, withdrawn: true }
  // What was answered before counts.
  if (fact._tag === "BranchesJoined") return known?.answered === null ? { ...known, withdrawn: true } : known
  if (known === undefined || known.withdrawn === true) {
    if (fact._tag !== "GateOpened") return known
    const { cause, gate: id, kind, name, question, subject = null } = fact
    const asked = { id, line, run, item, stage, name, kind, cause, question, openedAt: at }
    return { ...asked, ...untouched, before: subject }
  }
  if (known.answered !== null) return known
  if (fact._tag === "GateReminded") {
    return { ...known, reminders: known.reminders + 1, level: fact.level, to: fact.to }
  }
  if (fact._tag !== "GateAnswered") return known
  const { _tag, gate: _gate, ...given } = fact
  const answered = { ...given, at }
  return { ...known, answered, after: answered.answer === null ? null : Digest.ofJson(answered.answer) }
}

const untouched = { reminders: 0, level: 0, to: null, answered: null, before: null, after: null, ref: null, fix: null }

/** The ledger after one more event. What was withdrawn and asked again stays, under its id and the time it was opened at. */
export const step = (ledger: Ledger, event: FactoryEvent.FactoryEvent): Ledger => {
  const { fact } = event
  switch (fact._tag) {
    case "InterventionEnded":
      return change(ledger, fact.id, (known) => ended(known, event.at, fact))
    case "CauseRemoved":
      return fact.interventions.reduce(
        (ledger, id) => change(ledger, id, (known) => (known.fix === null ? { ...known, fix: fact.fix } : known)),
        ledger
      )
    default: {
      const unasked = steppedIn(event)
      if (unasked !== undefined) return ledger.has(unasked.id) ? ledger : set(ledger, unasked)
      return atGates(ledger, event)
    }
  }
}

const set = (ledger: Ledger, intervention: Intervention): Ledger =>
  OrderedMap.from(ledger).with(intervention.id, intervention)

const change = (ledger: Ledger, id: string, next: (known: Intervention) => Intervention): Ledger => {
  const known = ledger.get(id)
  const after = known && next(known)
  return after === undefined || after === known ? ledger : set(ledger, after)
}

const atGates = (ledger: Ledger, event: FactoryEvent.FactoryEvent): Ledger =>
  gatesOf(event.fact).reduce((ledger, id) => {
    const known = ledger.get(id)
    const next = advance(known, event)
    if (next === undefined || next === known) return ledger
    const isAgain = known?.withdrawn === true && next.withdrawn !== true
    return set(isAgain ? set(ledger, { ...known, id: `${id}@${known.openedAt}` }) : ledger, next)
  }, ledger)

type Ended = Extract<FactoryEvent.Fact, { readonly _tag: "InterventionEnded" }>

/** Only what is open can be given back. */
const ended = (known: Intervention, at: number, { activeMinutes, after, by }: Ended): Intervention =>
  known.answered !== null || !isUnasked(known) || by._tag !== "Human"
    ? known
    : { ...known, after, answered: { by, at, answer: null, waited: null, activeMinutes } }

/** The intervention that a fact is by itself, without a gate. What an agent or the host did is none. */
const steppedIn = (event: FactoryEvent.FactoryEvent): Intervention | undefined => {
  const { actor, at, fact, item, line, run, seq, stage } = event
  const origin = { line, run, item, stage }
  if (fact._tag === "Intervened") {
    if (fact.by._tag !== "Human") return undefined
    const { _tag, activeMinutes, by, open, since = at, waited, why, ...given } = fact
    const to = open === true ? Actor.label(by) : null
    const answered = open === true ? null : { by, at: since, answer: null, waited, activeMinutes }
    return { ...untouched, ...origin, ...given, question: why, openedAt: since, to, answered }
  }
  if (actor._tag !== "Human") return undefined
  const found = ofHuman(fact)
  if (found === undefined) return undefined
  const { cause, kind, name, ref = null, why } = found
  const answered = { by: actor, at, answer: null, waited: null, activeMinutes: null }
  const id = `${run ?? "factory"}#${seq}`
  return { ...untouched, ...origin, id, name, kind, cause, question: why, openedAt: at, ref, answered }
}

interface SteppedIn extends Pick<Intervention, "kind" | "name" | "cause"> {
  readonly why: string
  readonly ref?: string
}

const ofHuman = (fact: FactoryEvent.Fact): SteppedIn | undefined => {
  switch (fact._tag) {
    case "AgentPrompted":
      return { kind: "steer", name: fact.lane, cause: causes.steered, why: fact.text, ref: fact.session }
    case "LineCancelled":
      // A child stops with its run: that was one act.
      if (fact.with !== undefined) return undefined
      return { kind: "interrupt", name: "cancel", cause: causes.stopped, why: fact.reason }
    case "LineParked":
      return { kind: "interrupt", name: "park", cause: causes.stopped, why: fact.reason }
    case "ItemClosed":
      return { kind: "interrupt", name: "close", cause: causes.stopped, why: fact.reason }
    case "LineRewinding":
      return {
        kind: "pickup",
        name: fact.before,
        cause: causes.sentBack,
        why: `Goes back to before ${fact.before}.`
      }
    case "LineResumed":
      return fact.fault === undefined
        ? { kind: "pickup", name: "resume", cause: causes.takenUp, why: "" }
        : {
            kind: "pickup",
            name: "resume",
            cause: `${causes.takenUp}: ${Fault.classOf(fact.fault)}`,
            why: fact.fault.message
          }
    case "LineStarted":
      return fact.forkOf === undefined
        ? undefined
        : { kind: "pickup", name: fact.forkOf.before, cause: causes.forked, why: "", ref: fact.forkOf.run }
    default:
      return undefined
  }
}
