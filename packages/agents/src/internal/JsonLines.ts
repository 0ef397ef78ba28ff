/** JSON objects out of a stream of bytes, one a line. What is none is left out; a line that is too long costs no memory. */
import * as BoundedLines from "@millwright/context/BoundedLines"
import * as Predicate from "effect/Predicate"

/** What a line says. */
export type Message = Readonly<Record<string, unknown>>

/** Takes bytes, and gives the messages that ended in them. */
export interface JsonLines {
  readonly push: (chunk: Uint8Array) => ReadonlyArray<Message>
}

/** How deep a value may be nested: a model may write what no stack holds, and everybody who looks at it later has one. */
const deepest = 256

/** What stands in the place of what is nested deeper. */
const cut = `nested deeper than ${deepest}`

/** Reads lines of at most so many bytes. A last line without an end is none. */
export const make = (maxBytes: number): JsonLines => {
  let messages: Array<Message> = []
  const take = BoundedLines.make({
    maxBytes,
    line: (text) => messages.push(...message(text)),
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

const message = (text: string): ReadonlyArray<Message> => {
  const read = text.startsWith("{") ? value(text) : undefined
  return isMessage(read) ? [read] : []
}

/** The value that a text is the JSON of, without what is nested too deep; `undefined`: it is none. */
export const value = (text: string): unknown => {
  try {
    return shallow(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Cuts what is nested too deep, in place. */
const shallow = (value: unknown): unknown => {
  let level: ReadonlyArray<unknown> = [value]
  for (let depth = 1; level.length > 0; depth++) {
    const next: Array<unknown> = []
    for (const at of level) {
      if (!isNode(at)) continue
      for (const [key, inner] of Object.entries(at)) {
        if (!isNode(inner)) continue
        if (depth < deepest) next.push(inner)
        // Not by assignment: that would do something else to a key of the name `__proto__`.
        else Object.defineProperty(at, key, { value: cut, configurable: true, enumerable: true, writable: true })
      }
    }
    level = next
  }
  return value
}

const isNode = (value: unknown): value is object => typeof value === "object" && value !== null

const isMessage = (value: unknown): value is Message => Predicate.isObject(value) && !Array.isArray(value)
