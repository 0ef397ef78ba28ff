/** The bytes between the provider twin and its clients: what the two protocols have in common, and where they differ. */
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import type * as Http from "node:http"
import type * as Usage from "../Usage.ts"
import * as CacheMark from "./CacheMark.ts"
import * as ChatBlocks from "./ChatBlocks.ts"
import * as PrefixCache from "./PrefixCache.ts"
import * as PromptBlocks from "./PromptBlocks.ts"
import * as Rules from "./ProviderRules.ts"
import * as ResponsesBody from "./ResponsesBody.ts"

/** What the twin answers in: Anthropic's messages, OpenAI's chat completions, or its responses. */
export type Protocol = "anthropic" | "openai" | "responses"

/** An error of the API. `retryAfter` is in seconds. */
export interface Refusal {
  readonly status: number
  readonly message?: string
  readonly retryAfter?: number
}

/** What a turn of the script says. */
export interface Turn {
  readonly text?: string
  readonly reasoning?: string
  readonly calls?: ReadonlyArray<{ readonly tool: string; readonly arguments?: Schema.Json; readonly raw?: string }>
}

/** What aimock is told to answer. */
export interface Answer {
  readonly content?: string
  readonly toolCalls?: Array<{ name: string; arguments: string; id: string }>
  readonly reasoning?: string
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number }
}

/** What a request says, in whichever protocol. */
export interface Conversation {
  readonly model: string
  readonly role: string | undefined
  /** How many answers the model gave so far. */
  readonly turn: number
  /** All that the user said, without the results of tools. */
  readonly user: string
  /**
   * Tools, system prompt and messages as texts, in the order in which a prompt cache reads them. A deferred tool is no
   * part of the prompt until a result refers to it, and stands there.
   */
  readonly pieces: ReadonlyArray<string>
}

/** The protocol of a request, by its path. */
export const protocolOf = (request: Http.IncomingMessage): Protocol | undefined => {
  const path = (request.url ?? "").split("?", 1)[0] ?? ""
  if (request.method !== "POST") return undefined
  if (path.endsWith("/v1/messages")) return "anthropic"
  return path.endsWith("/chat/completions") ? "openai" : path.endsWith("/responses") ? "responses" : undefined
}

/** The key that the client showed, or nothing. */
export const keyOf = (request: Http.IncomingMessage): string => {
  const key = request.headers["x-api-key"]
  return Predicate.isString(key) ? key : (request.headers.authorization ?? "").replace(/^Bearer\s+/i, "")
}

/** The betas that the client asks for. */
export const betasOf = (request: Http.IncomingMessage): ReadonlyArray<string> =>
  String(request.headers["anthropic-beta"] ?? "")
    .split(",")
    .map((beta) => beta.trim())
    .filter((beta) => beta !== "")

/** The body, where it is a JSON object of at most `limit` bytes. */
export const readBody = async (
  request: Http.IncomingMessage,
  limit: number
): Promise<Schema.JsonObject | undefined> => {
  const chunks: Array<Buffer> = []
  let size = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size <= limit) chunks.push(bytes)
  }
  if (size > limit) return undefined
  try {
    const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"))
    // What `JSON.parse` gives is JSON.
    return Predicate.isObject(parsed) ? (parsed as Schema.JsonObject) : undefined
  } catch {
    return undefined
  }
}

/** Reads what both protocols say in their own ways. */
export const conversationOf = (body: Schema.JsonObject): Conversation => {
  const messages = Array.isArray(body.messages) ? body.messages.filter(Predicate.isObject) : []
  const of = (role: string) => messages.filter((message) => message.role === role)
  // OpenAI calls the system prompt of its newer models the developer's.
  const ordered = [...of("system"), ...of("developer")].map(({ content }) => textOf(content))
  const system = [textOf(body.system), ...ordered].join("\n")
  const tools = Array.isArray(body.tools) ? body.tools.filter(Predicate.isObject) : []
  const loaded = tools.filter((tool) => tool.defer_loading !== true)
  const pieces = [
    ...[loaded.length === 0 ? undefined : loaded, body.system].filter(Predicate.isNotNullish).map(bare),
    ...messages.map((message) => [message, ...referred(message, tools)].map(bare).join(""))
  ]
  return {
    model: Predicate.isString(body.model) ? body.model : "",
    role: /^Role:[ \t]*(\S.*?)[ \t]*$/m.exec(system)?.[1],
    turn: of("assistant").length,
    user: of("user")
      .map(({ content }) => textOf(content))
      .join("\n"),
    pieces
  }
}

