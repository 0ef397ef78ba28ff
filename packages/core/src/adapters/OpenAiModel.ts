/**
 * A model behind OpenAI's Chat Completions protocol, on the `openai` SDK: OpenAI itself, and everything that speaks it
 * (OpenRouter, Ollama, vLLM, llama.cpp).
 *
 * Answers are streamed. The SDK never tries again by itself: that is the caller's to decide. Reasoning is read, but the
 * protocol has no place to send it back in.
 *
 * The prompt is cached without our doing. OpenAI's models from GPT-5.6 on write it at marks alone: they mark the last message
 * themselves, and we mark the system prompt, so that another conversation with the same one reads it and the tools.
 */
import * as LanguageModel from "effect/ai/LanguageModel"
import * as OpenAiStructuredOutput from "effect/ai/OpenAiStructuredOutput"
import type * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import * as Tool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type * as Stream from "effect/Stream"
import OpenAI from "openai"
import * as Answer from "../internal/Answer.ts"
import * as CacheMark from "../internal/CacheMark.ts"
import * as PlainAnswer from "../internal/PlainAnswer.ts"
import * as PromptTurns from "../internal/PromptTurns.ts"
import * as ProviderFailure from "../internal/ProviderFailure.ts"
import * as ProviderFetch from "../internal/ProviderFetch.ts"
import * as WireText from "../internal/WireText.ts"
import * as Model from "../Model.ts"

/** Which model, and how to reach it. */
export interface Options {
  /** A server without keys takes any text. */
  readonly apiKey: Redacted.Redacted<string>
  /** The name that the provider knows the model by. */
  readonly model: string
  /** Without it the SDK takes `OPENAI_BASE_URL`, and then OpenAI's own address. */
  readonly baseUrl?: string | undefined
  /** Who answers there, as price tables spell it. Default `openai`. */
  readonly provider?: string | undefined
  /** The longest answer, in tokens, reasoning included. Default: the provider's own. */
  readonly maxTokens?: number | undefined
  /** The model's context, in tokens. Without it a conversation is only shortened when the provider refuses it. */
  readonly contextWindow?: number | undefined
  /**
   * Whether the model takes marks of the prompt cache, and tells what it writes to it. Default: by the name of a model at
   * OpenAI, those from GPT-5.6 on.
   */
  readonly cacheMarks?: boolean | undefined
  /** A loopback server answers in the place of the provider. */
  readonly rehearsed?: boolean | undefined
  /** Who pays. Default: the key, call by call. */
  readonly paidBy?: Model.Model["paidBy"]
}

/** Makes the model. Nothing is called yet; a wrong key or name shows at its `probe`, or at the first call. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const client = new OpenAI({
    apiKey: Redacted.value(options.apiKey),
    ...(options.baseUrl === undefined ? {} : { baseURL: options.baseUrl }),
    maxRetries: 0,
    logLevel: "off",
    fetch: ProviderFetch.fetch
  })
  const request: ProviderFailure.Request = {
    module: "OpenAiModel",
    method: "POST",
    url: `${client.baseURL}/chat/completions`,
    secret: options.apiKey
  }
  const provider = options.provider ?? "openai"
  const failed = ProviderFailure.fromThrown(request)
  const isMarking = options.cacheMarks ?? (provider === "openai" && CacheMark.isTakenBy(options.model))
  const write = isMarking ? marked : plain
  const transcript = WireText.transcripts()
  const streamText = (call: PlainAnswer.Call): Stream.Stream<Response.StreamPartEncoded, AiError> =>
    Answer.stream({
      open: (signal) => {
        const params = body(options, call)
        const { content } = call.prompt
        const said = transcript({ messages: content, settled: content.length, key: "", write })
        // What is sent is the body in the second place.
        return client.chat.completions.create({ ...params, messages: [] }, { signal, ...WireText.body(params, said) })
      },
      reader,
      failed,
      cut: () => ProviderFailure.disconnected(request, "the answer broke off before its end")
    })
  const languageModel = yield* LanguageModel.make({
    streamText,
    generateText: (call) => Answer.collect(streamText(call)),
    codecTransformer: OpenAiStructuredOutput.toCodecOpenAI
  })
  const model: Model.Model = {
    name: options.model,
    provider,
    rehearsed: options.rehearsed ?? false,
    ...(options.paidBy && { paidBy: options.paidBy }),
    ...(options.contextWindow !== undefined && { contextWindow: options.contextWindow }),
    supports: { reasoningReplay: false, cacheWrites: isMarking, toolLoading: [] },
    probe: Model.probe({
      model: options.model,
      provider,
      retrieve: (signal) => client.models.retrieve(options.model, { signal, timeout: Model.probeTimeout }),
      list: (signal) => client.models.list({ signal, timeout: Model.probeTimeout }),
      failed: ProviderFailure.fromThrown({
        ...request,
        method: "GET",
        url: `${client.baseURL}/models/${options.model}`
      })
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
type Chat = OpenAI.ChatCompletionMessageParam

/** All of a request but its messages. */
const body = (
  options: Options,
  call: PlainAnswer.Call
): Omit<OpenAI.ChatCompletionCreateParamsStreaming, "messages"> => {
  const tools = call.tools.map((tool): OpenAI.ChatCompletionTool => ({
    type: "function",
    function: {
      name: tool.name,
      description: Tool.getDescription(tool) ?? "",
      parameters: { ...WireText.parametersOf(tool) }
    }
  }))
  // OpenAI's newer models refuse `max_tokens`; the servers that only speak its protocol know nothing else.
  const limit = (options.provider ?? "openai") === "openai" ? "max_completion_tokens" : "max_tokens"
  return {
    model: options.model,
    stream: true,
    stream_options: { include_usage: true },
    ...(options.maxTokens === undefined ? {} : { [limit]: options.maxTokens }),
    ...(tools.length === 0 ? {} : { tools, tool_choice: toolChoice(call.toolChoice) }),
    ...(call.responseFormat.type === "text"
      ? {}
      : {
          response_format: {
            type: "json_schema",
            json_schema: {
              name: call.responseFormat.objectName,
              strict: true,
              schema: { ...OpenAiStructuredOutput.toCodecOpenAI(call.responseFormat.schema).jsonSchema }
            }
          }
        })
  }
}

