/** Fields of what programs wrote: each is what it claims to be, or is not there. */
import * as Digest from "@millwright/core/Digest"
import * as Redaction from "@millwright/core/Redaction"
import type * as Usage from "@millwright/core/Usage"
import type { JsonObject } from "../TranscriptReader.ts"

/** An object; an empty one for anything else. */
export const object = (value: unknown): JsonObject => (isObject(value) ? value : nothing)

/** Whether it is an object, and no list. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const nothing: JsonObject = {}

/** The objects of a list; none for anything else. */
export const objects = (value: unknown): ReadonlyArray<JsonObject> =>
  Array.isArray(value) ? value.filter(isObject) : []

/** A text that is not empty, or `null`. */
export const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null)

/**
 * A name as it is, where it can be nothing else: without spaces, of 200 characters at most, and no secret that is known by its form. Any
 * other is told by its digest. `null`: there is none.
 */
export const id = (value: unknown): string | null => {
  const given = text(value)
  return given === null ? null : plain.test(given) && Redaction.scrub(given) === given ? given : hidden(given)
}

const plain = /^[\w.:@/+<>-]{1,200}$/

const hidden = (given: string): string => `#${Digest.short(Digest.of(given))}`

/** The same for names that stand in many lines, such as that of a model or a session: each is looked at and kept once. */
export const name = (value: unknown): string | null => {
  const given = text(value)
  if (given === null || given.length > 200) return id(given)
  const known = names.get(given)
  if (known !== undefined) return known
  const made = id(given)
  if (names.size >= 2_000) names.clear()
  if (made !== null) names.set(given, made)
  return made
}

const names = new Map<string, string>()

/** A name that counts everywhere when it is long enough to be unlike any other, and within its session otherwise: small servers draw a number. */
export const unique = (value: unknown, session: string): string | null => {
  const found = id(value)
  return found === null || found.length >= 16 ? found : `${session}/${found}`
}

/** A time: a text of ISO 8601, or milliseconds since 1970. `null`: there is none, or it can not be one. */
export const time = (value: unknown): number | null => {
  const at = typeof value === "string" ? Date.parse(value) : typeof value === "number" ? Math.floor(value) : Number.NaN
  return at >= 0 && at <= 8.64e15 ? at : null
}

/** More tokens of one kind than this nobody was ever answered with. The sum of millions of answers stays exact. */
const mostTokens = 1_000_000_000

/** A digest, or `null`. */
export const digest = (value: unknown): Digest.Digest | null => (isDigest(value) ? value : null)

const isDigest = (value: unknown): value is Digest.Digest => typeof value === "string" && /^[0-9a-f]{64}$/.test(value)

/** A number of tokens, or `null`. */
export const tokens = (value: unknown): number | null =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= mostTokens ? value : null

/** Tokens by kind. `null` where one of them can not be what it claims; a cache that is not mentioned was not used. */
export const usage = (told: { readonly [Kind in keyof Usage.Usage]: unknown }): Usage.Usage | null => {
  const input = tokens(told.input)
  const output = tokens(told.output)
  const cacheRead = tokens(told.cacheRead ?? 0)
  const cacheWrite = tokens(told.cacheWrite ?? 0)
  return input === null || output === null || cacheRead === null || cacheWrite === null
    ? null
    : { input, cacheRead, cacheWrite, output }
}

/** The same, where the cache is counted among the input. More read than there was input can not be. */
export const usageWithin = (told: { readonly [Kind in keyof Usage.Usage]: unknown }): Usage.Usage | null => {
  const all = usage(told)
  const input = all === null ? -1 : all.input - all.cacheRead - all.cacheWrite
  return all === null || input < 0 ? null : { ...all, input }
}

/** Pieces of text, in whatever form a program has them: a text, an object with one, or a list of these. */
export const texts = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "string") return [value]
  if (Array.isArray(value)) return value.flatMap(texts)
  const found = object(value)["text"]
  return typeof found === "string" ? [found] : []
}
