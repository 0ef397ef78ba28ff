/**
 * The **prefix** of a request: what a provider's prompt cache compares, byte by byte, with what it has read before. A
 * request that goes on where an earlier one ended has that one's whole prefix at its beginning.
 */
import * as Predicate from "effect/Predicate"

/**
 * The prefix of a request, as both protocols have it: settings, tools, system prompt, messages. Without the marks of
 * the cache, which move from request to request, and without deferred tools, which are no part of the prompt.
 */
export const of = (body: unknown): string => {
  const request: Record<string, unknown> = Predicate.isObject(body) ? { ...body } : {}
  const { messages, system, tools, ...settings } = request
  return [
    settings,
    ...list(tools).filter((tool) => !Predicate.hasProperty(tool, "defer_loading") || tool.defer_loading !== true),
    system ?? "",
    ...list(messages)
  ]
    .map((part) => `${unmarked(part)}\n`)
    .join("")
}

/** How many bytes of the earlier request's prefix are not at the beginning of the later one's; 0 is all in its place. */
export const changed = (earlier: unknown, later: unknown): number => {
  const before = Buffer.from(of(earlier))
  const after = Buffer.from(of(later))
  const same = before.findIndex((byte, index) => byte !== after[index])
  return same < 0 ? 0 : before.length - same
}

const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

const unmarked = (part: unknown): string =>
  JSON.stringify(part, (key, value: unknown) => (key === "cache_control" ? undefined : value))