const toolChoice = (choice: LanguageModel.ToolChoice<string>): OpenAI.ChatCompletionToolChoiceOption => {
  if (Predicate.isString(choice)) return choice
  if ("tool" in choice) return { type: "function", function: { name: choice.tool } }
  return choice.mode ?? "auto"
}

const messages = (message: Prompt.Message): Array<Chat> => {
  switch (message.role) {
    case "system":
      return message.content.trim() === "" ? [] : [{ role: "system", content: message.content }]
    case "user": {
      const content = message.content.map((part): OpenAI.ChatCompletionContentPart =>
        part.type === "text" ? { type: "text", text: part.text } : file(part)
      )
      const texts = content.flatMap((part) => (part.type === "text" ? [part.text] : []))
      return [{ role: "user", content: texts.length === content.length ? texts.join("\n") : content }]
    }
    case "assistant":
      return assistant(message)
    case "tool":
      return message.content.flatMap((part): Array<Chat> =>
        part.type === "tool-result" ? [{ role: "tool", tool_call_id: part.id, content: toolText(part) }] : []
      )
  }
}

const plain = (stretch: ReadonlyArray<Prompt.Message>): Array<Chat> => stretch.flatMap(messages)

/** With a mark at the end of the system prompt. */
const marked = (stretch: ReadonlyArray<Prompt.Message>, from: number): Array<Chat> => {
  const leading = from === 0 ? PromptTurns.leading(stretch) : []
  const system = leading.flatMap(messages)
  const last = leading.findLast(({ content }) => content.trim() !== "")
  if (last === undefined) return plain(stretch)
  return [
    ...system.slice(0, -1),
    { role: "system", content: [{ type: "text", text: last.content, ...CacheMark.breakpoint }] },
    ...plain(stretch.slice(leading.length))
  ]
}

const assistant = (message: Prompt.AssistantMessage): Array<Chat> => {
  const text = message.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("")
  const calls = message.content.flatMap((part): Array<OpenAI.ChatCompletionMessageFunctionToolCall> =>
    part.type === "tool-call"
      ? [
          {
            id: part.id,
            type: "function",
            function: { name: Answer.replayedName(part.name), arguments: JSON.stringify(Answer.replayed(part.params)) }
          }
        ]
      : []
  )
  if (text === "" && calls.length === 0) return []
  return [
    { role: "assistant", content: text === "" ? null : text, ...(calls.length === 0 ? {} : { tool_calls: calls }) }
  ]
}

/** The protocol has no flag for a failure, so the text says it. */
const toolText = (part: Prompt.ToolResultPart): string => {
  const text =
    part.modelOutput === undefined
      ? Answer.resultText(part.result)
      : part.modelOutput.map((output) => (output.type === "text" ? output.text : Answer.fileNote(output))).join("\n")
  return part.isFailure ? `Error: ${text}` : text
}

const file = (part: Prompt.FilePart): OpenAI.ChatCompletionContentPart => {
  if (!part.mediaType.startsWith("image/")) return { type: "text", text: Answer.fileNote(part) }
  const base64 = Predicate.isString(part.data) ? part.data : part.data instanceof URL ? "" : Base64.encode(part.data)
  const url = part.data instanceof URL ? part.data.href : `data:${part.mediaType};base64,${base64}`
  return { type: "image_url", image_url: { url } }
}

