/** What our own journal tells of agents, an event a line. Its runs are the sessions; what was rehearsed has names that come again. */
import * as Digest from "@millwright/core/Digest"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import type * as Transcript from "../Transcript.ts"
import type { JsonObject, TranscriptReader } from "../TranscriptReader.ts"
import * as Call from "./TranscriptCall.ts"
import * as Field from "./TranscriptField.ts"

/** Another one may mean something else by the same names. */
const version: typeof FactoryEvent.version = 1

const claims = ({ actor, at, fact, seq, version }: JsonObject): boolean =>
  [at, seq, version].every((each) => typeof each === "number") && Field.isObject(actor) && Field.isObject(fact)

/** The journal. Its schema would check more than is looked at here, and takes as much memory as all readers together. */
export const reader: TranscriptReader = {
  format: "millwright-journal",
  claims,
  open:
    () =>
    ({ value }) =>
      claims(value) && value["version"] === version ? entries(value) : undefined
}

const entries = (event: JsonObject): ReadonlyArray<Transcript.Entry> => {
  const fact = Field.object(event["fact"])
  const session = Field.name(event["run"]) ?? "factory"
  const key = `${session}#${Field.tokens(event["seq"]) ?? "unknown"}`
  const shared = { session, agent: null, at: Field.time(event["at"]) }
  switch (fact["_tag"]) {
    case "LineStarted": {
      const from = Field.name(Field.object(fact["forkOf"])["run"])
      return [{ ...known, ...shared, key: `session:${session}`, event: "begun", from }]
    }
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
      return [answered(fact, { model: fact["model"], key, shared })]
    case "ModelFailed": {
      const { billed, model } = fact
      return [
        { _tag: "Unanswered", key: `unanswered:${key}`, ...shared, isFailure: true },
        ...(Field.isObject(billed) ? [answered(billed, { model, key, shared })] : [])
      ]
    }
    case "ToolCalled": {
      const call = `call:${Field.unique(fact["call"], session) ?? key}`
      const { doing, tool } = Call.make(fact["tool"], null, {})
      const input = Field.digest(fact["arguments"]) ?? Digest.ofJson(fact["arguments"] ?? null)
      const unknown = { file: null, range: null, command: null }
      return [
        { _tag: "Called", key: call, ...shared, answer: null, tool, doing, input, ...unknown },
        {
          _tag: "Returned",
          key: call,
          ...shared,
          characters: Field.tokens(fact["outputBytes"]),
          output: Field.digest(fact["output"]),
          isError: fact["ok"] !== true,
          isRejected: false
        }
      ]
    }
    case "AgentPrompted": {
      const speech = Field.object(event["actor"])["_tag"] === "Human" ? "prompt" : "system"
      const characters = Field.text(fact["text"])?.length ?? 0
      return [{ _tag: "Said", key: `said:${key}`, ...shared, speech, characters }]
    }
    case "ContextCompacted": {
      const [before, after] = [Field.tokens(fact["before"]), Field.tokens(fact["after"])]
      return [{ _tag: "Compacted", key: `compacted:${key}`, ...shared, trigger: "auto", before, after }]
    }
    default:
      return []
  }
}

const known = { _tag: "Session", program: "millwright", version: null, from: null } as const

interface Answer {
  readonly model: unknown
  readonly key: string
  readonly shared: { readonly session: string; readonly agent: null; readonly at: number | null }
}

const answered = (told: JsonObject, { key, model, shared }: Answer): Transcript.Entry => {
  const { cacheRead, cacheWrite, input, output } = Field.object(told["usage"])
  return {
    _tag: "Answered",
    key: `answer:${(told["rehearsed"] === true ? null : Field.unique(told["message"], shared.session)) ?? key}`,
    ...shared,
    provider: Field.name(told["provider"]),
    model: Field.name(model),
    request: null,
    usage: Field.usage({ input, cacheRead, cacheWrite, output }),
    longCacheWrite: 0,
    purpose: "turn"
  }
}
