/**
 * What Codex writes down of a thread, its "rollout": items of the conversation, and events about it.
 *
 * - Tokens are told as sums over the thread, with those of the last answer beside. An event that repeats a sum tells of no new answer; an
 *   answer is named by its thread and the sum with it. Newer versions tell each answer's tokens in a record as well, with the same sum.
 * - A fork begins with what its parent wrote, behind the parent's own first line: that part is the parent's, found again.
 * - The first lines of the human's side are the program's: what the machine is like, what the repository asks for.
 */
import * as Digest from "@millwright/core/Digest"
import type * as Transcript from "../Transcript.ts"
import type { JsonObject, Options, TranscriptReader } from "../TranscriptReader.ts"
import * as Call from "./TranscriptCall.ts"
import * as Field from "./TranscriptField.ts"

const types = new Set(
  "session_meta turn_context event_msg response_item compacted token_usage_record world_state inter_agent_communication".split(
    " "
  )
)

/** What is known of the file so far. */
interface State {
  session: string
  /** The thread that what follows was first written down in. */
  thread: string
  agent: string | null
  provider: string | null
  model: string | null
  /** How often the same thing was said in a thread. */
  readonly said: Map<string, number>
  readonly options: Options
}

/** Codex. */
export const reader: TranscriptReader = {
  format: "codex",
  claims: ({ payload, timestamp, type }) =>
    typeof type === "string" && types.has(type) && Field.isObject(payload) && typeof timestamp === "string",
  open: (options) => {
    const state: State = {
      session: "unknown",
      thread: "unknown",
      agent: null,
      provider: null,
      model: null,
      said: new Map(),
      options
    }
    return ({ value }) => {
      const { payload, timestamp, type } = value
      if (typeof type !== "string" || !types.has(type) || !Field.isObject(payload)) return undefined
      return entries(state, { type, payload, at: Field.time(timestamp) })
    }
  }
}

interface Item {
  readonly type: string
  readonly payload: JsonObject
  readonly at: number | null
}

const entries = (state: State, item: Item): ReadonlyArray<Transcript.Entry> => {
  const { payload, type } = item
  switch (type) {
    case "session_meta":
      return begun(state, item)
    case "turn_context":
      state.model = Field.name(payload["model"]) ?? state.model
      return []
    case "token_usage_record": {
      const thread = Field.name(payload["thread_id"]) ?? state.thread
      return answered(state, item, { thread, last: payload["usage"], total: payload["thread_token_usage"] })
    }
    case "event_msg":
      return happened(state, item)
    case "response_item":
      return conversed(state, item)
    case "compacted":
      return [
        {
          _tag: "Compacted",
          key: `compacted:${numbered(state, `compacted:${Digest.ofJson(payload["message"] ?? null)}`)}`,
          ...placed(state, item),
          trigger: null,
          before: null,
          after: null
        }
      ]
    default:
      return []
  }
}

const placed = ({ agent, session }: State, { at }: Item) => ({ session, agent, at })

/** What is said again in the same thread is another one, and what is copied with the thread is not. */
const numbered = ({ said, thread }: State, what: string): string => {
  const times = (said.get(`${thread}/${what}`) ?? 0) + 1
  said.set(`${thread}/${what}`, times)
  return Digest.short(Digest.of(`${thread}/${what}/${times}`))
}

const begun = (state: State, item: Item): ReadonlyArray<Transcript.Entry> => {
  const { payload } = item
  const id = Field.name(payload["id"] ?? payload["session_id"]) ?? "unknown"
  state.provider = Field.name(payload["model_provider"]) ?? state.provider
  state.thread = id
  // Behind the first one, it is that of a parent, whose lines were copied.
  if (state.session !== "unknown") return []
  state.session = id
  const isSub = Field.isObject(payload["source"]) || payload["thread_source"] === "subagent"
  state.agent = isSub ? (Field.name(payload["agent_nickname"]) ?? "sub-agent") : null
  const tools = Field.objects(payload["dynamic_tools"]).map((tool) => ({
    name: Field.name(tool["name"]) ?? "unknown",
    digest: Digest.ofJson(tool),
    bytes: Buffer.byteLength(JSON.stringify(tool))
  }))
  const shared = placed(state, { ...item, at: Field.time(payload["timestamp"]) ?? item.at })
  return [
    {
      _tag: "Session",
      key: `session:${id}`,
      ...shared,
      event: "begun",
      program: "codex",
      version: Field.name(payload["cli_version"]),
      from: Field.name(payload["forked_from_id"] ?? payload["parent_thread_id"])
    },
    ...(tools.length === 0 ? [] : [{ _tag: "Loaded", key: `loaded:${id}`, ...shared, tools } as const])
  ]
}

interface Told {
  readonly thread: string
  readonly last: unknown
  readonly total: unknown
}

