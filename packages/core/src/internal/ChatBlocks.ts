/**
 * A request to OpenAI as the **blocks** that the prompt cache of its models from GPT-5.6 on reads: the tools, and each message.
 *
 * As the documentation has it (Prompt caching, as of November 2026): a mark stands on a part of a message that is not the
 * model's. The API marks the last such message itself, unless it is told not to, and writes at the last three marks of the
 * request beside that, or at the last four. What is written costs more than plain input, and is told. Entries are exact:
 * nothing is rounded, and no part of an entry is read. A mark finds them however many blocks lie between.
 *
 * Our reading: an entry is found at the end of any message; the tools are one block; that only the last 80 places of a
 * conversation are looked at is not played.
 */
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as CacheMark from "./CacheMark.ts"
import * as PrefixCache from "./PrefixCache.ts"
import * as Rules from "./ProviderRules.ts"

type Entry = Readonly<Record<string, unknown>>

/** The least that is cached, in tokens. */
export const minimum = 1_024

/** The blocks of a request, in the order in which the cache reads them. */
export const of = (body: Schema.JsonObject): ReadonlyArray<PrefixCache.Block> => {
  const tools = Rules.entries(body.tools)
  const messages = Rules.entries(body.messages)
  const isManual =
    Predicate.hasProperty(body.prompt_cache_options, "mode") && body.prompt_cache_options.mode === "explicit"
  const implicit = isManual ? -1 : messages.findLastIndex(({ role }) => role !== "assistant")
  const marks = messages.flatMap((message, at) => (isMarked(message) ? [at] : [])).slice(isManual ? -4 : -3)
  return [
    ...(tools.length === 0 ? [] : [block(tools, false)]),
    ...messages.map((message, at) => block(message, at === implicit || marks.includes(at)))
  ]
}

/** Why the API does not take the marks of a request; `undefined` where it does. */
export const refusal = (body: Schema.JsonObject): string | undefined => {
  const messages = Rules.entries(body.messages)
  const at = messages.findIndex(
    (message) => isMarked(message) && (message.role === "assistant" || !CacheMark.isTakenBy(String(body.model)))
  )
  return at < 0 ? undefined : `Unknown parameter: 'messages[${at}].content[0].prompt_cache_breakpoint'.`
}

const isMarked = ({ content }: Entry): boolean =>
  Rules.entries(content).some((part) => Predicate.isNotNullish(part.prompt_cache_breakpoint))

const block = (entry: Entry | ReadonlyArray<Entry>, isMarked: boolean): PrefixCache.Block => {
  const key = JSON.stringify(entry, (name, value: unknown) => (name === "prompt_cache_breakpoint" ? undefined : value))
  return { key, tokens: PrefixCache.tokens(key), isMarked }
}
