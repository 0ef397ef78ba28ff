/**
 * The side of a server in a conversation of JSON-RPC messages as lines. What is no message is answered with an error, and
 * costs nothing else.
 */
import * as Predicate from "effect/Predicate"
import type { Readable, Writable } from "node:stream"
import * as BoundedLines from "../BoundedLines.ts"

/** Where the lines come from and go to. */
export interface Options<Message> {
  readonly input: Readable
  readonly output: Writable
  /** The longest line that is read, in bytes. */
  readonly maxBytes: number
  /** What a line says, when it is a message. */
  readonly read: (raw: unknown) => Message | undefined
  /** Nothing more comes, or nothing more is taken. */
  readonly ended: () => void
}

/** What JSON-RPC calls these errors. */
const codes = { noJson: -32_700, invalid: -32_600 }

/** Messages as lines: a transport of the protocol's. It leaves the streams open. */
export class LineTransport<Message> {
  onclose?: () => void
  onmessage?: (message: Message) => void
  readonly #options: Options<Message>
  readonly #take: (chunk: Uint8Array) => void
  #written: Promise<void> = Promise.resolve()

  constructor(options: Options<Message>) {
    this.#options = options
    const { maxBytes } = options
    const tooLong = (start: string, end: string) =>
      this.#refuse(codes.invalid, `A message has at most ${maxBytes} bytes.`, idIn(start, end))
    this.#take = BoundedLines.make({ maxBytes, line: (line) => this.#read(line), tooLong })
  }

  readonly start = () => {
    const { ended, input, output } = this.#options
    input.on("data", this.#take).once("end", ended).once("close", ended).on("error", ended)
    // Without a listener, a client that goes while it is answered would end the process.
    output.on("error", ended)
    return Promise.resolve()
  }

  readonly send = (message: object): Promise<void> => {
    const written = new Promise<void>((resolve) =>
      this.#options.output.write(`${JSON.stringify(message)}\n`, () => resolve())
    )
    this.#written = Promise.all([this.#written, written]).then(() => {})
    return written
  }

  /** Completes when all that was sent is written. */
  readonly close = async () => {
    this.#options.input.off("data", this.#take).pause()
    await this.#written
    this.onclose?.()
  }

  #read(line: string): void {
    const raw = parsed(line)
    if (raw === undefined) return this.#refuse(codes.noJson, "A line is one JSON-RPC message, and this is no JSON.")
    const message = this.#options.read(raw)
    if (message !== undefined) return this.onmessage?.(message)
    const id = Predicate.hasProperty(raw, "id") ? raw.id : undefined
    this.#refuse(codes.invalid, "This is no JSON-RPC message.", isId(id) ? id : undefined)
  }

  #refuse(code: number, message: string, id?: string | number): void {
    void this.send({ jsonrpc: "2.0", ...(id === undefined ? {} : { id }), error: { code, message } })
  }
}

const isId = (id: unknown): id is string | number => Predicate.isString(id) || Predicate.isNumber(id)

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** A message that is too long has its id at one of its ends, or nobody knows whose it is. */
const idIn = (start: string, end: string): string | number | undefined => {
  const text = /^\{"jsonrpc":"2\.0","id":(\d+|"[^"\\]*"),/.exec(start)?.[1] ?? /,"id":(\d+|"[^"\\]*")\}$/.exec(end)?.[1]
  const id = text === undefined ? undefined : parsed(text)
  return isId(id) ? id : undefined
}
