/** What our own journal tells of agents, an event a line. Its runs are the sessions; what was rehearsed has names that come again. */
import * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Transcript from "../Transcript.ts"
import type { JsonObject, TranscriptReader } from "../TranscriptReader.ts"
import * as Call from "./TranscriptCall.ts"
import * as Field from "./TranscriptField.ts"

const decode = Schema.decodeUnknownOption(Schema.toCodecJson(FactoryEvent.FactoryEvent))

const claims = ({ actor, at, fact, seq, version }: JsonObject): boolean =>
  [at, seq, version].every((each) => typeof each === "number") && Field.isObject(actor) && Field.isObject(fact)

/** The journal. */
export const reader: TranscriptReader = {
  format: "millwright-journal",
  claims,
  open:
    () =>
    ({ value }) =>
      claims(value) ? Option.getOrUndefined(Option.map(decode(value), entries)) : undefined
}

const entries = (event: FactoryEvent.FactoryEvent): ReadonlyArray<Transcript.Entry> => {
  const { actor, at, fact, run, seq } = event
  const session = Field.name(run) ?? "factory"
  const key = `${session}#${seq}`
  const shared = { session, agent: null, at }
  switch (fact._tag) {
    case "LineStarted":
      return [{ ...known, ...shared, key: `session:${session}`, event: "begun", from: Field.name(fact.forkOf?.run) }]
    case "LineResumed":
      return [{ ...known, ...shared, key: `resumed:${key}`, event: "resumed" }]
    case "LineFinished":
    case "LineParked":
    case "LineCancelled":
    case "LineFailed":
      return [{ ...known, ...shared, key: `ended:${session}`, event: "ended" }]
    case "AgentStarted":
      return fact.resumed ? [] : [{ ...known, ...shared, key: `agent:${key}`, event: "begun" }]
    case "ModelCalled":
      return [answered({ ...fact, key, shared })]
    case "ModelFailed":
      return [
        { _tag: "Unanswered", key: `unanswered:${key}`, ...shared, isFailure: true },
        ...(fact.billed === undefined ? [] : [answered({ ...fact.billed, model: fact.model, key, shared })])
      ]
    case "ToolCalled": {
      const call = `call:${fact.call === undefined ? key : Field.unique(fact.call, session)}`
      const { doing, tool } = Call.make(fact.tool, null, {})
      const unknown = { file: null, range: null, command: null }
      return [
        { _tag: "Called", key: call, ...shared, answer: null, tool, doing, input: fact.arguments, ...unknown },
        {
          _tag: "Returned",
          key: call,
          ...shared,
          characters: fact.outputBytes,
          output: fact.output ?? null,
          isError: !fact.ok,
          isRejected: false
        }
      ]
    }
    case "AgentPrompted": {
      const speech = actor._tag === "Human" ? "prompt" : "system"
      return [{ _tag: "Said", key: `said:${key}`, ...shared, speech, characters: fact.text.length }]
    }
    case "ContextCompacted": {
      const { after, before } = fact
      return [{ _tag: "Compacted", key: `compacted:${key}`, ...shared, trigger: "auto", before, after }]
    }
    default:
      return []
  }
}

const known = { _tag: "Session", program: "millwright", version: null, from: null } as const

type Billed = NonNullable<Extract<FactoryEvent.Fact, { readonly _tag: "ModelFailed" }>["billed"]>

interface Answer extends Pick<Billed, "message" | "provider" | "rehearsed" | "usage"> {
  readonly model: string
  readonly key: string
  readonly shared: { readonly session: string; readonly agent: null; readonly at: number }
}

const answered = ({ key, message, model, provider, rehearsed, shared, usage }: Answer): Transcript.Entry => ({
  _tag: "Answered",
  key: `answer:${(rehearsed ? null : Field.unique(message, shared.session)) ?? key}`,
  ...shared,
  provider: Field.name(provider),
  model: Field.name(model),
  request: null,
  usage,
  longCacheWrite: 0,
  purpose: "turn"
})
