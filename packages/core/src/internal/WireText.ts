/**
 * The body of a request as bytes. A request holds the whole conversation, and all of it but its end was in the one before: what
 * a conversation began with is written once, and its bytes are kept for as long as its first message is.
 */
import type * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"

type Messages = ReadonlyArray<Prompt.Message>

/** The first messages of a conversation as they were sent. */
interface Written {
  readonly messages: Messages
  readonly count: number
  readonly key: string
  readonly bytes: Buffer
  readonly length: number
}

/** How a conversation is written. */
export interface Options {
  readonly messages: Messages
  /** How many of the first messages are settled: they are written the same whatever follows them. */
  readonly settled: number
  /** What else decides how they are written. Another key writes them anew. */
  readonly key: string
  /** What stands for messages that follow `from` others. The last ones may be written as the end of the conversation. */
  readonly write: (stretch: Messages, from: number, isEnd: boolean) => ReadonlyArray<object>
}

/** Writes conversations: the items of a JSON list without its brackets, those that are settled and those that are not. */
export type Transcript = (options: Options) => ReadonlyArray<Uint8Array>

/** Makes what writes the conversations with one model. */
export const transcripts = (): Transcript => {
  const known = new WeakMap<Prompt.Message, Written>()
  return ({ key, messages, settled: count, write }) => {
    const first = messages[0]
    const end = count < messages.length ? itemsOf(write(messages.slice(count), count, true)) : ""
    if (first === undefined || count === 0) return [Buffer.from(end)]
    const before = known.get(first)
    const goesOn = before !== undefined && before.key === key && before.count <= count && isPrefix(before, messages)
    const from = goesOn ? before.count : 0
    const text = itemsOf(write(messages.slice(from, count), from, false))
    const last = goesOn ? before : { bytes: Buffer.allocUnsafe(4_096), length: 0 }
    const added = last.length > 0 && text !== "" ? `,${text}` : text
    const size = last.length + Buffer.byteLength(added)
    const bytes = size <= last.bytes.length ? last.bytes : grown(last, size)
    bytes.write(added, last.length)
    known.set(first, { messages, count, key, bytes, length: size })
    return [bytes.subarray(0, size), Buffer.from(end)]
  }
}

const itemsOf = (values: ReadonlyArray<object>): string => values.map(jsonOf).join(",")

/** Half of a surrogate pair, as `JSON.stringify` writes it. A backslash that is text stands there twice. */
const loneSurrogate = /((?<!\\)(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g

/** A value as JSON that every API reads. Half of a character is no text, and is refused for good: it is shown as one that is unknown. */
export const jsonOf = (value: object): string => {
  const json = JSON.stringify(value)
  return json.includes("\\ud") ? json.replace(loneSurrogate, "$1\\ufffd") : json
}

/** The message behind what is settled is what settles it. */
const isPrefix = ({ count, messages: before }: Written, messages: Messages): boolean => {
  const end = Math.min(count + 1, before.length)
  for (let at = 0; at < end; at++) if (before[at] !== messages[at]) return false
  return true
}

const grown = ({ bytes, length }: Pick<Written, "bytes" | "length">, size: number): Buffer => {
  const next = Buffer.allocUnsafe(2 * size)
  bytes.copy(next, 0, 0, length)
  return next
}

/**
 * What an SDK is to send in place of a body: `messages` are items of a list, in stretches that follow each other. They are sent
 * from where they stand: a `fetch` copies bytes twice, and what is outside of its heap makes V8 collect all of it every few turns.
 */
export const body = (rest: object, messages: ReadonlyArray<Uint8Array>) => {
  const [first = nothing, ...others] = messages.filter(({ length }) => length > 0)
  const head = Buffer.from(`${jsonOf(rest).slice(0, -1)},"messages":[`)
  // What is not kept is short. In one piece it is one write to the connection.
  const tail = Buffer.concat([...others.flatMap((stretch) => [comma, stretch]), end])
  const all = [head, first, tail].filter(({ length }) => length > 0)
  return {
    body: new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const bytes of all) controller.enqueue(bytes)
        controller.close()
      }
    }),
    headers: {
      "content-type": "application/json",
      // A stream says nothing of its length, and some proxies and small servers take no body without.
      "content-length": String(all.reduce((size, { length }) => size + length, 0))
    }
  }
}

const nothing = Buffer.alloc(0)
const comma = Buffer.from(",")
const end = Buffer.from("]}")

const schemas = new WeakMap<Tool.Any, ReturnType<typeof Tool.getJsonSchema>>()

/** The JSON Schema of a tool's parameters, made once. */
export const parametersOf = (tool: Tool.Any): ReturnType<typeof Tool.getJsonSchema> => {
  const known = schemas.get(tool) ?? Tool.getJsonSchema(tool)
  schemas.set(tool, known)
  return known
}
