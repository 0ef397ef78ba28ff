/**
 * A request to Anthropic as the **blocks** that its prompt cache reads: tools, system prompt, messages. A deferred tool
 * is no part of the prompt until a result refers to it, and stands there.
 *
 * What empties a part of the cache, as the documentation has it: a tool, everything; the speed, the system prompt and
 * the messages; `tool_choice`, the thinking, the effort and the format of the answer, and whether there are images
 * anywhere, the messages. Models before Claude Opus 4.5 and Sonnet 4.6, and Haiku up to 4.5, forget what they thought as
 * soon as the user says something that is no result.
 *
 * Our reading: a mark inside a result is one of the result; a text and a list of one text are the same; of images, only
 * the first that joins empties the messages. Some models lose their tools and system prompt too when the thinking
 * changes, and web search and citations change the system prompt: that is not played.
 */
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as PrefixCache from "./PrefixCache.ts"
import * as Rules from "./ProviderRules.ts"

type Entry = Readonly<Record<string, unknown>>

/** A block as it was sent, and where: what stands before it, and what it brings with it. */
interface Placed {
  readonly entry: Entry
  readonly place: string
  readonly joins: ReadonlyArray<Entry>
}

/** The blocks of a request, in the order in which the cache reads them. */
export const of = (body: Schema.JsonObject): ReadonlyArray<PrefixCache.Block> => {
  const tools = Rules.entries(body.tools)
  const offered = tools.filter(({ defer_loading }) => defer_loading !== true)
  const deferred = tools.filter(({ defer_loading }) => defer_loading === true)
  const said = replayed(Rules.entries(body.messages), String(body.model))
  const messages = said.flatMap(({ content, role }) =>
    blocksIn(content).map((entry): Placed => ({ entry, place: String(role), joins: referred(entry, deferred) }))
  )
  const speed = pick(body, ["speed"])
  const settings = pick(body, ["speed", "tool_choice", "thinking", "output_config"])
  const hasImages = JSON.stringify(messages).includes('"type":"image"')
  const placed = [
    ...offered.map((entry): Placed => ({ entry, place: "tools", joins: [] })),
    ...under(
      { speed },
      blocksIn(body.system).map((entry): Placed => ({ entry, place: "system", joins: [] }))
    ),
    ...under({ settings, hasImages }, messages)
  ]
  // One mark for the whole request stands on the last block that can have one.
  const automatic = isMarked(body) ? placed.findLastIndex(({ entry }) => Rules.canBeMarked(entry)) : -1
  return placed.map(({ entry, joins, place }, at) => {
    const text = [entry, ...joins].map(bare).join("")
    return {
      key: `${place}\n${text}`,
      tokens: PrefixCache.tokens(text),
      run: entry.type === "tool_use" || entry.type === "tool_result" ? entry.type : undefined,
      isMarked: at === automatic || [entry, ...Rules.entries(entry.content)].some(isMarked)
    }
  })
}

/** Settings stand before the first block of what they empty. */
const under = (settings: unknown, [first, ...rest]: ReadonlyArray<Placed>): ReadonlyArray<Placed> =>
  first === undefined ? [] : [{ ...first, place: `${JSON.stringify(settings)}\n${first.place}` }, ...rest]

const pick = (body: Schema.JsonObject, names: ReadonlyArray<string>) => names.map((name) => body[name] ?? null)

const isMarked = ({ cache_control }: Entry): boolean => Predicate.isNotNullish(cache_control)

const blocksIn = (content: unknown): ReadonlyArray<Entry> =>
  Predicate.isString(content) ? (content === "" ? [] : [{ type: "text", text: content }]) : Rules.entries(content)

const referred = (block: Entry, deferred: ReadonlyArray<Entry>): ReadonlyArray<Entry> => {
  const names = Rules.referredIn({ content: [block] })
  return deferred.filter(({ name }) => names.includes(name))
}

/** The messages as the model reads them again. */
const replayed = (messages: ReadonlyArray<Entry>, model: string): ReadonlyArray<Entry> => {
  const asked = messages.findLastIndex(
    ({ content, role }) => role === "user" && blocksIn(content).some(({ type }) => type !== "tool_result")
  )
  return forgetful.test(model)
    ? messages.map((message, at) =>
        at < asked ? { ...message, content: blocksIn(message.content).filter(({ type }) => !isThought(type)) } : message
      )
    : messages
}

const forgetful = /claude-(?:[1-3]|instant|opus-4(?:-[01](?!\d)|-2\d|$)|sonnet-4(?:-[0-5](?!\d)|-2\d|$)|haiku-[1-4])/

const isThought = (type: unknown): boolean => type === "thinking" || type === "redacted_thinking"

/** Marks are no content: they move from request to request. */
const bare = (block: Entry): string =>
  JSON.stringify(block, (key, value: unknown) => (key === "cache_control" ? undefined : value))
