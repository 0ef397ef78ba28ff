/**
 * A model behind Anthropic's Messages API, on `@anthropic-ai/sdk`.
 *
 * Answers are streamed. The prompt is cached up to the end of its last message: breakpoints stand on the last system
 * block, the last tool and the last message. The SDK never tries again by itself: that is the caller's to decide.
 */
import Anthropic from "@anthropic-ai/sdk"
import * as AnthropicStructuredOutput from "effect/ai/AnthropicStructuredOutput"
import * as LanguageModel from "effect/ai/LanguageModel"
import type * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import * as Tool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type * as Stream from "effect/Stream"
import * as Answer from "../internal/Answer.ts"
import * as ProviderFailure from "../internal/ProviderFailure.ts"
import * as Model from "../Model.ts"

/** Which model, and how to reach it. */
export interface Options {
  readonly apiKey: Redacted.Redacted<string>
  /** The name that Anthropic knows the model by. */
  readonly model: string
  /** Without it the SDK takes `ANTHROPIC_BASE_URL`, and then Anthropic's own address. */
  readonly baseUrl?: string | undefined
  /** The longest answer, in tokens, thinking included. Default 32,000, which models before Claude 4 do not allow. */
  readonly maxTokens?: number | undefined
  /** How the model may think before it answers. Default: the model's own. */
  readonly thinking?: Anthropic.ThinkingConfigParam | undefined
  /** A loopback server answers in the place of Anthropic. */
  readonly rehearsed?: boolean | undefined
}

/** Makes the model. Nothing is called yet; a wrong key or name shows at its `probe`, or at the first call. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const client = new Anthropic({
    apiKey: Redacted.value(options.apiKey),
    baseURL: options.baseUrl,
    maxRetries: 0,
    logLevel: "off"
  })
  const request: ProviderFailure.Request = {
    module: "AnthropicModel",
    method: "POST",
    url: `${client.baseURL}/v1/messages`,
    secret: options.apiKey
  }
  const provider = "anthropic"
  const failed = ProviderFailure.fromThrown(request)
  const streamText = (call: LanguageModel.ProviderOptions): Stream.Stream<Response.StreamPartEncoded, AiError> =>
    Answer.stream({
      open: (signal) => client.messages.create({ ...body(options, call), stream: true }, { signal }),
      reader,
      failed,
      cut: () => ProviderFailure.disconnected(request, "the answer broke off before its end")
    })
  const languageModel = yield* LanguageModel.make({
    streamText,
    generateText: (call) => Answer.collect(streamText(call)),
    codecTransformer: AnthropicStructuredOutput.toCodecAnthropic
  })
  const model: Model.Model = {
    name: options.model,
    provider,
    rehearsed: options.rehearsed ?? false,
    supports: { reasoningReplay: true, cacheWrites: true },
    probe: Model.probe({
      model: options.model,
      provider,
      retrieve: (signal) => client.models.retrieve(options.model, undefined, { signal, timeout: Model.probeTimeout }),
      list: (signal) => client.models.list({ limit: 1000 }, { signal, timeout: Model.probeTimeout }),
      failed: ProviderFailure.fromThrown({
        ...request,
        method: "GET",
        url: `${client.baseURL}/v1/models/${options.model}`
      })
    }),
    languageModel
  }
  return model
})

/** The model for every tier. */
export const layer = (options: Options): Layer.Layer<Model.Models> =>
  Layer.effect(Model.Models, Effect.map(make(options), Model.single))

type AiError = ReturnType<ReturnType<typeof ProviderFailure.fromThrown>>

const cached = { cache_control: { type: "ephemeral" } } as const

const body = (options: Options, call: LanguageModel.ProviderOptions): Anthropic.MessageCreateParams => {
  const system = call.prompt.content.flatMap((message): Array<Anthropic.TextBlockParam> =>
    message.role === "system" && message.content.trim() !== "" ? [{ type: "text", text: message.content }] : []
  )
  const tools = call.tools.map((tool): Anthropic.Tool => ({
    name: tool.name,
    description: Tool.getDescription(tool) ?? "",
    // Parameters of a tool are a struct, whose JSON Schema is an object's.
    input_schema: Tool.getJsonSchema(tool) as Anthropic.Tool["input_schema"]
  }))
  return {
    model: options.model,
    max_tokens: options.maxTokens ?? 32_000,
    messages: messages(call.prompt),
    ...(system.length === 0 ? {} : { system: markLast(system) }),
    ...(tools.length === 0 ? {} : { tools: markLast(tools), tool_choice: toolChoice(call.toolChoice) }),
    ...(options.thinking === undefined ? {} : { thinking: options.thinking }),
    ...(call.responseFormat.type === "text"
      ? {}
      : {
          output_config: {
            format: {
              type: "json_schema",
              schema: { ...AnthropicStructuredOutput.toCodecAnthropic(call.responseFormat.schema).jsonSchema }
            }
          }
        })
  }
}

