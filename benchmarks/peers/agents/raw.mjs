/**
 * No framework: what a loop costs that keeps messages in an array and sends all of them each turn. `fetch` reads the answer
 * line by line, `sdk` uses the vendor's package.
 */
import { description, key, measure, model, note, prompt, request, system } from "./Turns.mjs"

const parameters = { type: "object", properties: { number: { type: "number" } }, required: ["number"] }

const lines = async function* (response) {
  if (!response.ok) throw new Error(await response.text())
  const decoder = new TextDecoder()
  let rest = ""
  for await (const chunk of response.body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = parts.pop()
    for (const line of parts) if (line.startsWith("data: {")) yield JSON.parse(line.slice(6))
  }
}

const post = (path, headers, body) =>
  fetch(request.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body)
  }).then(lines)

const openai = async () => {
  const { default: OpenAI } = request.mode === "sdk" ? await import("openai") : {}
  const client = OpenAI && new OpenAI({ apiKey: key, baseURL: `${request.url}/v1`, maxRetries: 0 })
  const messages = [
    { role: "system", content: system },
    { role: "user", content: prompt }
  ]
  const tools = [{ type: "function", function: { name: request.tool, description, parameters } }]
  const send = () => {
    const body = { model, messages, tools, stream: true, stream_options: { include_usage: true } }
    return client === undefined
      ? post("/v1/chat/completions", { authorization: `Bearer ${key}` }, body)
      : client.chat.completions.create(body)
  }
  for (;;) {
    let call
    for await (const { choices } of await send()) {
      const change = choices[0]?.delta.tool_calls?.[0]
      if (change === undefined) continue
      call ??= { id: change.id, type: "function", function: { name: change.function.name, arguments: "" } }
      call.function.arguments += change.function.arguments ?? ""
    }
    if (call === undefined) return
    messages.push({ role: "assistant", content: null, tool_calls: [call] })
    const { number } = JSON.parse(call.function.arguments)
    messages.push({ role: "tool", tool_call_id: call.id, content: note(number) })
  }
}

const anthropic = async () => {
  const { default: Anthropic } = request.mode === "sdk" ? await import("@anthropic-ai/sdk") : {}
  const client = Anthropic && new Anthropic({ apiKey: key, baseURL: request.url, maxRetries: 0 })
  const messages = [{ role: "user", content: prompt }]
  const tools = [{ name: request.tool, description, input_schema: parameters }]
  const send = () => {
    const body = { model, max_tokens: 32_000, system, messages, tools, stream: true }
    return client === undefined
      ? post("/v1/messages", { "x-api-key": key, "anthropic-version": "2023-06-01" }, body)
      : client.messages.create(body)
  }
  for (;;) {
    let call
    let json = ""
    for await (const event of await send()) {
      if (event.content_block?.type === "tool_use") call = event.content_block
      if (event.delta?.type === "input_json_delta") json += event.delta.partial_json
    }
    if (call === undefined) return
    const input = JSON.parse(json)
    messages.push({ role: "assistant", content: [{ type: "tool_use", id: call.id, name: call.name, input }] })
    const result = { type: "tool_result", tool_use_id: call.id, content: note(input.number) }
    messages.push({ role: "user", content: [result] })
  }
}

await measure(request.api === "anthropic" ? anthropic : openai)
