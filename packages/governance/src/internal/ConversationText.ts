/** The conversation of a note as it is stored: lines of JSON without secrets, shortened from the middle, compressed. */
import * as Digest from "@millwright/core/Digest"
import * as Redaction from "@millwright/core/Redaction"
import type * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import { gunzipSync, gzipSync } from "node:zlib"

/** What did not fit. */
export interface LeftOut {
  readonly messages: number
  readonly bytes: number
}

/** Lines as they are stored. */
export interface Packed {
  readonly messages: number
  readonly leftOut: LeftOut
  /** The digest of the lines, which are what is compressed. */
  readonly digest: Digest.Digest
  readonly transcript: string
}

/**
 * A message in one line, without secrets. What is still found once it is JSON, such as a number that is a secret, makes the line a text:
 * a mark in the middle of it could be no JSON any more.
 */
const lineOf = (message: Schema.Json, secrets: ReadonlyArray<Redacted.Redacted<string>>): string => {
  const line = JSON.stringify(Redaction.scrubJson(message, secrets))
  const clean = Redaction.scrub(line, secrets)
  return clean === line ? line : JSON.stringify({ redacted: clean })
}

/** How many from the beginning of a list fit into so many bytes. */
const fitting = (sizes: ReadonlyArray<number>, room: number): { readonly count: number; readonly bytes: number } => {
  let bytes = 0
  let count = 0
  for (const size of sizes) {
    if (bytes + size > room) break
    bytes += size
    count++
  }
  return { count, bytes }
}

/** Of what is too long, the beginning says what was asked for and the end what came of it: a quarter and the rest of the room. */
export const pack = (
  messages: ReadonlyArray<Schema.Json>,
  options: { readonly secrets: ReadonlyArray<Redacted.Redacted<string>>; readonly maxBytes: number }
): Packed => {
  const lines = messages.map((message) => `${lineOf(message, options.secrets)}\n`)
  const sizes = lines.map((line) => Buffer.byteLength(line))
  const all = sizes.reduce((a, b) => a + b, 0)
  const first = all <= options.maxBytes ? { count: lines.length, bytes: all } : fitting(sizes, options.maxBytes / 4)
  const last = fitting(sizes.slice(first.count).reverse(), options.maxBytes - first.bytes)
  const kept = [...lines.slice(0, first.count), ...lines.slice(lines.length - last.count)]
  const text = kept.join("")
  return {
    messages: kept.length,
    leftOut: { messages: lines.length - kept.length, bytes: all - first.bytes - last.bytes },
    digest: Digest.of(text),
    transcript: gzipSync(text, { level: 9 }).toString("base64")
  }
}

/** No conversation of a note is larger than this once it is unpacked, whatever the note says. */
export const largest = 64 * 1024 * 1024

/** The lines again; `undefined` where they can not be unpacked, are too many, or are not what was stored. */
export const unpack = ({ digest, transcript }: Pick<Packed, "digest" | "transcript">): string | undefined => {
  try {
    const bytes = gunzipSync(Buffer.from(transcript, "base64"), { maxOutputLength: largest })
    return Digest.of(bytes) === digest ? bytes.toString("utf8") : undefined
  } catch {
    return undefined
  }
}
