/**
 * A model behind Anthropic's Messages API, on `@anthropic-ai/sdk`.
 *
 * Answers are streamed. The prompt is cached up to the end of its last message: marks stand on the last tool in the
 * prompt, the last system block, the last message, and the one before the last answer. A request ends with a mark, and
 * the next one has a mark at that very place, so it reads all of it, whether one block joined or a thousand. A request
 * that got no answer leaves no trace in the prompt: what is said behind it in more than 20 blocks can not be helped.
 * The SDK never tries again by itself: that is the caller's to decide.
 *
 * Everything between two answers is one turn, which the API wants in one order: results of tools, what else the user
 * said, and behind it what the system says. Nothing that follows the first message ever joins the system prompt, since
 * that would rewrite the beginning of what is cached.
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
import * as CacheMark from "../internal/CacheMark.ts"
import * as ForeignAnswers from "../internal/ForeignAnswers.ts"
import * as OpenBlock from "../internal/OpenBlock.ts"
import * as PromptTurns from "../internal/PromptTurns.ts"
import * as PlainAnswer from "../internal/PlainAnswer.ts"
import * as ProviderFailure from "../internal/ProviderFailure.ts"
import * as ProviderFetch from "../internal/ProviderFetch.ts"
import * as WireText from "../internal/WireText.ts"
import * as Model from "../Model.ts"
import * as ToolLoading from "../ToolLoading.ts"

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
  /**
   * Whether the model takes system messages in the middle of a conversation, and with them tools that are loaded
   * `inline`. Without it they are sent as text of the user. Default: by the model's name, no for models before Claude
   * Opus 4.8 and for Claude Sonnet 5, yes for all others.
   */
  readonly systemMessages?: boolean | undefined
  /** The model's context, in tokens. Without it a conversation is only shortened when the provider refuses it. */
  readonly contextWindow?: number | undefined
  /** A loopback server answers in the place of Anthropic. */
  readonly rehearsed?: boolean | undefined
  /** Who pays. Default: the key, call by call. */
  readonly paidBy?: Model.Model["paidBy"]
}

/** Makes the model. Nothing is called yet; a wrong key or name shows at its `probe`, or at the first call. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const client = new Anthropic({
    apiKey: Redacted.value(options.apiKey),
    baseURL: options.baseUrl,
    maxRetries: 0,
    logLevel: "off",
    fetch: ProviderFetch.fetch
  })
  const request: ProviderFailure.Request = {
    module: "AnthropicModel",
    method: "POST",
    url: `${client.baseURL}/v1/messages`,
    secret: options.apiKey
  }
  const known = `${client.baseURL}/v1/models/${options.model}`
  const provider = "anthropic"
  const failed = ProviderFailure.fromThrown(request)
  const transcript = WireText.transcripts()
  const streamText = (call: PlainAnswer.Call): Stream.Stream<Response.StreamPartEncoded, AiError> =>
    Answer.stream({
      open: (signal) => send(client, body(options, call, transcript), signal),
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
    ...(options.paidBy && { paidBy: options.paidBy }),
    ...(options.contextWindow !== undefined && { contextWindow: options.contextWindow }),
    supports: {
      reasoningReplay: true,
      cacheWrites: true,
      toolLoading: takesSystemMessages(options) ? ["native", "inline"] : ["native"]
    },
    probe: Model.probe({
      model: options.model,
      provider,
      retrieve: (signal) => client.models.retrieve(options.model, undefined, { signal, timeout: Model.probeTimeout }),
      list: (signal) => client.models.list({ limit: 1000 }, { signal, timeout: Model.probeTimeout }),
      failed: ProviderFailure.fromThrown({ ...request, method: "GET", url: known })
    }),
    languageModel,
    answer: PlainAnswer.of(streamText)
  }
  return model
})

/** The model for every tier. */
export const layer = (options: Options): Layer.Layer<Model.Models> =>
  Layer.effect(Model.Models, Effect.map(make(options), Model.single))

type AiError = ReturnType<ReturnType<typeof ProviderFailure.fromThrown>>

