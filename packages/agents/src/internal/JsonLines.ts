/** JSON objects out of a stream of bytes, one a line. What is none is left out; a line that is too long costs no memory. */
import * as Predicate from "effect/Predicate"

/** What a line says. */
export type Message = Readonly<Record<string, unknown>>

/** Takes bytes, and gives the messages that ended in them. */
export interface JsonLines {
  readonly push: (chunk: Uint8Array) => ReadonlyArray<Message>
}

/** Reads lines of at most so many bytes. A last line without an end is none. */
export const make = (maxBytes: number): JsonLines => {
  let parts: Array<Uint8Array> = []
  let size = 0

  const add = (part: Uint8Array) => {
    size += part.length
    if (size > maxBytes) parts = []
    else if (part.length > 0) parts.push(part)
  }

  const end = (): ReadonlyArray<Message> => {
    const text = size > maxBytes ? "" : Buffer.concat(parts).toString("utf8")
    parts = []
    size = 0
    return parsed(text)
  }

  return {
    push: (chunk) => {
      const messages: Array<Message> = []
      let from = 0
      for (let to = chunk.indexOf(10); to !== -1; to = chunk.indexOf(10, from)) {
        add(chunk.subarray(from, to))
        messages.push(...end())
        from = to + 1
      }
      add(chunk.subarray(from))
      return messages
    }
  }
}

const parsed = (text: string): ReadonlyArray<Message> => {
  if (!text.trimStart().startsWith("{")) return []
  try {
    const value: unknown = JSON.parse(text)
    return isMessage(value) ? [value] : []
  } catch {
    return []
  }
}

const isMessage = (value: unknown): value is Message => Predicate.isObject(value) && !Array.isArray(value)
