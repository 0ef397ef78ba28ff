/** What pi writes down: a line that begins the session, and one for each entry of its tree, whichever way the conversation went on. */
import * as Digest from "@millwright/core/Digest"
import * as Usage from "@millwright/core/Usage"
import type * as Transcript from "../Transcript.ts"
import type { JsonObject, Options, TranscriptReader } from "../TranscriptReader.ts"
import * as Call from "./TranscriptCall.ts"
import * as Field from "./TranscriptField.ts"

const types = new Set(
  "message model_change thinking_level_change compaction branch_summary custom custom_message label session_info usage context_edit".split(
    " "
  )
)

const isHead = ({ cwd, id, type }: JsonObject): boolean =>
  type === "session" && typeof id === "string" && typeof cwd === "string"

/** pi. */
export const reader: TranscriptReader = {
  format: "pi",
  claims: (value) => {
    const { id, parentId, type } = value
    return (
      isHead(value) || (typeof type === "string" && types.has(type) && typeof id === "string" && parentId !== undefined)
    )
  },
  open: (options) => {
    const state: State = { session: "unknown", provider: null, model: null, options }
    return ({ value }) => {
      const { type } = value
      if (isHead(value)) return [begun(state, value)]
      return typeof type === "string" && types.has(type) ? entries(state, value) : undefined
    }
  }
}

interface State {
  session: string
  provider: string | null
  model: string | null
  readonly options: Options
}

const begun = (state: State, value: JsonObject): Transcript.Entry => {
  state.session = Field.name(value["id"]) ?? "unknown"
  // It is the path of a file, whose name ends with the session's.
  const from = /_([\w-]{8,})\.jsonl$/.exec(Field.text(value["parentSession"]) ?? "")?.[1]
  return {
    _tag: "Session",
    key: `session:${state.session}`,
    session: state.session,
    agent: null,
    at: Field.time(value["timestamp"]),
    event: "begun",
    program: "pi",
    version: null,
    from: Field.name(from)
  }
}

interface Entry {
  readonly value: JsonObject
  readonly message: JsonObject
  /** Ids are short, and are kept where an entry is copied to another session, with their time. */
  readonly key: string
  readonly shared: { readonly session: string; readonly agent: null; readonly at: number | null }
}

const entries = (state: State, value: JsonObject): ReadonlyArray<Transcript.Entry> => {
  const at = Field.time(value["timestamp"])
  const entry: Entry = {
    value,
    message: Field.object(value["message"]),
    key: `${Field.id(value["id"]) ?? "unknown"}@${at ?? state.session}`,
    shared: { session: state.session, agent: null, at }
  }
  switch (value["type"]) {
    case "model_change":
      state.provider = Field.name(value["provider"])
      state.model = Field.name(value["modelId"])
      return []
    case "message":
      return message(state, entry)
    case "usage":
      return [answer(state, entry, { told: value, purpose: value["kind"] === "compaction" ? "compaction" : "turn" })]
    case "compaction": {
      const { key, shared } = entry
      const before = Field.tokens(value["tokensBefore"])
      return [
        { _tag: "Compacted", key: `compacted:${key}`, ...shared, trigger: null, before, after: null },
        ...summarised(state, entry)
      ]
    }
    case "branch_summary":
      return summarised(state, entry)
    default:
      return []
  }
}

/** What a summary cost. One that an extension or an older version made does not say. */
const summarised = (state: State, entry: Entry): ReadonlyArray<Transcript.Entry> =>
  Field.isObject(entry.value["usage"]) ? [answer(state, entry, { told: entry.value, purpose: "compaction" })] : []

interface Told {
  readonly told: JsonObject
  readonly purpose: "turn" | "compaction"
}

const answer = (state: State, { key, shared }: Entry, { purpose, told }: Told): Transcript.Of<"Answered"> => {
  const used = Field.object(told["usage"])
  return {
    _tag: "Answered",
    key: `answer:${Field.unique(told["responseId"], shared.session) ?? key}`,
    ...shared,
    provider: Field.name(told["provider"]) ?? state.provider,
    model: Field.name(told["model"]) ?? state.model,
    request: null,
    usage: Field.usage({
      input: used["input"],
      output: used["output"],
      cacheRead: used["cacheRead"],
      cacheWrite: used["cacheWrite"]
    }),
    longCacheWrite: Field.tokens(used["cacheWrite1h"]) ?? 0,
    purpose
  }
}

const message = (state: State, entry: Entry): ReadonlyArray<Transcript.Entry> => {
  const { key, message, shared } = entry
  const texts = Field.texts(message["content"])
  const characters = texts.reduce((sum, { length }) => sum + length, 0)
  switch (message["role"]) {
    case "user":
      return [{ _tag: "Said", key: `said:${key}`, ...shared, speech: "prompt", characters }]
    case "bashExecution":
      return [
        { _tag: "Said", key: `said:${key}`, ...shared, speech: "shell", characters: lengthOf(message["command"]) }
      ]
    case "toolResult":
      return [
        {
          _tag: "Returned",
          key: `call:${Field.unique(message["toolCallId"], shared.session) ?? key}`,
          ...shared,
          characters,
          output: Digest.of(texts.join("\n")),
          isError: message["isError"] === true,
          isRejected: false
        }
      ]
    case "assistant":
      return answered(state, entry)
    default:
      return []
  }
}

const lengthOf = (value: unknown): number => (typeof value === "string" ? value.length : 0)

const answered = (state: State, entry: Entry): ReadonlyArray<Transcript.Entry> => {
  const { key, message, shared } = entry
  const made = answer(state, entry, { told: message, purpose: "turn" })
  const { stopReason } = message
  const isBroken = stopReason === "aborted" || stopReason === "error"
  const isSilent = made.usage !== null && Usage.total(made.usage) === 0
  const calls = Field.objects(message["content"])
    .filter(({ type }) => type === "toolCall")
    .map((block, at): Transcript.Entry => {
      const call = Field.unique(block["id"], shared.session) ?? `${key}/${at}`
      const told = Call.make(block["name"], block["arguments"], state.options)
      return { _tag: "Called", key: `call:${call}`, ...shared, answer: made.key, ...told }
    })
  return [
    // An error before the first token is no answer. What was broken off may be billed, and nobody told how much.
    ...(stopReason === "error" && isSilent ? [] : [isBroken && isSilent ? { ...made, usage: null } : made]),
    ...(stopReason === "error"
      ? [{ _tag: "Unanswered", key: `unanswered:${key}`, ...shared, isFailure: true } as const]
      : []),
    ...(stopReason === "aborted"
      ? [{ _tag: "Said", key: `aborted:${key}`, ...shared, speech: "interrupt", characters: 0 } as const]
      : []),
    ...calls
  ]
}
