/**
 * What the model on loopback answers with: bytes that are made before anything is measured, in both protocols. Turn by turn
 * one call of a tool, and then the end: a text, or the call of the tool that ends the loop.
 */

/** Which answers. */
export interface Script {
  readonly api: "anthropic" | "openai"
  /** `generate` asks for an answer in one piece, all others for a stream. */
  readonly mode: string
  readonly turns: number
  readonly tool: string
  /** The call that ends a loop which does not end with a text. */
  readonly ending?: { readonly tool: string; readonly arguments: unknown }
}

/** An answer, ready to be sent. */
export interface Answer {
  readonly type: string
  readonly bytes: Buffer
}

interface Said {
  readonly id: string
  readonly call?: { readonly tool: string; readonly json: string }
}

const text = "There are no more notes."

/** The answer to each request, in order. */
export const all = (script: Script): ReadonlyArray<Answer> =>
  Array.from({ length: script.turns + 1 }, (_, at) => {
    const id = String(at + 1).padStart(6, "0")
    if (at < script.turns) {
      return answer(script, { id, call: { tool: script.tool, json: JSON.stringify({ number: at + 1 }) } })
    }
    const { ending } = script
    if (ending === undefined) return answer(script, { id })
    return answer(script, { id, call: { tool: ending.tool, json: JSON.stringify(ending.arguments) } })
  })

const answer = (script: Script, said: Said): Answer => {
  const isWhole = script.mode === "generate"
  const body = isWhole
    ? JSON.stringify(script.api === "anthropic" ? anthropicWhole(said) : openaiWhole(said))
    : script.api === "anthropic"
      ? anthropicEvents(said)
          .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
          .join("")
      : [...openaiChunks(said).map((chunk) => JSON.stringify(chunk)), "[DONE]"]
          .map((data) => `data: ${data}\n\n`)
          .join("")
  return { type: isWhole ? "application/json" : "text/event-stream", bytes: Buffer.from(body) }
}

const model = "m"
const tokens = { input_tokens: 100, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 }
const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }

const anthropicMessage = (id: string) => ({ id: `msg_${id}`, type: "message", role: "assistant", model })

const anthropicWhole = ({ call, id }: Said) => ({
  ...anthropicMessage(id),
  content: [
    call === undefined
      ? { type: "text", text }
      : { type: "tool_use", id: `toolu_${id}`, name: call.tool, input: JSON.parse(call.json) }
  ],
  stop_reason: call === undefined ? "end_turn" : "tool_use",
  stop_sequence: null,
  usage: { ...tokens, output_tokens: 20 }
})

/** What the protocol sends, each with its type. */
type Event = Readonly<Record<string, unknown>> & { readonly type: string }

const anthropicEvents = ({ call, id }: Said): ReadonlyArray<Event> => [
  {
    type: "message_start",
    message: {
      ...anthropicMessage(id),
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...tokens, output_tokens: 1 }
    }
  },
  {
    type: "content_block_start",
    index: 0,
    content_block:
      call === undefined
        ? { type: "text", text: "" }
        : { type: "tool_use", id: `toolu_${id}`, name: call.tool, input: {} }
  },
  {
    type: "content_block_delta",
    index: 0,
    delta: call === undefined ? { type: "text_delta", text } : { type: "input_json_delta", partial_json: call.json }
  },
  { type: "content_block_stop", index: 0 },
  {
    type: "message_delta",
    delta: { stop_reason: call === undefined ? "end_turn" : "tool_use", stop_sequence: null },
    usage: { output_tokens: 20 }
  },
  { type: "message_stop" }
]

const openaiCall = (id: string, { json, tool }: NonNullable<Said["call"]>) => ({
  id: `call_${id}`,
  type: "function",
  function: { name: tool, arguments: json }
})

const openaiWhole = ({ call, id }: Said) => ({
  id: `chatcmpl-${id}`,
  object: "chat.completion",
  created: 0,
  model,
  choices: [
    {
      index: 0,
      message:
        call === undefined
          ? { role: "assistant", content: text }
          : { role: "assistant", content: null, tool_calls: [openaiCall(id, call)] },
      finish_reason: call === undefined ? "stop" : "tool_calls"
    }
  ],
  usage
})

const openaiChunks = ({ call, id }: Said): ReadonlyArray<object> => {
  const chunk = { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created: 0, model }
  const choice = (delta: object, finish: string | null = null) => ({
    ...chunk,
    choices: [{ index: 0, delta, finish_reason: finish }]
  })
  const change = (call: NonNullable<Said["call"]>, json: string, head: object = {}) =>
    choice({
      tool_calls: [{ index: 0, ...head, function: { ...(json === "" && { name: call.tool }), arguments: json } }]
    })
  return [
    choice({ role: "assistant", content: call === undefined ? "" : null }),
    ...(call === undefined
      ? [choice({ content: text })]
      : [change(call, "", { id: `call_${id}`, type: "function" }), change(call, call.json)]),
    choice({}, call === undefined ? "stop" : "tool_calls"),
    { ...chunk, choices: [], usage }
  ]
}
