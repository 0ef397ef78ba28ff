/**
 * What our own loop writes down: a line that says whose session it is, and one for each entry of its tree. An entry keeps its id in every
 * session that it is copied to. What a summary cost is in the journal only.
 */
import * as Digest from "@millwright/core/Digest"
import type * as Transcript from "../Transcript.ts"
import type { JsonObject, Options, TranscriptReader } from "../TranscriptReader.ts"
import * as Call from "./TranscriptCall.ts"
import * as Field from "./TranscriptField.ts"

const isHead = ({ session, version }: JsonObject): boolean => typeof session === "string" && typeof version === "number"

const isEntry = ({ at, body, id, parent }: JsonObject): boolean =>
  typeof id === "string" &&
  parent !== undefined &&
  typeof at === "number" &&
  typeof Field.object(body)["_tag"] === "string"

/** Sessions of our own loop. */
export const reader: TranscriptReader = {
  format: "millwright-session",
  claims: (value) => isHead(value) || isEntry(value),
  open: (options) => {
    const state: State = { session: "unknown", provider: null, options }
    return ({ value }) => {
      if (isEntry(value)) return entries(state, value)
      if (!isHead(value)) return undefined
      state.session = Field.name(value["session"]) ?? "unknown"
      return []
    }
  }
}

interface State {
  session: string
  provider: string | null
  readonly options: Options
}

const entries = (state: State, value: JsonObject): ReadonlyArray<Transcript.Entry> => {
  const body = Field.object(value["body"])
  const shared = { session: state.session, agent: null, at: Field.time(value["at"]) }
  const key = Field.unique(value["id"], state.session) ?? "unknown"
  switch (body["_tag"]) {
    case "Opened":
      return [{ ...known, ...shared, key: `session:${state.session}`, event: "begun" }]
    case "Ended":
      return [{ ...known, ...shared, key: `ended:${state.session}`, event: "ended" }]
    case "Said": {
      const isPerson = body["by"] === "steer" || body["by"] === "follow-up"
      const characters = lengthOf(body["message"])
      return [{ _tag: "Said", key: `said:${key}`, ...shared, speech: isPerson ? "prompt" : "system", characters }]
    }
    case "Routed":
      state.provider = Field.name(Field.text(body["candidate"])?.split("/", 1)[0])
      return []
    case "Answered":
      return answered(state, { body, key, shared })
    case "Returned":
      return [returned(Field.object(body["part"]), shared)]
    case "Compacted": {
      const before = Field.tokens(Field.object(body["dropped"])["tokens"])
      return [{ _tag: "Compacted", key: `compacted:${key}`, ...shared, trigger: "auto", before, after: null }]
    }
    default:
      return []
  }
}

const known = { _tag: "Session", program: "millwright", version: null, from: null } as const

const lengthOf = (message: unknown): number =>
  Field.texts(Field.object(message)["content"]).reduce((sum, { length }) => sum + length, 0)

type Shared = { readonly session: string; readonly agent: null; readonly at: number | null }

const answered = (
  { options, provider }: State,
  { body, key, shared }: { readonly body: JsonObject; readonly key: string; readonly shared: Shared }
): ReadonlyArray<Transcript.Entry> => {
  const { cacheRead, cacheWrite, input, output } = Field.object(body["usage"])
  const calls = Field.objects(body["messages"])
    .flatMap(({ content }) => Field.objects(content))
    .filter(({ type }) => type === "tool-call")
  return [
    {
      _tag: "Answered",
      key: `answer:${key}`,
      ...shared,
      provider,
      model: Field.name(body["model"]),
      request: null,
      usage: Field.usage({ input, cacheRead, cacheWrite, output }),
      longCacheWrite: 0,
      purpose: "turn"
    },
    ...calls.map(({ id, name, params }): Transcript.Entry => {
      const call = Field.unique(id, shared.session) ?? key
      return {
        _tag: "Called",
        key: `call:${call}`,
        ...shared,
        answer: `answer:${key}`,
        ...Call.make(name, params, options)
      }
    })
  ]
}

const returned = ({ id, isFailure, result }: JsonObject, shared: Shared): Transcript.Entry => {
  const text = typeof result === "string" ? result : (JSON.stringify(result) ?? "")
  return {
    _tag: "Returned",
    key: `call:${Field.unique(id, shared.session) ?? "unknown"}`,
    ...shared,
    characters: text.length,
    output: Digest.of(text),
    isError: isFailure === true,
    isRejected: false
  }
}
