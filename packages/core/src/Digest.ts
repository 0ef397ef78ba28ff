/** Content digests: how evidence, skills, contracts and prompts are named. */
import { hash } from "node:crypto"
import * as Schema from "effect/Schema"

/** A SHA-256 digest in lower-case hexadecimal, 64 characters. */
export const Digest = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)).pipe(Schema.brand("Digest"))
/** A SHA-256 digest in lower-case hexadecimal, 64 characters. */
export type Digest = typeof Digest.Type

/** The digest of a text (as UTF-8, a lone surrogate counting as U+FFFD) or of bytes. */
export const of = (content: string | Uint8Array): Digest => hash("sha256", content, "hex") as Digest // the pattern holds by construction

/** The digest of a value's JSON, independent of the order of keys. What JSON can not hold, such as a function, is `null`. */
export const ofJson = (value: unknown): Digest => of(JSON.stringify(value, sortKeys) ?? "null")

/** The first 12 characters, for people. */
export const short = (digest: Digest): string => digest.slice(0, 12)

const sortKeys = (_key: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
    : value
