/**
 * What the two APIs refuse with 400 about a conversation as a whole, so that the provider twin refuses it too: whose turn it
 * is, which result belongs to which call, and texts that are none. From their documentation, and from errors that users report.
 */
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"

type Entry = Readonly<Record<string, unknown>>

/** Why the API does not take a request; `undefined` where it does. */
export const refusal = (protocol: "anthropic" | "openai", body: Schema.JsonObject): string | undefined => {
  const messages = entries(body.messages)
  return aboutTexts(body) ?? (protocol === "anthropic" ? anthropic(messages) : openai(messages))
}

const entries = (value: unknown): ReadonlyArray<Entry> =>
  Array.isArray(value) ? value.filter((each): each is Entry => Predicate.isObject(each)) : []

/** Half of a surrogate pair is no text, in a message, a name or an argument. */
const aboutTexts = (value: unknown): string | undefined => {
  if (Predicate.isString(value)) {
    return value.isWellFormed() ? undefined : "The request body is not valid JSON: no low surrogate in string"
  }
  if (!Predicate.isObject(value) && !Array.isArray(value)) return undefined
  for (const [key, each] of Object.entries(value)) {
    const found = aboutTexts(key) ?? aboutTexts(each)
    if (found !== undefined) return found
  }
  return undefined
}

const name = /^[a-zA-Z0-9_-]{1,64}$/

/** The first number that comes twice in a list, or nothing. */
const twice = (values: ReadonlyArray<unknown>): unknown =>
  values.find((value, index) => values.indexOf(value) !== index)

const anthropic = (messages: ReadonlyArray<Entry>): string | undefined => {
  const spoken = messages.filter(({ role }) => role !== "system")
  if (spoken.length === 0) return "messages: at least one message is required"
  if (spoken[0]?.role !== "user") return 'messages: first message must use the "user" role'
  const known: Array<unknown> = []
  for (const [at, { content, role }] of spoken.entries()) {
    if (role !== "user" && role !== "assistant") return `messages.${at}.role: Input should be 'user' or 'assistant'`
    const blocks = Predicate.isString(content) ? [{ type: "text", text: content }] : entries(content)
    if (blocks.length === 0) return `messages.${at}: all messages must have non-empty content`
    const before = role === "user" ? called(spoken[at - 1]) : []
    const results = blocks.flatMap(({ tool_use_id, type }) => (type === "tool_result" ? [tool_use_id] : []))
    const problem =
      blocks.map(block).find(Predicate.isNotUndefined) ??
      (role === "user" ? answers(before, results) : calls(blocks, spoken[at + 1], known))
    if (problem !== undefined) return `messages.${at}: ${problem}`
  }
  return undefined
}

const called = (message: Entry | undefined): ReadonlyArray<unknown> =>
  message?.role === "assistant"
    ? entries(message.content).flatMap(({ id, type }) => (type === "tool_use" ? [id] : []))
    : []

/** Results stand right behind the answer whose calls they are of. */
const answers = (before: ReadonlyArray<unknown>, results: ReadonlyArray<unknown>): string | undefined => {
  const strange = results.find((id) => !before.includes(id))
  if (strange !== undefined) return `unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${strange}`
  if (twice(results) !== undefined) return "each tool_use must have a single result"
  const missing = before.find((id) => !results.includes(id))
  return missing === undefined
    ? undefined
    : `\`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing}`
}

const calls = (blocks: ReadonlyArray<Entry>, next: Entry | undefined, known: Array<unknown>): string | undefined => {
  const ids = blocks.flatMap(({ id, type }) => (type === "tool_use" ? [id] : []))
  known.push(...ids)
  if (twice(known) !== undefined) return "`tool_use` ids must be unique"
  return ids.length > 0 && next === undefined
    ? `\`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids[0]}`
    : undefined
}

const block = (block: Entry): string | undefined => {
  switch (block.type) {
    case "text":
      return Predicate.isString(block.text) && block.text.trim() !== ""
        ? undefined
        : "text content blocks must contain non-whitespace text"
    case "tool_use":
      if (!/^[a-zA-Z0-9_-]+$/.test(String(block.id)))
        return "tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
      if (!name.test(String(block.name))) return "tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"
      return Predicate.isObject(block.input) && !Array.isArray(block.input)
        ? undefined
        : "tool_use.input: Input should be a valid dictionary"
    case "tool_result":
      return entries(block.content).some(({ text, type }) => type === "text" && String(text).trim() === "")
        ? "text content blocks must contain non-whitespace text"
        : undefined
    default:
      return undefined
  }
}

const openai = (messages: ReadonlyArray<Entry>): string | undefined => {
  let open: ReadonlyArray<unknown> = []
  for (const [at, message] of messages.entries()) {
    const { content, role, tool_call_id, tool_calls } = message
    if (role === "tool") {
      if (!open.includes(tool_call_id)) {
        return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
      }
      if (!Predicate.isString(content) && !Array.isArray(content)) return `messages.[${at}].content: expected a string`
      open = open.filter((id) => id !== tool_call_id)
      continue
    }
    if (open.length > 0) return unanswered(open)
    if (role !== "assistant") {
      if (role !== "user" && role !== "system" && role !== "developer") return `messages.[${at}].role: invalid value`
      continue
    }
    const made = entries(tool_calls)
    if (made.length === 0 && !Predicate.isString(content))
      return `messages.[${at}].content: expected a string, got null`
    open = made.map(({ id }) => id)
    if (twice(open) !== undefined) return `Duplicate value for 'tool_call_id' in message[${at}]`
    const problem = made.map(call).find(Predicate.isNotUndefined)
    if (problem !== undefined) return `messages[${at}].tool_calls: ${problem}`
  }
  return open.length > 0 ? unanswered(open) : undefined
}

const unanswered = (open: ReadonlyArray<unknown>): string =>
  `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. Missing: ${open.join(", ")}`

const call = ({ function: made, id }: Entry): string | undefined => {
  if (!Predicate.isString(id) || id === "") return "id: expected a string"
  if (!Predicate.hasProperty(made, "name") || !name.test(String(made.name))) {
    return "function.name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"
  }
  try {
    // The API takes any text; servers that speak its protocol read it.
    const read: unknown = JSON.parse(String(Predicate.hasProperty(made, "arguments") ? made.arguments : ""))
    return Predicate.isObject(read) ? undefined : "function.arguments: expected an object"
  } catch {
    return "function.arguments: expected JSON"
  }
}