const takesSystemMessages = ({ model, systemMessages }: Options): boolean =>
  systemMessages ??
  !/claude-(?:[1-3]|instant|opus-4(?![-.]8)|(?:sonnet|haiku)-4|sonnet-5(?![-.]5)|mythos-preview)/.test(model)

/** Tools that join or leave in the middle are a beta of the API, and all else that we send is not. */
type Change = Anthropic.Beta.BetaRequestToolAdditionBlock | Anthropic.Beta.BetaRequestToolRemovalBlock
type Note = { readonly role: "system"; content: Array<Anthropic.TextBlockParam | Change> }
type Turn = { readonly role: "user" | "assistant"; content: Array<Anthropic.ContentBlockParam> }

const betas: Array<Anthropic.Beta.AnthropicBeta> = [
  "mid-conversation-tool-changes-2026-07-01",
  "inline-tools-2026-09-15"
]

const send = (client: Anthropic, { isPlain, messages, params }: ReturnType<typeof body>, signal: AbortSignal) => {
  const streamed = { ...params, stream: true } as const
  // What is sent is the body in the second place.
  const sent = { signal, ...WireText.body(streamed, messages) }
  return isPlain
    ? client.messages.create({ ...streamed, messages: [] }, sent)
    : client.beta.messages.create({ ...streamed, messages: [], betas }, sent)
}

const body = (options: Options, call: PlainAnswer.Call, transcript: WireText.Transcript) => {
  // No tool is left to load one with where all are deferred, and the API refuses that.
  const isDeferred = call.tools.every(ToolLoading.isDeferred) ? () => false : ToolLoading.isDeferred
  const lastInPrompt = call.tools.findLastIndex((tool) => !isDeferred(tool))
  const tools = call.tools.map((tool, index): Anthropic.Tool => ({
    ...definition({
      name: tool.name,
      description: Tool.getDescription(tool) ?? "",
      schema: WireText.parametersOf(tool)
    }),
    ...(isDeferred(tool) ? { defer_loading: true } : index === lastInPrompt ? CacheMark.cached : {})
  }))
  const { content } = call.prompt
  const names = call.tools.map(({ name }) => name)
  const deferred = new Set(call.tools.filter(isDeferred).map(({ name }) => name))
  const write = (message: Prompt.Message) => {
    if (message.role !== "system") return message.content.flatMap((part) => block(part, deferred))
    return takesSystemMessages(options) ? undefined : texts(message)
  }
  const said = (stretch: ReadonlyArray<Prompt.Message>, from: number, isEnd: boolean) => {
    const known = new Set(names)
    changesIn(content.slice(0, from), known)
    const written = messages(PromptTurns.of(stretch, write, silence), known)
    return isEnd ? CacheMark.ends(written) : written
  }
  const system = PromptTurns.leading(content).flatMap(texts)
  const schema =
    call.responseFormat.type === "text"
      ? undefined
      : AnthropicStructuredOutput.toCodecAnthropic(call.responseFormat.schema).jsonSchema
  const params = {
    model: options.model,
    max_tokens: options.maxTokens ?? 32_000,
    ...(system.length === 0 ? {} : { system: CacheMark.last(system) }),
    ...(tools.length === 0 ? {} : { tools, tool_choice: toolChoice(call.toolChoice) }),
    ...ForeignAnswers.thinking(options.thinking, () =>
      PromptTurns.of(content.slice(PromptTurns.settled(content, write)), write)
    ),
    ...(schema === undefined
      ? {}
      : { output_config: { format: { type: "json_schema" as const, schema: { ...schema } } } })
  }
  return {
    params,
    messages: transcript({
      messages: content,
      // The turn before the last one has a mark that moves on with the next.
      settled: PromptTurns.settled(content.slice(0, PromptTurns.settled(content, write)), write),
      key: JSON.stringify([names, [...deferred]]),
      write: said
    }),
    isPlain: !takesSystemMessages(options) || changesIn(content, new Set(names)) === 0
  }
}

