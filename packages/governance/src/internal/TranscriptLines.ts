/**
 * JSON objects out of bytes: one in each line, or one over many lines, or several of either kind behind each other. No more is kept than
 * one object and no more of that than a limit. What is none is told, with its place; nothing is left out in silence.
 *
 * A line that broke off before its end, and one behind it that is whole, are not taken for one object over two lines: the second one is
 * an object for itself.
 */
import * as Digest from "@millwright/core/Digest"
import type * as Transcript from "../Transcript.ts"
import type { JsonObject, Line } from "../TranscriptReader.ts"
import * as SpareBytes from "./SpareBytes.ts"
import * as Field from "./TranscriptField.ts"

/** A piece of a file that is no object. */
export interface Broken {
  readonly line: number
  readonly bytes: number
  readonly why: Transcript.Why
  readonly digest: () => Digest.Digest
}

/** What is done with what is found. */
export interface Handler {
  readonly maxBytes: number
  readonly found: (line: Line) => void
  readonly broken: (piece: Broken) => void
}

/** Takes bytes until they end. */
export interface TranscriptLines {
  readonly take: (chunk: Uint8Array) => void
  readonly end: () => void
}

/** An object that goes over several lines and has not ended. */
interface Open {
  readonly lines: Array<{ readonly text: string; readonly line: number }>
  /** The brackets that are open. */
  readonly stack: Array<string>
  /** The last character that is no space. */
  last: string
  size: number
}

/** Begins a file. */
export const make = ({ broken, found, maxBytes }: Handler): TranscriptLines => {
  // The beginning of a line that has not ended.
  let held: Buffer = nothing
  let size = 0
  let number = 1
  let open: Open | undefined

  const tell = (text: string, line: number, value = parse(text)) => {
    const digest = () => Digest.of(text)
    const bytes = () => Buffer.byteLength(text)
    if (value) found({ value, line, digest, bytes })
    else broken({ line, bytes: bytes(), why: value === undefined ? "NotJson" : "Unknown", digest })
  }

  /** It will not end: what of it is an object by itself is one, and the rest is one piece that is broken. */
  const giveUp = () => {
    if (open === undefined) return
    const { lines } = open
    open = undefined
    const whole = lines.map(({ text }) => Boolean(parse(text)))
    const rest = lines.filter((_, at) => whole[at] !== true).map(({ text }) => text)
    const text = rest.join("\n")
    const line = lines[whole.indexOf(false)]?.line ?? number
    broken({ line, bytes: Buffer.byteLength(text), why: "NotJson", digest: () => Digest.of(text) })
    for (const [at, each] of lines.entries()) if (whole[at] === true) tell(each.text, each.line)
  }

  /** A line that is no object by itself: a part of one, or several. */
  const scan = (text: string, line: number) => {
    let from = 0
    let isInText = false
    for (let at = 0; at < text.length; at++) {
      const char = text.charAt(at)
      if (isInText) {
        if (char === "\\") at++
        else if (char === '"') isInText = false
        continue
      }
      if (char === " " || char === "\t") continue
      if (open === undefined) {
        if (char !== "{" && char !== "[") return tell(text.slice(at), line)
        open = { lines: [], stack: [], last: "", size: 0 }
        from = at
      }
      if (char === '"') isInText = true
      else if (char === "{" || char === "[") open.stack.push(char)
      else if (char === "}" || char === "]") open.stack.pop()
      open.last = char
      if (open.stack.length > 0) continue
      const before = open.lines
      open = undefined
      tell([...before.map(({ text }) => text), text.slice(from, at + 1)].join("\n"), before[0]?.line ?? line)
      from = at + 1
    }
    if (open === undefined) return
    const part = text.slice(from)
    open.lines.push({ text: part, line })
    open.size += part.length
    // A text of JSON does not go over the end of a line.
    if (isInText || open.size > maxBytes) giveUp()
  }

  const take = (given: string) => {
    // A byte order mark is space too.
    const text = given.trim()
    if (text === "") return
    if (open === undefined) {
      const value = parse(text)
      return value ? tell(text, number, value) : scan(text, number)
    }
    // In an object, another one stands behind a colon only.
    if (text.startsWith("{") && open.stack.at(-1) === "{" && open.last !== ":") {
      giveUp()
      return take(text)
    }
    scan(text, number)
  }

  const release = () => {
    SpareBytes.give(held)
    held = nothing
  }

  /** Keeps a part of a line. Whoever gave it may use its memory again. */
  const keep = (part: Uint8Array) => {
    if (size + part.length <= maxBytes) {
      if (held.length < size + part.length) {
        const more = SpareBytes.take(size + part.length)
        held.copy(more, 0, 0, size)
        release()
        held = more
      }
      held.set(part, size)
    }
    size += part.length
  }

  /** A line ends with this part of it. */
  const end = (part: Uint8Array) => {
    if (size + part.length > maxBytes) {
      giveUp()
      const bytes = size + part.length
      const place = `${number}:${bytes}`
      broken({ line: number, bytes, why: "TooLong", digest: () => Digest.of(place) })
    } else if (size === 0) take(decode(part))
    else {
      keep(part)
      take(decode(held.subarray(0, size)))
    }
    size = 0
    number++
    release()
  }

  return {
    take: (chunk) => {
      let from = 0
      for (let to = chunk.indexOf(10); to !== -1; to = chunk.indexOf(10, from)) {
        end(chunk.subarray(from, to))
        from = to + 1
      }
      if (from < chunk.length) keep(chunk.subarray(from))
    },
    end: () => {
      end(nothing)
      giveUp()
      release()
    }
  }
}

const nothing = Buffer.alloc(0)

const decode = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString("utf8")

/** `null`: it is JSON, and no object. `undefined`: it is none. */
const parse = (text: string): JsonObject | null | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return Field.isObject(value) ? value : null
  } catch {
    return undefined
  }
}
