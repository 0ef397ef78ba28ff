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

/** Why a request can not be read so; `undefined` where it can. */
export const refusal = ({ previous_response_id: previous }: Schema.JsonObject): string | undefined =>
  Predicate.isNotNullish(previous)
    ? "The twin keeps no answers: send the whole conversation in the place of previous_response_id"
    : undefined

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

/** A call of the script. */
interface Call {
  readonly raw?: string
}

/**
 * The events of an answer with what aimock leaves out: arguments that are no JSON, and calls of tools that take any text, which are
 * items of their own kind.
 */
export const mended = (
  events: ReadonlyArray<string>,
  { body, calls }: { readonly body: Schema.JsonObject; readonly calls: ReadonlyArray<Call> }
): ReadonlyArray<string> => {
  const custom = customTools(body)
  if (custom.size === 0 && calls.every(({ raw }) => raw === undefined)) return events
  const item = (item: unknown, call: Call | undefined): unknown => {
    if (!Predicate.isObject(item) || !("type" in item) || item.type !== "function_call") return item
    const { arguments: given, ...rest } = { arguments: "", name: "", ...item }
    const text = given === "" ? "" : (call?.raw ?? given)
    return custom.has(rest.name) ? { ...rest, type: "custom_tool_call", input: text } : { ...rest, arguments: text }
  }
  let at = -1
  let isCustom = false
  return events.map((event) => {
    const said: Entry = JSON.parse(event.slice(event.indexOf("data: ") + 6))
    const { type } = said
    if (type === "response.output_item.added" && Predicate.hasProperty(said.item, "name")) {
      at++
      isCustom = custom.has(said.item.name)
    }
    const raw = calls[at]?.raw
    const kind = isCustom ? "custom_tool_call_input" : "function_call_arguments"
    if (type === "response.function_call_arguments.delta") {
      return sent({ ...said, type: `response.${kind}.delta`, ...(raw !== undefined && { delta: raw }) })
    }
    if (type === "response.function_call_arguments.done") {
      const { arguments: given, ...rest } = said
      return sent({ ...rest, type: `response.${kind}.done`, [isCustom ? "input" : "arguments"]: raw ?? given })
    }
    if (Predicate.hasProperty(said.response, "output") && type === "response.completed") {
      let call = -1
      const output = Rules.entries(said.response.output).map((each) =>
        item(each, each.type === "function_call" ? calls[++call] : undefined)
      )
      return sent({ ...said, response: { ...said.response, output } })
    }
    return "item" in said ? sent({ ...said, item: item(said.item, calls[at]) }) : event
  })
}

const sent = (event: Entry): string => `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}`

/** The names of the tools that take any text, wherever in a request they stand. */
const customTools = ({ input, tools }: Schema.JsonObject): ReadonlySet<unknown> => {
  const all = [...Rules.entries(tools), ...Rules.entries(input).flatMap(({ tools }) => Rules.entries(tools))]
  const inside = all.flatMap(({ tools }) => Rules.entries(tools))
  return new Set([...all, ...inside].flatMap(({ name, type }) => (type === "custom" ? [name] : [])))
}
