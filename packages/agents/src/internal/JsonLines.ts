/** JSON objects out of a stream of bytes, one a line. What is none is left out; a line that is too long costs no memory. */
import * as BoundedLines from "@millwright/context/BoundedLines"
import * as Predicate from "effect/Predicate"

/** What a line says. */
export type Message = Readonly<Record<string, unknown>>

/** Takes bytes, and gives the messages that ended in them. */
export interface JsonLines {
  readonly push: (chunk: Uint8Array) => ReadonlyArray<Message>
}

/** Reads lines of at most so many bytes. A last line without an end is none. */
export const make = (maxBytes: number): JsonLines => {
  let messages: Array<Message> = []
  const take = BoundedLines.make({
    maxBytes,
    line: (text) => messages.push(...parsed(text)),
    tooLong: () => {}
  })
  return {
    push: (chunk) => {
      messages = []
      take(chunk)
      return messages
    }
  }
}

const parsed = (text: string): ReadonlyArray<Message> => {
  if (!text.startsWith("{")) return []
  try {
    const value: unknown = JSON.parse(text)
    return isMessage(value) ? [value] : []
  } catch {
    return []
  }
}

const isMessage = (value: unknown): value is Message => Predicate.isObject(value) && !Array.isArray(value)
