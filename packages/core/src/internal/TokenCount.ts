/** What Anthropic says of the tokens of an answer. Servers that only speak its protocol leave some of it out, or all. */
import * as Predicate from "effect/Predicate"
import * as Answer from "./Answer.ts"

/** What was said so far. */
export type Tokens = Readonly<Record<string, unknown>>

/** What an event says, without what it says nothing of. */
export const told = (usage: unknown): Tokens =>
  Object.fromEntries(Object.entries(Predicate.isObject(usage) ? usage : {}).filter(([, value]) => value !== null))

/** The tokens by kind. */
export const anthropic = (tokens: Tokens) => {
  const uncached = Answer.count(tokens.input_tokens)
  const cacheRead = Answer.count(tokens.cache_read_input_tokens)
  const cacheWrite = Answer.count(tokens.cache_creation_input_tokens)
  const total = Answer.count(tokens.output_tokens)
  const details = tokens.output_tokens_details
  const thought = Predicate.hasProperty(details, "thinking_tokens") ? details.thinking_tokens : undefined
  const reasoning = Math.min(total, Answer.count(thought))
  return {
    inputTokens: { uncached, cacheRead, cacheWrite, total: uncached + cacheRead + cacheWrite },
    outputTokens: thought === undefined ? { total } : { total, reasoning, text: total - reasoning }
  }
}
