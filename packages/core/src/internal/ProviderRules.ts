/**
 * What the Anthropic API refuses with 400 about tools that are loaded in the middle of a conversation, about system
 * messages there, about marks of the prompt cache and about answers of other models, so that the provider twin refuses it too.
 * From its documentation, and from errors that users report.
 */
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as PrefixCache from "./PrefixCache.ts"

type Entry = Readonly<Record<string, unknown>>

/** The names of the deferred tools that the results in a message refer to. */
export const referredIn = (message: Entry): ReadonlyArray<unknown> =>
  entries(message.content)
    .flatMap(({ content }) => entries(content))
    .flatMap(({ tool_name, type }) => (type === "tool_reference" ? [tool_name] : []))

/** Why the API does not take a request; `undefined` where it does. `betas` are the names in its `anthropic-beta` header. */
export const refusal = (body: Schema.JsonObject, betas: ReadonlyArray<string>): string | undefined => {
  const tools = entries(body.tools)
  const messages = entries(body.messages)
  return (
    aboutTools(tools) ??
    aboutPlaces(messages) ??
    aboutIds(messages) ??
    aboutThinking(body, messages) ??
    aboutResults(tools, messages) ??
    aboutChanges(tools, messages, betas) ??
    aboutMarks(body)
  )
}

/** The objects of a list. */
export const entries = (value: unknown): ReadonlyArray<Entry> =>
  Array.isArray(value) ? value.filter((each): each is Entry => Predicate.isObject(each)) : []

const aboutTools = (tools: ReadonlyArray<Entry>): string | undefined => {
  const deferred = tools.filter(({ defer_loading }) => defer_loading === true)
  if (deferred.length > 0 && deferred.length === tools.length) {
    return "All tools have defer_loading set. At least one tool must be non-deferred."
  }
  const marked = deferred.find(({ cache_control }) => Predicate.isNotNullish(cache_control))
  return marked === undefined
    ? undefined
    : `Tool '${marked.name}' cannot have both defer_loading and cache_control set.`
}

/** System messages that follow each other are one section: behind a user's message, and before an answer or the end. */
const aboutPlaces = (messages: ReadonlyArray<Entry>): string | undefined => {
  const roles = messages.map(({ role }) => role)
  for (const [at, role] of roles.entries()) {
    if (role !== "system") continue
    const before = roles.slice(0, at).findLast((each) => each !== "system")
    const after = roles.slice(at + 1).find((each) => each !== "system")
    if (before !== "user" || after === "user") {
      return `messages.${at}: a system message must follow a user turn, and precede an assistant turn or end the array`
    }
  }
  return undefined
}

const aboutIds = (messages: ReadonlyArray<Entry>): string | undefined => {
  for (const [at, { content }] of messages.entries()) {
    for (const { id, tool_use_id, type } of entries(content)) {
      const given = type === "tool_use" ? id : type === "tool_result" ? tool_use_id : "none"
      if (Predicate.isString(given) && /^[a-zA-Z0-9_-]+$/.test(given)) continue
      return `messages.${at}.${String(type)}.id: String should match pattern '^[a-zA-Z0-9_-]+$'`
    }
  }
  return undefined
}

/** Of models that think with a budget, the last answer has to begin with what they thought, while it calls tools. */
const aboutThinking = ({ thinking }: Schema.JsonObject, messages: ReadonlyArray<Entry>): string | undefined => {
  const last = entries(messages.findLast(({ role }) => role === "assistant")?.content)
  const isEnabled = Predicate.hasProperty(thinking, "type") && thinking.type === "enabled"
  const isThought = String(last[0]?.type).endsWith("thinking")
  return isEnabled && !isThought && last.some(({ type }) => type === "tool_use")
    ? `Expected \`thinking\` or \`redacted_thinking\`, but found \`${String(last[0]?.type)}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block`
    : undefined
}

const aboutResults = (tools: ReadonlyArray<Entry>, messages: ReadonlyArray<Entry>): string | undefined => {
  for (const message of messages) {
    const blocks = entries(message.content)
    const missing = referredIn(message).find((name) => !tools.some((tool) => tool.name === name))
    if (missing !== undefined) return `Tool reference '${missing}' has no corresponding tool definition`
    const results = blocks.filter(({ type }) => type === "tool_result")
    if (results.some((result) => blocks.indexOf(result) >= results.length)) {
      return "`tool_result` blocks must stand before all other content"
    }
    for (const result of results) {
      const content = entries(result.content)
      if (result.is_error === true && content.some(({ type }) => type !== "text")) {
        return "all content must be type `text` if `is_error` is true"
      }
      const referred = content.filter(({ type }) => type === "tool_reference").length
      if (referred > 0 && referred < content.length) {
        return "tool_reference blocks cannot be mixed with other content in one tool_result"
      }
    }
  }
  return undefined
}

const aboutChanges = (
  tools: ReadonlyArray<Entry>,
  messages: ReadonlyArray<Entry>,
  betas: ReadonlyArray<string>
): string | undefined => {
  const known = new Set(tools.map(({ name }) => name))
  for (const [at, { content, role }] of messages.entries()) {
    for (const { tool, type } of entries(content)) {
      if ((type !== "tool_addition" && type !== "tool_removal") || !Predicate.isObject(tool)) continue
      const named: Entry = { ...tool }
      const isInline = type === "tool_addition" && named.type === "tool_definition"
      const enough = isInline ? /^inline-tools-/ : /^(?:inline-tools|mid-conversation-tool-changes)-/
      if (role !== "system" || !betas.some((beta) => enough.test(beta))) {
        return `messages.${at}.content: Input tag '${type}' does not match any of the expected tags`
      }
      if (isInline && Predicate.hasProperty(named.definition, "name")) known.add(named.definition.name)
      else if (!known.has(named.name)) return `messages.${at}: tool_reference_unresolved: ${named.name}`
    }
  }
  return undefined
}

/** Whether a block can carry a mark of the prompt cache. */
export const canBeMarked = ({ text, type }: Entry): boolean =>
  type !== "thinking" && type !== "redacted_thinking" && !(type === "text" && text === "")

const aboutMarks = (body: Schema.JsonObject): string | undefined => {
  const blocks = [...entries(body.system), ...entries(body.messages).flatMap(({ content }) => entries(content))]
  const parts = blocks.flatMap((block) => (block.type === "tool_result" ? entries(block.content) : []))
  const marked = [body, ...entries(body.tools), ...blocks, ...parts].filter((each) =>
    Predicate.isNotNullish(each.cache_control)
  )
  if (marked.length > PrefixCache.maxMarks) {
    return `A maximum of ${PrefixCache.maxMarks} blocks with cache_control may be provided. Found ${marked.length}.`
  }
  const wrong = marked.find((each) => !canBeMarked(each))
  return wrong === undefined
    ? undefined
    : `cache_control cannot be set for ${wrong.type} blocks that are empty or thoughts`
}