const referred = (
  message: Readonly<Record<string, unknown>>,
  tools: ReadonlyArray<Readonly<Record<string, unknown>>>
): ReadonlyArray<unknown> => {
  const names = Rules.referredIn(message)
  return tools.filter(({ defer_loading, name }) => defer_loading === true && names.includes(name))
}

const textOf = (content: unknown): string =>
  Predicate.isString(content)
    ? content
    : Array.isArray(content)
      ? content
          .flatMap((part) =>
            Predicate.isObject(part) && part.type === "text" && Predicate.isString(part.text) ? [part.text] : []
          )
          .join("\n")
      : ""

/** The text of a piece. Marks of the cache are no content: they move from request to request. */
const bare = (piece: unknown): string =>
  JSON.stringify(piece, (key, value: unknown) => (key === "cache_control" ? undefined : value))

/** Counts a request as its provider does, and remembers what of it is in the cache from now on. */
export const count = (call: {
  readonly cache: Set<string>
  readonly protocol: Protocol
  readonly body: Schema.JsonObject
  readonly said: Conversation
  readonly turn: Turn
  readonly places: "runs" | "blocks" | undefined
}): Usage.Usage => {
  const { body, cache, places, protocol, said, turn } = call
  const { model, pieces } = said
  const { usage, written } =
    protocol === "anthropic"
      ? PrefixCache.marked(cache, {
          model,
          blocks: PromptBlocks.of(body),
          minimum: PrefixCache.minimumOf(model),
          places
        })
      : CacheMark.isTakenBy(model)
        ? PrefixCache.marked(cache, {
            model,
            blocks: ChatBlocks.of(body),
            minimum: ChatBlocks.minimum,
            window: Number.POSITIVE_INFINITY
          })
        : PrefixCache.automatic(cache, { model, text: pieces.join("") })
  for (const entry of written) cache.add(entry)
  const spoken = [
    turn.text ?? "",
    turn.reasoning ?? "",
    ...(turn.calls ?? []).map((call) => call.tool + argumentsOf(call))
  ]
  return { ...usage, output: Math.max(1, PrefixCache.tokens(spoken.join(""))) }
}

const argumentsOf = (call: { readonly arguments?: Schema.Json; readonly raw?: string }): string =>
  call.raw ?? JSON.stringify(call.arguments ?? {})

/** The turn as aimock takes it. An empty text would be an item of its own in an answer of the Responses API. */
export const answer = (turn: Turn, usage: Usage.Usage, protocol: Protocol): Answer => ({
  ...(protocol === "responses" && turn.text === undefined && (turn.calls ?? []).length > 0
    ? {}
    : { content: turn.text ?? "" }),
  ...(turn.calls === undefined || turn.calls.length === 0
    ? {}
    : {
        toolCalls: turn.calls.map((call) => ({
          name: call.tool,
          // aimock mends arguments that are no JSON; `patch` breaks them again.
          arguments: call.raw === undefined ? argumentsOf(call) : "{}",
          id: `call_${crypto.randomUUID().replaceAll("-", "")}`
        }))
      }),
  ...(turn.reasoning === undefined ? {} : { reasoning: turn.reasoning }),
  usage: { prompt_tokens: usage.input + usage.cacheRead + usage.cacheWrite, completion_tokens: usage.output }
})

/** Asks aimock. Its answer as server-sent events, or as one text where the client does not stream. */
export const ask = async (request: {
  readonly upstream: string
  readonly path: string
  readonly context: string
  readonly body: Schema.JsonObject
}): Promise<ReadonlyArray<string>> => {
  const response = await fetch(request.upstream + request.path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-aimock-context": request.context },
    body: JSON.stringify(request.body)
  })
  const text = await response.text()
  return text.split("\n\n").filter((event) => event !== "")
}