const definition = (tool: {
  readonly name: string
  readonly description: string
  readonly schema: object
}): Anthropic.Tool => ({
  name: tool.name,
  description: tool.description,
  // Parameters of a tool are a struct, whose JSON Schema is an object's.
  input_schema: tool.schema as Anthropic.Tool["input_schema"]
})

const toolChoice = (choice: LanguageModel.ToolChoice<string>): Anthropic.ToolChoice => {
  if (choice === "auto" || choice === "none") return { type: choice }
  if (choice === "required") return { type: "any" }
  if ("tool" in choice) return { type: "tool", name: choice.tool }
  return { type: choice.mode === "required" ? "any" : "auto" }
}

/** The API takes no answer without a word. */
const silence: Anthropic.ContentBlockParam = { type: "text", text: "(Nothing was said.)" }

const texts = (message: Prompt.SystemMessage): Array<Anthropic.TextBlockParam> =>
  message.content.trim() === "" ? [] : [{ type: "text", text: message.content }]

const messages = (
  turns: ReadonlyArray<PromptTurns.Turn<Anthropic.ContentBlockParam>>,
  known: Set<string>
): Array<Turn | Note> =>
  turns.flatMap(({ content, notes, role }): Array<Turn | Note> => {
    const isResult = ({ type }: Anthropic.ContentBlockParam) => role === "user" && type === "tool_result"
    const isSilent = content.length === 0
    const behind = notes
      .map((note): Note => ({ role: "system", content: [...changes(note, known), ...(isSilent ? [] : texts(note))] }))
      .filter(({ content }) => content.length > 0)
    // A system message has to follow the user's. Where there is none, its text is one.
    const spoken = isSilent ? notes.flatMap(texts) : content
    if (spoken.length === 0 && behind.length > 0) spoken.push({ type: "text", text: "(The tools changed.)" })
    const ordered = [...spoken.filter(isResult), ...spoken.filter((each) => !isResult(each))]
    return [...(ordered.length === 0 ? [] : [{ role, content: ordered }]), ...behind]
  })

/** How many changes of tools are told. Takes into `known` what they add. */
const changesIn = (messages: ReadonlyArray<Prompt.Message>, known: Set<string>): number =>
  messages.reduce((sum, message) => sum + (message.role === "system" ? changes(message, known).length : 0), 0)

/** The API refuses to take away what is not there. */
const changes = (note: Prompt.SystemMessage, known: Set<string>): Array<Change> => {
  const { toolAdditions, toolRemovals } = ToolLoading.changesOf(note.options)
  for (const { name } of toolAdditions) known.add(name)
  return [
    ...toolAdditions.map((tool): Change => ({
      type: "tool_addition",
      tool: { type: "tool_definition", definition: definition(tool) }
    })),
    ...toolRemovals.flatMap((name): Array<Change> =>
      known.has(name) ? [{ type: "tool_removal", tool: { type: "tool_reference", name } }] : []
    )
  ]
}

const block = (
  part: Prompt.UserMessagePart | Prompt.AssistantMessagePart | Prompt.ToolMessagePart,
  deferred: ReadonlySet<string>
): Array<Anthropic.ContentBlockParam> => {
  switch (part.type) {
    case "text":
      return part.text.trim() === "" ? [] : [{ type: "text", text: part.text }]
    case "reasoning":
      return thinking(part)
    case "file":
      return [file(part)]
    case "tool-call":
      return [
        {
          type: "tool_use",
          id: ForeignAnswers.callId(part.id),
          name: Answer.replayedName(part.name),
          input: Answer.replayed(part.params)
        }
      ]
    case "tool-result":
      return result(part, deferred)
    default:
      return []
  }
}

/**
 * A result that refers to tools can hold nothing else, and a failed one nothing but text: the API refuses both, whatever
 * its types say. So the text of the one and the files of the other stand behind the results of their turn.
 */
