/**
 * A request to OpenAI's Responses API in the words of its chat completions, so that the provider twin reads, counts and refuses both
 * in one way. What the model gave in one answer is several items there, and one message here.
 */
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as Rules from "./ProviderRules.ts"

type Entry = ReturnType<typeof Rules.entries>[number]
type Message = { role: string; content: Schema.Json; tool_calls?: Array<Schema.JsonObject>; tool_call_id?: string }

/** The same request as chat completions have it. What the model thought is left out. */
export const chat = (body: Schema.JsonObject): Schema.JsonObject => {
  const { input, instructions, ...rest } = body
  const messages: Array<Message> = []
  if (Predicate.isString(instructions) && instructions !== "") messages.push({ role: "system", content: instructions })
  const items = Predicate.isString(input) ? [{ role: "user", content: input }] : Rules.entries(input)
  let isAnswer = false
  for (const item of items) {
    const before = isAnswer ? messages.at(-1) : undefined
    const said = spoken(item)
    isAnswer = said !== undefined
    if (said === undefined) messages.push(heard(item))
    else if (before === undefined) messages.push(said)
    else join(before, said)
  }
  return { ...rest, messages }
}

/** What the model gave, and `undefined` for what was given to it. */
const spoken = (item: Entry): Message | undefined => {
  const content =
    item.role === "assistant"
      ? parts(item.content)
          .map(({ text = "" }) => String(text))
          .join("\n")
      : ""
  if (item.role === "assistant" || item.type === "reasoning") return { role: "assistant", content }
  if (item.type !== "function_call" && item.type !== "custom_tool_call") return undefined
  // The arguments of a custom tool are any text.
  const given = item.type === "function_call" ? String(item.arguments) : JSON.stringify({ input: String(item.input) })
  const call = { id: String(item.call_id), type: "function", function: { name: String(item.name), arguments: given } }
  return { role: "assistant", content, tool_calls: [call] }
}

const heard = (item: Entry): Message => {
  if (item.type === "function_call_output" || item.type === "custom_tool_call_output") {
    return { role: "tool", tool_call_id: String(item.call_id), content: parts(item.output) }
  }
  // Tools can stand among the items as well.
  if (item.type === "additional_tools") return { role: "developer", content: JSON.stringify(item.tools) }
  return { role: String(item.role), content: parts(item.content) }
}

const join = (before: Message, { content, tool_calls: calls = [] }: Message): void => {
  before.content = [before.content, content].filter((text) => text !== "").join("\n")
  if (calls.length > 0) before.tool_calls = [...(before.tool_calls ?? []), ...calls]
}

const parts = (content: unknown): Array<Schema.JsonObject> =>
  Predicate.isString(content)
    ? [{ type: "text", text: content }]
    : Rules.entries(content).map(({ text, type }) =>
        Predicate.isString(text) ? { type: "text", text } : { type: String(type) }
      )

/** The events of an answer, with the arguments of its calls as the script has them where they are no JSON. */
export const withRaw = (
  events: ReadonlyArray<string>,
  calls: ReadonlyArray<{ readonly raw?: string }>
): ReadonlyArray<string> => {
  let call = -1
  return events.map((event) => {
    if (/"type":"response\.output_item\.added".*"type":"function_call"/.test(event)) call++
    // The last event has all calls once more, one after the other.
    let at = event.includes('"type":"response.completed"') ? -1 : call - 1
    return event.replace(/"(?:delta|arguments)":"(?:[^"\\]|\\.)*"/g, (field) => {
      if (field.startsWith('"delta"') && !event.includes("function_call_arguments")) return field
      const raw = calls[++at]?.raw
      return raw === undefined || field === '"arguments":""'
        ? field
        : `${field.slice(0, field.indexOf(":"))}:${JSON.stringify(raw)}`
    })
  })
}