const finishReasons: Record<string, Response.FinishReason> = {
  stop: "stop",
  length: "length",
  tool_calls: "tool-calls",
  function_call: "tool-calls",
  content_filter: "content-filter"
}

type Part = Response.StreamPartEncoded

interface Call {
  readonly id: string
  readonly name: string
  json: string
}

const reader = (): Answer.Reader<OpenAI.ChatCompletionChunk> => {
  const calls = new Map<number, Call>()
  let prose: { readonly type: "text" | "reasoning"; readonly id: string } | undefined
  let count = 0
  let hasStarted = false
  let finish: string | undefined
  let tokens: OpenAI.CompletionUsage | undefined

  const close = (): Array<Part> => {
    const open = prose
    prose = undefined
    return open === undefined ? [] : [{ type: `${open.type}-end`, id: open.id }]
  }
  const write = (type: "text" | "reasoning", delta: string): Array<Part> => {
    if (delta === "") return []
    if (prose?.type === type) return [{ type: `${type}-delta`, id: prose.id, delta }]
    const parts = close()
    const id = String(count++)
    prose = { type, id }
    return [...parts, { type: `${type}-start`, id }, { type: `${type}-delta`, id, delta }]
  }
  const call = (
    chunk: OpenAI.ChatCompletionChunk,
    change: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall
  ): Array<Part> => {
    const parts: Array<Part> = []
    // Some servers leave the index, the id, or both out when they send a call in one piece.
    const index = Predicate.isNumber(change.index) ? change.index : calls.size
    let open = calls.get(index)
    if (open === undefined) {
      open = { id: change.id ?? `${chunk.id}-${index}`, name: change.function?.name ?? "", json: "" }
      calls.set(index, open)
      parts.push(...close(), { type: "tool-params-start", id: open.id, name: open.name })
    }
    const delta = change.function?.arguments ?? ""
    open.json += delta
    return delta === "" ? parts : [...parts, { type: "tool-params-delta", id: open.id, delta }]
  }

  return {
    read: (chunk) => {
      const parts: Array<Part> = hasStarted
        ? []
        : [{ type: "response-metadata", id: Answer.textOf(chunk.id), modelId: Answer.textOf(chunk.model) }]
      hasStarted = true
      tokens = chunk.usage ?? tokens
      const choice = chunk.choices?.[0]
      if (choice === undefined) return parts
      parts.push(...write("reasoning", reasoning(choice.delta)))
      parts.push(...write("text", `${choice.delta.content ?? ""}${choice.delta.refusal ?? ""}`))
      for (const change of choice.delta.tool_calls ?? []) parts.push(...call(chunk, change))
      finish = choice.finish_reason ?? finish
      return parts
    },
    // Some servers say in each event what was used so far, and some never.
    isOver: () => finish !== undefined && tokens !== undefined,
    end: () => {
      if (finish === undefined) return undefined
      const made = [...calls.values()]
      // Some servers finish with `stop` although the model calls a tool.
      const reason = finish === "stop" && made.length > 0 ? "tool-calls" : (finishReasons[finish] ?? "other")
      return [
        ...close(),
        ...made.flatMap(({ id, json, name }): Array<Part> => [
          { type: "tool-params-end", id },
          { type: "tool-call", id, name, params: Answer.parameters(json) }
        ]),
        { type: "finish", reason, usage: usage(tokens), response: undefined }
      ]
    }
  }
}

/** Not part of OpenAI's protocol: `reasoning_content` of DeepSeek and vLLM, `reasoning` of OpenRouter. */
const reasoning = (delta: object): string => {
  for (const key of ["reasoning_content", "reasoning"]) {
    if (Predicate.hasProperty(delta, key) && Predicate.isString(delta[key])) return delta[key]
  }
  return ""
}

const usage = (tokens: OpenAI.CompletionUsage | undefined): Response.FinishPartEncoded["usage"] => {
  const total = Answer.count(tokens?.prompt_tokens)
  const cacheRead = Answer.count(tokens?.prompt_tokens_details?.cached_tokens)
  const cacheWrite = Answer.count(tokens?.prompt_tokens_details?.cache_write_tokens)
  const output = Answer.count(tokens?.completion_tokens)
  const thought = Answer.count(tokens?.completion_tokens_details?.reasoning_tokens)
  return {
    inputTokens: { total, cacheRead, cacheWrite, uncached: Math.max(0, total - cacheRead - cacheWrite) },
    outputTokens: { total: output, reasoning: thought, text: Math.max(0, output - thought) }
  }
}