const markLast = <A extends object>(blocks: ReadonlyArray<A>): Array<A> =>
  blocks.map((block, index) => (index === blocks.length - 1 ? { ...block, ...cached } : block))

const toolChoice = (choice: LanguageModel.ToolChoice<string>): Anthropic.ToolChoice => {
  if (choice === "auto" || choice === "none") return { type: choice }
  if (choice === "required") return { type: "any" }
  if ("tool" in choice) return { type: "tool", name: choice.tool }
  return { type: choice.mode === "required" ? "any" : "auto" }
}

/** Messages of one side that follow each other are one message: results have to stand before any text of the same turn. */
const messages = (prompt: Prompt.Prompt): Array<Anthropic.MessageParam> => {
  const turns: Array<{ role: "user" | "assistant"; content: Array<Anthropic.ContentBlockParam> }> = []
  for (const message of prompt.content) {
    if (message.role === "system") continue
    const role = message.role === "assistant" ? "assistant" : "user"
    const content = message.content.flatMap(block)
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...content)
    else if (content.length > 0) turns.push({ role, content })
  }
  const last = turns.at(-1)?.content
  const mark = last?.findLastIndex(({ type }) => type !== "thinking" && type !== "redacted_thinking") ?? -1
  last?.splice(0, last.length, ...last.map((each, index) => (index === mark ? { ...each, ...cached } : each)))
  return turns
}

const block = (
  part: Prompt.UserMessagePart | Prompt.AssistantMessagePart | Prompt.ToolMessagePart
): Array<Anthropic.ContentBlockParam> => {
  switch (part.type) {
    case "text":
      return part.text.trim() === "" ? [] : [{ type: "text", text: part.text }]
    case "reasoning":
      return thinking(part)
    case "file":
      return [file(part)]
    case "tool-call":
      return [{ type: "tool_use", id: part.id, name: part.name, input: Answer.replayed(part.params) }]
    case "tool-result":
      return [
        {
          type: "tool_result",
          tool_use_id: part.id,
          is_error: part.isFailure,
          content:
            part.modelOutput === undefined
              ? Answer.resultText(part.result)
              : part.modelOutput.map((output) =>
                  output.type === "file" ? file(output) : { type: "text", text: Answer.resultText(output.text) }
                )
        }
      ]
    default:
      return []
  }
}

/** Only reasoning that Anthropic signed goes back: it refuses any other. */
const thinking = (part: Prompt.ReasoningPart): Array<Anthropic.ContentBlockParam> => {
  const info = Predicate.hasProperty(part.options.anthropic, "info") ? part.options.anthropic.info : undefined
  if (Predicate.hasProperty(info, "signature") && Predicate.isString(info.signature)) {
    return [{ type: "thinking", thinking: part.text, signature: info.signature }]
  }
  if (Predicate.hasProperty(info, "redactedData") && Predicate.isString(info.redactedData)) {
    return [{ type: "redacted_thinking", data: info.redactedData }]
  }
  return []
}

const imageTypes = ["image/jpeg", "image/png", "image/gif", "image/webp"] as const

const file = (
  part: Prompt.FilePart
): Anthropic.ImageBlockParam | Anthropic.DocumentBlockParam | Anthropic.TextBlockParam => {
  const { data, mediaType } = part
  const base64 = data instanceof URL ? "" : Predicate.isString(data) ? data : Base64.encode(data)
  const image = imageTypes.find((type) => type === mediaType)
  if (image !== undefined || (mediaType === "image/*" && data instanceof URL)) {
    return data instanceof URL || image === undefined
      ? { type: "image", source: { type: "url", url: String(data) } }
      : { type: "image", source: { type: "base64", media_type: image, data: base64 } }
  }
  if (mediaType !== "application/pdf") return { type: "text", text: Answer.fileNote(part) }
  return data instanceof URL
    ? { type: "document", source: { type: "url", url: data.href } }
    : { type: "document", source: { type: "base64", media_type: mediaType, data: base64 } }
}

const finishReasons: Record<string, Response.FinishReason> = {
  end_turn: "stop",
  stop_sequence: "stop",
  tool_use: "tool-calls",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  refusal: "content-filter",
  pause_turn: "pause"
}

type Open =
  | { readonly type: "text"; readonly id: string }
  | { readonly type: "reasoning"; readonly id: string; info?: Record<string, string> }
  | { readonly type: "tool"; readonly id: string; readonly name: string; json: string }