const result = (part: Prompt.ToolResultPart, deferred: ReadonlySet<string>): Array<Anthropic.ContentBlockParam> => {
  const names = part.isFailure ? [] : ToolLoading.referencesOf(part.options).filter((name) => deferred.has(name))
  const content = part.modelOutput?.map((output) =>
    output.type === "file" ? file(output) : { type: "text" as const, text: Answer.resultText(output.text) }
  )
  const text = Answer.resultText(part.result)
  const id = ForeignAnswers.callId(part.id)
  const answer = { type: "tool_result", tool_use_id: id, ...(part.isFailure && { is_error: true }) } as const
  if (part.isFailure && content !== undefined) {
    const said = content.filter((each) => each.type === "text")
    const rest = content.filter((each) => each.type !== "text")
    return [{ ...answer, content: said.length === 0 ? text : said }, ...rest]
  }
  if (names.length === 0) return [{ ...answer, content: content ?? text }]
  return [
    { ...answer, content: names.map((name) => ({ type: "tool_reference", tool_name: name })) },
    { type: "text", text: `The result of ${part.name} (call ${part.id}):` },
    ...(content ?? [{ type: "text" as const, text }])
  ]
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

type Event = Anthropic.RawMessageStreamEvent | Anthropic.Beta.BetaRawMessageStreamEvent

const reader = (): Answer.Reader<Event> => {
  const blocks = new Map<number, OpenBlock.Open>()
  let tokens: Tokens = {}
  let stopReason: string | null = null
  let isOver = false
  return {
    read: (event) => {
      switch (event.type) {
        case "message_start": {
          const { id, model, usage: said } = event.message
          tokens = told(said)
          const names = { id: Answer.textOf(id), modelId: Answer.textOf(model) }
          return [{ type: "response-metadata", ...names, metadata: Model.early(usage(tokens)) }]
        }
        case "content_block_start":
          return start(blocks, event)
        case "content_block_delta": {
          const open = blocks.get(event.index)
          return open === undefined ? [] : delta(open, event.delta)
        }
        case "content_block_stop": {
          const open = blocks.get(event.index)
          blocks.delete(event.index)
          return open === undefined ? [] : OpenBlock.close(open, "anthropic")
        }
        case "message_delta": {
          stopReason = event.delta.stop_reason ?? stopReason
          tokens = { ...tokens, ...told(event.usage) }
          return []
        }
        case "message_stop":
          isOver = true
          return []
        default:
          return []
      }
    },
    isOver: () => isOver,
    end: () => {
      const reason = finishReasons[stopReason ?? ""] ?? "unknown"
      return isOver ? [{ type: "finish", reason, usage: usage(tokens), response: undefined }] : undefined
    }
  }
}

const start = (
  blocks: Map<number, OpenBlock.Open>,
  { content_block: opened, index }: Extract<Event, { readonly type: "content_block_start" }>
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

type Delta = Extract<Event, { readonly type: "content_block_delta" }>["delta"]

const delta = (open: OpenBlock.Open, change: Delta): ReadonlyArray<Response.StreamPartEncoded> => {
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

/** What is said of the tokens. Servers that only speak the protocol leave some of it out, or all, whatever its types say. */
type Tokens = Partial<Anthropic.MessageDeltaUsage>

const told = (usage: Tokens | undefined): Tokens =>
  Object.fromEntries(Object.entries(usage ?? {}).filter(([, value]) => value !== null))

const usage = (tokens: Tokens): Response.FinishPartEncoded["usage"] => {
  const uncached = Answer.count(tokens.input_tokens)
  const cacheRead = Answer.count(tokens.cache_read_input_tokens)
  const cacheWrite = Answer.count(tokens.cache_creation_input_tokens)
  const total = Answer.count(tokens.output_tokens)
  const thought = tokens.output_tokens_details?.thinking_tokens
  const reasoning = thought === undefined ? undefined : Math.min(total, Answer.count(thought))
  return {
    inputTokens: { uncached, cacheRead, cacheWrite, total: uncached + cacheRead + cacheWrite },
    outputTokens: reasoning === undefined ? { total } : { total, reasoning, text: total - reasoning }
  }
}
