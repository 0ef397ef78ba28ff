/**
 * **Truncation**: how much of what a tool says the model reads, and how much of the rest is kept for people. A tool that says
 * more hands all of it to the sink of its call.
 *
 * Secrets go before anything is cut, so that half of one can not stay behind where a text was cut in two.
 */
import * as Redaction from "@millwright/core/Redaction"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Output from "./Output.ts"

/** How much of one answer a model reads. Bytes are counted first, then lines. */
export interface Limit {
  readonly bytes: number
  /** Default: as many as fit into the bytes. */
  readonly lines?: number
  /** The part that is kept from the start, from 0 to 1. The rest is from the end. */
  readonly head: number
}

/** The limits of the tools. */
export interface Limits {
  /** Of one part of a file: a longer file comes in parts, so `head` and `lines` have no say. */
  readonly read: Limit
  readonly grep: Limit
  readonly bash: Limit
  /** Each tool of the index. */
  readonly index: Limit
  /** The most that is kept of what one call said, in bytes: half of it from the start, half from the end. */
  readonly kept: number
}

/** The limits that hold where nobody says otherwise. */
export const defaults: Limits = {
  read: { bytes: 50_000, head: 1 },
  grep: { bytes: 20_000, lines: 200, head: 1 },
  bash: { bytes: 30_000, head: 0.5 },
  index: { bytes: 30_000, head: 0.5 },
  kept: 8 * 1024 * 1024
}

/** The limits that hold. */
export const Limits = Context.Reference<Limits>("@millwright/agents/tools/Truncation/Limits", {
  defaultValue: () => defaults
})

/** What a tool said: all of it in `head`, or the start and the end of it, and how many bytes are between them. */
export interface Said {
  readonly head: string
  readonly tail: string
  readonly missing: number
}

/** Takes what a tool said in the call that it is provided for, when the model reads a part of it only. */
export const Sink = Context.Reference<((said: Said) => void) | undefined>("@millwright/agents/tools/Truncation/Sink", {
  defaultValue: () => undefined
})

/** So much more is looked at than is kept, so that a secret that begins or ends beyond the edge is known as one. */
const margin = 64 * 1024

/** What has to be held of an output, so that `kept` bytes of it can be kept. */
export const held = ({ kept }: Pick<Limits, "kept">): Output.Keep => {
  const half = Math.ceil(kept / 2) + margin
  return { head: half, tail: half }
}

/** What is held of a text. */
export const of = (text: string, limits: Pick<Limits, "kept">): Said => {
  const { head, tail } = held(limits)
  if (text.length <= head + tail) return { head: text, tail: "", missing: 0 }
  const said = { head: start(text, head), tail: end(text, tail) }
  return { ...said, missing: Buffer.byteLength(text) - Buffer.byteLength(said.head) - Buffer.byteLength(said.tail) }
}

/** The model's part of what a tool said. The sink gets what is kept of it, when that is more. */
export const shorten = Effect.fnUntraced(function* (tool: Exclude<keyof Limits, "kept">, said: Said) {
  const limits = yield* Limits
  const secrets = yield* Redaction.Secrets
  const shown = (text: string) => Redaction.scrub(Output.clean(text), secrets)
  const kept = trim({ head: shown(said.head), tail: shown(said.tail), missing: said.missing }, limits.kept)
  const text = cut(kept, limits[tool])
  if (text === undefined) return kept.head
  ;(yield* Sink)?.(kept)
  return text
})

/** The model's part of a text that is there as a whole. */
export const text = (tool: Exclude<keyof Limits, "kept">, whole: string): Effect.Effect<string> =>
  Effect.flatMap(Limits, (limits) => shorten(tool, of(whole, limits)))

/** So much of it, without its margins: what was redacted got shorter, so they are taken off whatever is left. */
const trim = ({ head, missing, tail }: Said, kept: number): Said => {
  const sizes = [Buffer.byteLength(head), Buffer.byteLength(tail)] as const
  const total = sizes[0] + sizes[1] + missing
  if (missing === 0 && total <= kept) return { head: head + tail, tail: "", missing }
  const half = Math.floor(kept / 2)
  const most = (size: number) => (missing === 0 ? half : Math.max(0, Math.min(half, size - margin)))
  const left = { head: start(head, most(sizes[0])), tail: end(missing === 0 ? head + tail : tail, most(sizes[1])) }
  return { ...left, missing: total - Buffer.byteLength(left.head) - Buffer.byteLength(left.tail) }
}

/** Leaves room for the note in the middle, and for what a tool adds below: how a program ended, where to go on. */
const room = 1_000

/** What is read of a text, or nothing where all of it is. */
export const cut = ({ head, missing, tail }: Said, limit: Limit): string | undefined => {
  const total = Buffer.byteLength(head) + Buffer.byteLength(tail) + missing
  const isWhole = missing === 0 && total <= limit.bytes - 300
  const most = limit.lines ?? Infinity
  if (isWhole && lines(head) <= most) return undefined
  const bytes = isWhole ? total : Math.max(0, limit.bytes - room)
  const first = isWhole ? head : start(head, Math.round(bytes * limit.head))
  const last = isWhole ? "" : end(missing === 0 ? head + tail : tail, bytes - Math.round(bytes * limit.head))
  const [top, bottom] = lines(first) + lines(last) <= most ? [first, last] : fewer(first + last, most, limit.head)
  const left = total - Buffer.byteLength(top) - Buffer.byteLength(bottom)
  return [top, `[… ${left} bytes left out …]`, ...(bottom === "" ? [] : [bottom])].join("\n")
}

const lines = (text: string): number => {
  let count = text === "" || text.endsWith("\n") ? 0 : 1
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count++
  return count
}

/** So many lines, from the start and from the end. */
const fewer = (text: string, most: number, head: number): readonly [string, string] => {
  const all = text.replace(/\n$/, "").split("\n")
  const first = Math.round(most * head)
  return [all.slice(0, first).join("\n"), all.slice(all.length - (most - first)).join("\n")]
}

/** The first bytes of a text, and no half of a character. */
const start = (text: string, most: number): string => {
  const bytes = Buffer.from(text.slice(0, most))
  let to = Math.min(bytes.length, most)
  while (to > 0 && to < bytes.length && ((bytes[to] ?? 0) & 0xc0) === 0x80) to--
  return bytes.toString("utf8", 0, to)
}

/** The last bytes of a text, and no half of a character. */
const end = (text: string, most: number): string => {
  if (most <= 0) return ""
  const bytes = Buffer.from(text.slice(-most))
  let from = Math.max(0, bytes.length - most)
  while (from < bytes.length && ((bytes[from] ?? 0) & 0xc0) === 0x80) from++
  return bytes.toString("utf8", from)
}