const reader = (): Answer.Reader<Anthropic.RawMessageStreamEvent> => {
  const blocks = new Map<number, Open>()
  let tokens: Anthropic.MessageDeltaUsage | Anthropic.Usage | undefined
  let stopReason: string | null = null
  let isOver = false
  return {
    read: (event) => {
      switch (event.type) {
        case "message_start":
          tokens = event.message.usage
          return [{ type: "response-metadata", id: event.message.id, modelId: event.message.model }]
        case "content_block_start":
          return start(blocks, event)
        case "content_block_delta": {
          const open = blocks.get(event.index)
          return open === undefined ? [] : delta(open, event.delta)
        }
        case "content_block_stop": {
          const open = blocks.get(event.index)
          blocks.delete(event.index)
          return open === undefined ? [] : stop(open)
        }
        case "message_delta":
          stopReason = event.delta.stop_reason ?? stopReason
          tokens = {
            ...event.usage,
            input_tokens: event.usage.input_tokens ?? tokens?.input_tokens ?? 0,
            cache_read_input_tokens: event.usage.cache_read_input_tokens ?? tokens?.cache_read_input_tokens ?? 0,
            cache_creation_input_tokens:
              event.usage.cache_creation_input_tokens ?? tokens?.cache_creation_input_tokens ?? 0
          }
          return []
        case "message_stop":
          isOver = true
          return []
        default:
          return []
      }
    },
    end: () =>
      isOver
        ? [
            {
              type: "finish",
              reason: finishReasons[stopReason ?? ""] ?? "unknown",
              usage: usage(tokens),
              response: undefined
            }
          ]
        : undefined
  }
}

const start = (
  blocks: Map<number, Open>,
  { content_block: opened, index }: Anthropic.RawContentBlockStartEvent
): ReadonlyArray<Response.StreamPartEncoded> => {
  const id = String(index)
  switch (opened.type) {
    case "text":
      blocks.set(index, { type: "text", id })
      return [
        { type: "text-start", id },
        ...(opened.text === "" ? [] : [{ type: "text-delta" as const, id, delta: opened.text }])
      ]
    case "thinking":
      blocks.set(index, { type: "reasoning", id })
      return [{ type: "reasoning-start", id }]
    case "redacted_thinking":
      blocks.set(index, { type: "reasoning", id, info: { type: "redacted_thinking", redactedData: opened.data } })
      return [{ type: "reasoning-start", id }]
    case "tool_use":
      blocks.set(index, { type: "tool", id: opened.id, name: opened.name, json: "" })
      return [{ type: "tool-params-start", id: opened.id, name: opened.name }]
    default:
      return []
  }
}

const delta = (open: Open, change: Anthropic.RawContentBlockDelta): ReadonlyArray<Response.StreamPartEncoded> => {
  switch (change.type) {
    case "text_delta":
      return [{ type: "text-delta", id: open.id, delta: change.text }]
    case "thinking_delta":
      return [{ type: "reasoning-delta", id: open.id, delta: change.thinking }]
    case "signature_delta":
      if (open.type === "reasoning") open.info = { type: "thinking", signature: change.signature }
      return []
    case "input_json_delta":
      if (open.type !== "tool") return []
      open.json += change.partial_json
      return [{ type: "tool-params-delta", id: open.id, delta: change.partial_json }]
    default:
      return []
  }
}

const stop = (open: Open): ReadonlyArray<Response.StreamPartEncoded> => {
  if (open.type === "text") return [{ type: "text-end", id: open.id }]
  if (open.type === "reasoning") {
    return [
      {
        type: "reasoning-end",
        id: open.id,
        ...(open.info === undefined ? {} : { metadata: { anthropic: { info: open.info } } })
      }
    ]
  }
  return [
    { type: "tool-params-end", id: open.id },
    { type: "tool-call", id: open.id, name: open.name, params: Answer.parameters(open.json) }
  ]
}

const usage = (
  tokens: Anthropic.MessageDeltaUsage | Anthropic.Usage | undefined
): Response.FinishPartEncoded["usage"] => {
  const uncached = tokens?.input_tokens ?? 0
  const cacheRead = tokens?.cache_read_input_tokens ?? 0
  const cacheWrite = tokens?.cache_creation_input_tokens ?? 0
  const total = tokens?.output_tokens ?? 0
  const reasoning = tokens?.output_tokens_details?.thinking_tokens
  return {
    inputTokens: { uncached, cacheRead, cacheWrite, total: uncached + cacheRead + cacheWrite },
    outputTokens: reasoning === undefined ? { total } : { total, reasoning, text: total - reasoning }
  }
}