/** Puts into the events what aimock leaves out: the tokens of the cache, and arguments that are no JSON. */
export const patch = (
  events: ReadonlyArray<string>,
  with_: {
    readonly protocol: Protocol
    readonly body: Schema.JsonObject
    readonly turn: Turn
    readonly usage: Usage.Usage
  }
): ReadonlyArray<string> => {
  const { turn, usage } = with_
  const details = {
    cached_tokens: usage.cacheRead,
    // Models that bill no writes do not tell them.
    ...(usage.cacheWrite > 0 && { cache_write_tokens: usage.cacheWrite })
  }
  const cached = {
    anthropic: {
      input_tokens: usage.input,
      cache_read_input_tokens: usage.cacheRead,
      cache_creation_input_tokens: usage.cacheWrite
    },
    openai: { prompt_tokens_details: details },
    responses: { input_tokens_details: details }
  }[with_.protocol]
  const { body } = with_
  const sent = with_.protocol === "responses" ? ResponsesBody.mended(events, { body, calls: turn.calls ?? [] }) : events
  let call = -1
  return sent.map((event) => {
    if (event.includes('"type":"tool_use"') || /"function":\{"name":/.test(event)) call++
    const raw = turn.calls?.[call]?.raw
    const broken =
      raw === undefined
        ? event
        : event
            .replace('"partial_json":"{}"', () => `"partial_json":${JSON.stringify(raw)}`)
            .replace('"function":{"arguments":"{}"}', () => `"function":{"arguments":${JSON.stringify(raw)}}`)
    return broken.replace(
      /"usage":(\{[^{}]*"(?:input|prompt)_tokens"[^{}]*\})/,
      (_, object: string) => `"usage":${JSON.stringify({ ...JSON.parse(object), ...cached })}`
    )
  })
}

/** How a request is broken while its answer is sent. */
export type Break =
  | { readonly _tag: "Cut"; readonly after: number; readonly how: "reset" | "end" | "inside" }
  | { readonly _tag: "Stall"; readonly after: number }
  | { readonly _tag: "Slow"; readonly delay: number }

/** Sends the events, and breaks as it is told to. */
export const send = async (
  response: Http.ServerResponse,
  events: ReadonlyArray<string>,
  breakage: Break | undefined
): Promise<"answered" | "broken" | "hung-up"> => {
  const isStream = /^(?:event|data):/.test(events[0] ?? "")
  response.writeHead(200, {
    "content-type": isStream ? "text/event-stream" : "application/json",
    "cache-control": "no-cache"
  })
  response.flushHeaders()
  for (const [index, event] of events.entries()) {
    if (breakage?._tag === "Slow") await pause(response, breakage.delay)
    if (response.destroyed) return "hung-up"
    if (breakage?._tag === "Stall" && index >= breakage.after) {
      await closed(response)
      return "hung-up"
    }
    if (breakage?._tag === "Cut" && index >= breakage.after) return cut(response, breakage.how, event)
    await new Promise((resolve) => response.write(isStream ? `${event}\n\n` : event, resolve))
  }
  await new Promise<void>((resolve) => response.end(resolve))
  return "answered"
}

const cut = async (
  response: Http.ServerResponse,
  how: "reset" | "end" | "inside",
  event: string
): Promise<"broken"> => {
  if (how === "reset") response.destroy()
  else
    await new Promise<void>((resolve) =>
      response.end(how === "inside" ? event.slice(0, event.length / 2) : "", resolve)
    )
  return "broken"
}

const closed = (response: Http.ServerResponse): Promise<void> =>
  response.destroyed ? Promise.resolve() : new Promise((resolve) => response.once("close", () => resolve()))

const pause = (response: Http.ServerResponse, delay: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, delay)
    response.once("close", () => {
      clearTimeout(timer)
      resolve()
    })
  })

const kinds: Record<number, readonly [anthropic: string, openai: string, code: string | null]> = {
  400: ["invalid_request_error", "invalid_request_error", null],
  401: ["authentication_error", "invalid_request_error", "invalid_api_key"],
  402: ["billing_error", "insufficient_quota", "insufficient_quota"],
  403: ["permission_error", "invalid_request_error", null],
  404: ["not_found_error", "invalid_request_error", "model_not_found"],
  413: ["request_too_large", "invalid_request_error", null],
  429: ["rate_limit_error", "requests", "rate_limit_exceeded"],
  529: ["overloaded_error", "server_error", null]
}

/** Answers with an error in the words of the protocol. */
export const refuse = (response: Http.ServerResponse, protocol: Protocol, refusal: Refusal): void => {
  const [anthropic, openai, code] = kinds[refusal.status] ?? ["api_error", "server_error", null]
  const message = refusal.message ?? `The twin refuses with ${refusal.status}`
  const isOverflow = message.includes("prompt is too long")
  response.writeHead(refusal.status, {
    "content-type": "application/json",
    ...(refusal.retryAfter === undefined ? {} : { "retry-after": String(refusal.retryAfter) })
  })
  response.end(
    JSON.stringify(
      protocol === "anthropic"
        ? { type: "error", error: { type: anthropic, message } }
        : { error: { message, type: openai, param: null, code: isOverflow ? "context_length_exceeded" : code } }
    )
  )
}