const answered = (state: State, item: Item, { last, thread, total }: Told): ReadonlyArray<Transcript.Entry> => {
  const told = Field.object(last)
  const sum = Field.object(total)
  const counts = [sum["input_tokens"], sum["cached_input_tokens"], sum["output_tokens"]]
  const isSum = counts.every((count) => typeof count === "number")
  return [
    {
      _tag: "Answered",
      key: `answer:${thread}/${isSum ? counts.join("/") : numbered(state, `sum:${JSON.stringify(told)}`)}`,
      ...placed(state, item),
      provider: state.provider,
      model: state.model,
      request: null,
      usage: Field.usageWithin({
        input: told["input_tokens"],
        cacheRead: told["cached_input_tokens"],
        cacheWrite: told["cache_write_input_tokens"],
        output: told["output_tokens"]
      }),
      longCacheWrite: 0,
      purpose: "turn"
    }
  ]
}

const happened = (state: State, item: Item): ReadonlyArray<Transcript.Entry> => {
  const { payload } = item
  switch (payload["type"]) {
    case "token_count": {
      const { info } = payload
      // A first one tells of limits only.
      if (!Field.isObject(info)) return []
      const { last_token_usage: last, total_token_usage: total } = info
      return answered(state, item, { thread: state.thread, last, total })
    }
    case "turn_aborted": {
      if (payload["reason"] !== "interrupted") return []
      const key = Field.name(payload["turn_id"]) ?? numbered(state, "aborted")
      return [{ _tag: "Said", key: `aborted:${key}`, ...placed(state, item), speech: "interrupt", characters: 0 }]
    }
    case "item_completed": {
      const { id, status } = Field.object(payload["item"])
      if (status !== "declined" || typeof id !== "string") return []
      return [result(state, item, { id, characters: null, output: null, isError: true, isRejected: true })]
    }
    case "stream_error":
    case "error":
      return [
        { _tag: "Unanswered", key: `unanswered:${numbered(state, "error")}`, ...placed(state, item), isFailure: true }
      ]
    default:
      return []
  }
}

interface Came extends Pick<Transcript.Of<"Returned">, "characters" | "output" | "isError" | "isRejected"> {
  readonly id: unknown
}

const result = (state: State, item: Item, { id, ...came }: Came): Transcript.Entry => ({
  _tag: "Returned",
  key: `call:${Field.unique(id, state.session) ?? numbered(state, "result")}`,
  ...placed(state, item),
  ...came
})

const conversed = (state: State, item: Item): ReadonlyArray<Transcript.Entry> => {
  const { payload } = item
  const { type } = payload
  if (type === "message") return payload["role"] === "user" ? said(state, item) : []
  if (typeof type !== "string") return []
  if (type.endsWith("_call_output")) {
    const texts = outputOf(payload["output"])
    const text = texts.join("\n")
    const isRejected = /^(?:exec command |patch )?rejected by (?:the )?user/i.test(text)
    const characters = texts.reduce((sum, { length }) => sum + length, 0)
    const isError = isRejected || hasFailed(payload["output"], text)
    return [result(state, item, { id: payload["call_id"], characters, output: Digest.of(text), isError, isRejected })]
  }
  if (!type.endsWith("_call")) return []
  const call = Field.unique(payload["call_id"] ?? payload["id"], state.session) ?? numbered(state, "call")
  const input = payload["arguments"] ?? payload["input"] ?? { action: payload["action"] }
  const made = Call.make(payload["name"] ?? type, input, state.options)
  return [{ _tag: "Called", key: `call:${call}`, ...placed(state, item), answer: null, ...made }]
}

const outputOf = (output: unknown): ReadonlyArray<string> =>
  Field.isObject(output) ? Field.texts(output["content"]) : Field.texts(output)

/** By the code that a command ended with, as each version writes it. */
const hasFailed = (output: unknown, text: string): boolean => {
  if (Field.object(output)["success"] === false) return true
  const code = /^(?:Exit code: |Process exited with code |\{"output":.{0,200000}"exit_code":)(-?\d+)/ms.exec(text)?.[1]
  return code !== undefined && code !== "0"
}

const said = (state: State, item: Item): ReadonlyArray<Transcript.Entry> => {
  const { payload } = item
  const texts = Field.texts(payload["content"])
  const text = texts.join("\n")
  const kinds = Field.object(payload["internal_chat_message_metadata_passthrough"])["content_item_kinds"]
  const key = Field.unique(payload["id"], state.thread) ?? numbered(state, Digest.of(text))
  const characters = texts.reduce((sum, { length }) => sum + length, 0)
  return [
    { _tag: "Said", key: `said:${key}`, ...placed(state, item), speech: speechOf(state, text, kinds), characters }
  ]
}

const speechOf = ({ agent }: State, text: string, kinds: unknown): Transcript.Speech => {
  if (text.startsWith("<user_shell_command>")) return "shell"
  const isHouse = Array.isArray(kinds) && kinds.every((kind) => typeof kind === "string" && !kind.startsWith("user."))
  if (isHouse || /^(?:<[a-z_]+>|# AGENTS\.md instructions)/.test(text)) return "meta"
  return agent === null ? "prompt" : "system"
}
