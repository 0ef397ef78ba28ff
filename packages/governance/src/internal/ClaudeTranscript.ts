/**
 * What Claude Code writes down: a line for each block of an answer, each with the usage so far, and lines for what is said between.
 *
 * - A session that is resumed or forked has the earlier lines again, under its own name, with the ids they had.
 * - Sub-agents are in files of their own, or between the lines of the session, or in notices of progress; they are told by `agentId`.
 * - An answer counts by its `id`; one without by its request; one without either by its line.
 */
import * as Digest from "@millwright/core/Digest"
import type * as Transcript from "../Transcript.ts"
import type { JsonObject, Line, Options, TranscriptReader } from "../TranscriptReader.ts"
import * as Call from "./TranscriptCall.ts"
import * as Field from "./TranscriptField.ts"

/** Lines that tell nothing that is looked for. */
const silent = new Set(
  (
    "progress file-history-snapshot file-history-delta summary queue-operation attachment mode atis-latch tools-used api-request " +
    "api-request-blob last-prompt cost-state custom-title ai-title tag agent-name agent-color agent-setting permission-mode pr-link " +
    "worktree-state content-replacement marble-origami-commit marble-origami-snapshot speculation-accept attribution-snapshot"
  ).split(" ")
)

const spoken = new Set(["user", "assistant", "system", "api-request-shape"])

/** Claude Code. */
export const reader: TranscriptReader = {
  format: "claude-code",
  claims: ({ message, sessionId, type, uuid, leafUuid, messageId, snapshot }) =>
    typeof type === "string" &&
    (((type === "user" || type === "assistant") &&
      Field.isObject(message) &&
      typeof (uuid ?? sessionId) === "string") ||
      (type === "system" && typeof uuid === "string") ||
      (silent.has(type) && [sessionId, uuid, leafUuid, messageId].some((each) => typeof each === "string")) ||
      (type === "file-history-snapshot" && Field.isObject(snapshot)) ||
      (type === "api-request-shape" && typeof sessionId === "string")),
  open: (options) => {
    const begun = new Set<string>()
    return (line) => {
      const { type } = line.value
      if (typeof type !== "string" || !(silent.has(type) || spoken.has(type))) return undefined
      const told = entries(line, options)
      const first = told[0]
      if (first === undefined || first._tag === "Unparsed" || begun.has(first.session)) return told
      begun.add(first.session)
      return [session(line.value, first), ...told]
    }
  }
}

const session = (
  value: JsonObject,
  { at, session }: { readonly at: number | null; readonly session: string }
): Transcript.Of<"Session"> => ({
  _tag: "Session",
  key: `session:${session}`,
  session,
  agent: null,
  at,
  event: "begun",
  program: "claude-code",
  version: Field.name(value["version"]),
  from: Field.name(Field.object(value["forkedFrom"])["sessionId"])
})

interface Context {
  readonly line: Line
  readonly options: Options
  readonly shared: { readonly session: string; readonly agent: string | null; readonly at: number | null }
}

const entries = (line: Line, options: Options): ReadonlyArray<Transcript.Entry> => {
  const { value } = line
  const agent = Field.name(value["agentId"]) ?? (value["isSidechain"] === true ? "sidechain" : null)
  const shared = { session: Field.name(value["sessionId"]) ?? "unknown", agent, at: Field.time(value["timestamp"]) }
  const context = { line, options, shared }
  switch (value["type"]) {
    case "assistant":
      return answered(context)
    case "user":
      return said(context)
    case "system":
      return noticed(context)
    case "progress":
      return progressed(context)
    case "api-request-shape":
      return loaded(context)
    default:
      return []
  }
}

/** A message of a sub-agent in a notice of progress. */
const progressed = ({ line, options, shared }: Context): ReadonlyArray<Transcript.Entry> => {
  const data = Field.object(line.value["data"])
  if (data["hookName"] === "SessionStart:resume") {
    // Every hook tells of it, with the same name for the occasion.
    const occasion = Field.name(line.value["parentToolUseID"]) ?? shared.at
    const resumed = session(line.value, shared)
    return [{ ...resumed, key: `resumed:${shared.session}/${occasion}`, event: "resumed" }]
  }
  const message = Field.object(data["message"])
  if (data["type"] !== "agent_progress" || (message["type"] !== "assistant" && message["type"] !== "user")) return []
  const { agentId = "sidechain" } = data
  const { session: sessionId } = shared
  const { timestamp } = line.value
  return entries({ ...line, value: { timestamp, ...message, sessionId, agentId, isSidechain: true } }, options)
}

/** What names a line, also where it is copied. */
const keyOf = ({ line, shared }: Context): string =>
  Field.unique(line.value["uuid"], shared.session) ?? Digest.short(line.digest())

const answered = (context: Context): ReadonlyArray<Transcript.Entry> => {
  const { line, shared } = context
  const { value } = line
  const message = Field.object(value["message"])
  const id = Field.unique(message["id"], shared.session)
  const request = Field.id(value["requestId"])
  const key = `answer:${id ?? request ?? keyOf(context)}`
  const used = Field.object(message["usage"])
  const calls = Field.objects(message["content"]).flatMap((block, at) => blockOf(block, { ...context, key, at }))
  if (message["model"] === "<synthetic>") {
    const isFailure = value["isApiErrorMessage"] === true
    return [{ _tag: "Unanswered", key: `unanswered:${keyOf(context)}`, ...shared, isFailure }, ...calls]
  }
  return [
    {
      _tag: "Answered",
      key,
      ...shared,
      provider: "anthropic",
      model: Field.name(message["model"]),
      request,
      usage: Field.usage({
        input: used["input_tokens"],
        cacheRead: used["cache_read_input_tokens"],
        cacheWrite: used["cache_creation_input_tokens"],
        output: used["output_tokens"]
      }),
      longCacheWrite: Field.tokens(Field.object(used["cache_creation"])["ephemeral_1h_input_tokens"]) ?? 0,
      purpose: shared.agent?.startsWith("acompact") === true ? "compaction" : "turn"
    },
    ...calls
  ]
}

