/** What a conversation cost, from the requests that went over the wire. Tokens are estimated, at four bytes each. */
import * as TokenBudget from "@millwright/context/TokenBudget"
import * as PromptPrefix from "@millwright/core/testing/PromptPrefix"
import * as Predicate from "effect/Predicate"

/** What a conversation cost. */
export interface Bill {
  readonly requests: number
  /** Tokens of the first prompt. */
  readonly first: number
  /** Tokens of all prompts together: what is paid where nothing is cached. */
  readonly tokens: number
  /** The same in tokens at full price, where reading from the cache costs a tenth and writing to it a quarter more. */
  readonly cached: number
  /** What went over the wire. */
  readonly bytes: number
  /** Bytes of earlier prompts that a later one had in another way. */
  readonly changed: number
}

/** Adds up the requests of one conversation. */
export const of = (bodies: ReadonlyArray<unknown>): Bill => {
  const prompts = bodies.map(tokens)
  const before = (at: number) => prompts[at - 1] ?? 0
  return {
    requests: bodies.length,
    first: prompts[0] ?? 0,
    tokens: sum(prompts),
    cached: Math.round(sum(prompts.map((all, at) => 0.1 * before(at) + 1.25 * (all - before(at))))),
    bytes: sum(bodies.map((body) => Buffer.byteLength(JSON.stringify(body)))),
    changed: sum(bodies.slice(1).map((body, at) => PromptPrefix.changed(bodies[at], body)))
  }
}

/** A prompt with all that is in it: a deferred definition is, once for each result that refers to it. */
const tokens = (body: unknown): number => {
  const definitions = new Map(list(body, "tools").map((tool) => [nameOf(tool), JSON.stringify(tool)]))
  const referred = references(body).map((name) => definitions.get(name) ?? "")
  return TokenBudget.estimate(PromptPrefix.of(body)) + sum(referred.map(TokenBudget.estimate))
}

/** The names of tools that results refer to. */
const references = (body: unknown): ReadonlyArray<string> =>
  objects(list(body, "messages")).flatMap(({ tool_name, type }) =>
    type === "tool_reference" ? [String(tool_name)] : []
  )

/** The names of tools that were loaded in a conversation, by a reference or with a message. */
export const loaded = (body: unknown): ReadonlyArray<string> => [
  ...references(body),
  ...objects(list(body, "messages")).flatMap(({ definition, type }) =>
    type === "tool_definition" ? [nameOf(definition)] : []
  )
]

const objects = (value: unknown): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  Array.isArray(value)
    ? value.flatMap(objects)
    : Predicate.isObject(value)
      ? [value, ...Object.values(value).flatMap(objects)]
      : []

/** The results of tools that a request ends with, as text. */
export const results = (body: unknown): string => {
  const messages = list(body, "messages")
  const last = messages.findLastIndex(
    (message) => Predicate.hasProperty(message, "role") && message.role === "assistant"
  )
  return texts(messages.slice(last + 1)).join("\n")
}

/** The system prompt of a request. */
export const system = (body: unknown): string => {
  const [first] = list(body, "messages")
  const own = Predicate.hasProperty(body, "system") ? body.system : undefined
  return texts(own ?? first).join("\n")
}

const texts = (value: unknown): ReadonlyArray<string> => {
  if (Predicate.isString(value)) return [value]
  if (Array.isArray(value)) return value.flatMap(texts)
  return [
    ...(Predicate.hasProperty(value, "content") ? texts(value.content) : []),
    ...(Predicate.hasProperty(value, "text") ? texts(value.text) : [])
  ]
}

const list = (body: unknown, key: string): ReadonlyArray<unknown> => {
  const value = Predicate.hasProperty(body, key) ? body[key] : undefined
  return Array.isArray(value) ? value : []
}

const nameOf = (tool: unknown): string => (Predicate.hasProperty(tool, "name") ? String(tool.name) : "")

const sum = (all: ReadonlyArray<number>): number => all.reduce((total, one) => total + one, 0)
