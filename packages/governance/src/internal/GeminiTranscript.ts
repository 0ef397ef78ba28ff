/**
 * What the Gemini CLI writes down: one JSON object with all messages, or, in newer versions, a line for each message, again whenever
 * there is more of it. Input counts what was read from the cache, thoughts are output, and what tools brought is input.
 */
import * as Digest from "@millwright/core/Digest"
import type * as Transcript from "../Transcript.ts"
import type { JsonObject, Options, TranscriptReader } from "../TranscriptReader.ts"
import * as Call from "./TranscriptCall.ts"
import * as Field from "./TranscriptField.ts"

const types = new Set(["user", "gemini", "info", "warning", "error"])

const isMessage = ({ id, timestamp, type }: JsonObject): boolean =>
  typeof type === "string" && types.has(type) && typeof id === "string" && typeof timestamp === "string"

const isHead = ({ projectHash, sessionId, startTime }: JsonObject): boolean =>
  typeof sessionId === "string" && typeof (projectHash ?? startTime) === "string"

/** The Gemini CLI. */
export const reader: TranscriptReader = {
  format: "gemini",
  claims: (value) =>
    (isHead(value) && value["type"] === undefined && (value["projectHash"] ?? value["messages"]) !== undefined) ||
    (isMessage(value) && value["uuid"] === undefined && value["sessionId"] === undefined && "content" in value),
  open: (options) => {
    let place: Place = { session: "unknown", agent: null }
    return ({ value }) => {
      if (isMessage(value)) return entries(value, place, options)
      if (isHead(value)) {
        const session = Field.name(value["sessionId"]) ?? "unknown"
        place = { session, agent: value["kind"] === "subagent" ? "sub-agent" : null }
        return [head(value, place), ...all(value, place, options)]
      }
      if (Field.isObject(value["$set"])) return all(value["$set"], place, options)
      return "$rewindTo" in value || "$set" in value ? [] : undefined
    }
  }
}

interface Place {
  readonly session: string
  readonly agent: string | null
}

const head = (value: JsonObject, place: Place): Transcript.Entry => ({
  _tag: "Session",
  key: `session:${place.session}`,
  ...place,
  at: Field.time(value["startTime"]),
  event: "begun",
  program: "gemini",
  version: null,
  from: null
})

const all = (value: JsonObject, place: Place, options: Options): ReadonlyArray<Transcript.Entry> =>
  Field.objects(value["messages"]).flatMap((message) => (isMessage(message) ? entries(message, place, options) : []))

const entries = (message: JsonObject, place: Place, options: Options): ReadonlyArray<Transcript.Entry> => {
  const { content, type } = message
  const key = Field.unique(message["id"], place.session) ?? "unknown"
  const shared = { ...place, at: Field.time(message["timestamp"]) }
  const texts = Field.texts(content)
  const characters = texts.reduce((sum, { length }) => sum + length, 0)
  const first = texts[0] ?? ""
  if (type === "user") {
    const speech = first.startsWith("/") ? "command" : first.startsWith("!") ? "shell" : "prompt"
    return [
      { _tag: "Said", key: `said:${key}`, ...shared, speech: place.agent === null ? speech : "system", characters }
    ]
  }
  if (type === "error") return [{ _tag: "Unanswered", key: `unanswered:${key}`, ...shared, isFailure: true }]
  if (type !== "gemini") {
    const isStop = /^Request cancelled\.?$/.test(first.trim())
    return [{ _tag: "Said", key: `said:${key}`, ...shared, speech: isStop ? "interrupt" : "system", characters }]
  }
  return answered(message, { ...shared, key }, options)
}

const answered = (
  message: JsonObject,
  { key, ...shared }: Place & { readonly key: string; readonly at: number | null },
  options: Options
): ReadonlyArray<Transcript.Entry> => {
  const { tokens } = message
  const answer = `answer:${key}`
  const calls = Field.objects(message["toolCalls"]).flatMap((call, at): ReadonlyArray<Transcript.Entry> => {
    const name = `call:${Field.unique(call["id"], shared.session) ?? `${key}/${at}`}`
    const placed = { ...shared, at: Field.time(call["timestamp"]) ?? shared.at }
    const made = {
      _tag: "Called",
      key: name,
      ...placed,
      answer,
      ...Call.make(call["name"], call["args"], options)
    } as const
    return isOver(call) ? [made, { _tag: "Returned", key: name, ...placed, ...result(call) }] : [made]
  })
  return [
    {
      _tag: "Answered",
      key: answer,
      ...shared,
      provider: "google",
      model: Field.name(message["model"]),
      request: null,
      usage: usageOf(Field.object(tokens)),
      longCacheWrite: 0,
      purpose: "turn"
    },
    ...calls
  ]
}

const usageOf = ({ cached, input, output, thoughts, tool }: JsonObject) => {
  const brought = Field.tokens(tool ?? 0)
  const thought = Field.tokens(thoughts ?? 0)
  const usage = Field.usageWithin({ input, output, cacheRead: cached, cacheWrite: 0 })
  if (usage === null || brought === null || thought === null) return null
  return { ...usage, input: usage.input + brought, output: usage.output + thought }
}

const isOver = ({ status }: JsonObject): boolean => status === "success" || status === "error" || status === "cancelled"

const result = (
  call: JsonObject
): Pick<Transcript.Of<"Returned">, "characters" | "output" | "isError" | "isRejected"> => {
  const parts = Field.objects(call["result"]).map((part) =>
    Field.object(Field.object(part["functionResponse"])["response"])
  )
  const texts = parts.flatMap(({ error, output }) => [output, error].filter((each) => typeof each === "string"))
  const text = texts.join("\n")
  return {
    characters: texts.reduce((sum, { length }) => sum + length, 0),
    output: Digest.of(text),
    isError: call["status"] !== "success",
    isRejected: call["status"] === "cancelled" && /User (?:did not allow|rejected|declined|cancelled)/.test(text)
  }
}