/** A call, or the result of a tool that the provider itself runs. */
const blockOf = (
  block: JsonObject,
  { at, key, options, shared }: Context & { readonly key: string; readonly at: number }
): ReadonlyArray<Transcript.Entry> => {
  const type = Field.text(block["type"]) ?? ""
  if (type.endsWith("tool_result")) return [returned(block, shared, false)]
  if (!type.endsWith("tool_use")) return []
  const call = Field.unique(block["id"], shared.session) ?? `${key}/${at}`
  const made = Call.make(block["name"], block["input"], options)
  return [{ _tag: "Called", key: `call:${call}`, ...shared, answer: key, ...made }]
}

const returned = (block: JsonObject, shared: Context["shared"], isRejected: boolean): Transcript.Entry => {
  const { content, is_error, tool_use_id } = block
  const output = Field.texts(content)
  return {
    _tag: "Returned",
    key: `call:${Field.unique(tool_use_id, shared.session) ?? "unknown"}`,
    ...shared,
    characters: output.reduce((sum, { length }) => sum + length, 0),
    output: Digest.of(output.join("\n")),
    isError: is_error === true || Field.object(content)["type"] === "error",
    isRejected
  }
}

const refusals = [
  "The user doesn't want to proceed with this tool use",
  "The user doesn't want to take this action right now"
]

const said = (context: Context): ReadonlyArray<Transcript.Entry> => {
  const { line, shared } = context
  const { value } = line
  const { content } = Field.object(value["message"])
  const results = Field.objects(content).filter(({ type }) => type === "tool_result")
  const told = results.map((result) =>
    returned(result, shared, result["is_error"] === true && isRefused(value, Field.texts(result["content"])))
  )
  const texts = typeof content === "string" ? [content] : Field.objects(content).flatMap(Field.texts)
  if (texts.length === 0) return told
  const key = keyOf(context)
  const speech = shared.agent === null ? speechOf(value, texts) : "system"
  const characters = texts.reduce((sum, { length }) => sum + length, 0)
  const turn: Transcript.Entry = { _tag: "Said", key: `said:${key}`, ...shared, speech, characters }
  if (speech !== "summary") return [...told, turn]
  // Its boundary is the line before it, which older versions do not write.
  const boundary = Field.unique(value["parentUuid"], shared.session) ?? key
  return [...told, turn, { ...compaction, key: `compacted:${boundary}`, ...shared }]
}

const compaction = { _tag: "Compacted", trigger: null, before: null, after: null } as const

const isRefused = ({ permissionDecision, toolUseResult }: JsonObject, texts: ReadonlyArray<string>): boolean => {
  const { decision, source } = Field.object(permissionDecision)
  return (
    texts.some((text) => refusals.some((refusal) => text.startsWith(refusal))) ||
    (typeof toolUseResult === "string" && /^(?:Error: )?User rejected tool use/.test(toolUseResult)) ||
    (decision === "reject" && typeof source === "string" && source.startsWith("user"))
  )
}

const speechOf = (value: JsonObject, texts: ReadonlyArray<string>): Transcript.Speech => {
  if (value["isCompactSummary"] === true) return "summary"
  if (texts.some((text) => /^\[Request interrupted by user[^\]]*\]$/.test(text.trim()))) return "interrupt"
  if (value["isMeta"] === true) return "meta"
  const start = texts.map((text) => text.trimStart()).find((text) => !text.startsWith("<ide_")) ?? ""
  if (/^<command-(?:name|message)>/.test(start)) return "command"
  if (start.startsWith("<bash-input>")) return "shell"
  return /^<(?:local-command-|bash-std|task-notification|system-reminder|user-prompt-submit-hook)/.test(start)
    ? "system"
    : "prompt"
}

const noticed = (context: Context): ReadonlyArray<Transcript.Entry> => {
  const { line, shared } = context
  const { compactMetadata, subtype } = line.value
  if (subtype === "api_error") {
    return [{ _tag: "Unanswered", key: `unanswered:${keyOf(context)}`, ...shared, isFailure: true }]
  }
  if (subtype !== "compact_boundary") return []
  const { postTokens, preTokens, trigger } = Field.object(compactMetadata)
  return [
    {
      ...compaction,
      key: `compacted:${keyOf(context)}`,
      ...shared,
      trigger: trigger === "auto" || trigger === "manual" ? trigger : null,
      before: Field.tokens(preTokens),
      after: Field.tokens(postTokens)
    }
  ]
}

const loaded = ({ line, shared }: Context): ReadonlyArray<Transcript.Entry> => {
  const { shape, shapeHash } = line.value
  const tools = Field.objects(Field.object(shape)["tools"]).map((tool) => ({
    name: Field.name(tool["name"]) ?? "unknown",
    digest: Digest.ofJson(tool),
    bytes: Buffer.byteLength(JSON.stringify(tool))
  }))
  return [{ _tag: "Loaded", key: `loaded:${shared.session}/${Field.name(shapeHash) ?? ""}`, ...shared, tools }]
}
