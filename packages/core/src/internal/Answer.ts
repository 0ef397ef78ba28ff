/** An **answer** of a provider as it streams in: what every adapter does with it, whatever its protocol. */
import * as AiError from "effect/ai/AiError"
import type * as Response from "effect/ai/Response"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"

/** Turns the events of one answer into parts. It keeps what it has seen, so each answer has its own. */
export interface Reader<Event> {
  readonly read: (event: Event) => ReadonlyArray<Response.StreamPartEncoded>
  /** Nothing more can come. A connection that stays open is not waited for. */
  readonly isOver: () => boolean
  /** What is left to say once the events are over; `undefined` when the answer is not complete. */
  readonly end: () => ReadonlyArray<Response.StreamPartEncoded> | undefined
}

/** Opens a request and reads its answer. A connection that ends early is the error `cut`, never a short answer. */
export const stream = <Event>(options: {
  readonly open: (signal: AbortSignal) => PromiseLike<AsyncIterable<Event>>
  readonly reader: () => Reader<Event>
  readonly failed: (thrown: unknown) => AiError.AiError
  readonly cut: () => AiError.AiError
}): Stream.Stream<Response.StreamPartEncoded, AiError.AiError> => {
  const failed = (thrown: unknown) => (AiError.isAiError(thrown) ? thrown : options.failed(thrown))
  return Stream.unwrap(
    Effect.gen(function* () {
      const request = yield* Effect.acquireRelease(
        Effect.sync(() => ({ controller: new AbortController(), isOver: false })),
        // What came to its end has nothing to abort, and making the reason of an abort costs more than all else here.
        ({ controller, isOver }) => Effect.sync(() => void (isOver || controller.abort()))
      )
      const events = yield* Effect.tryPromise({ try: () => options.open(request.controller.signal), catch: failed })
      const parts = read(events, { reader: options.reader(), cut: options.cut, ended: () => (request.isOver = true) })
      return Stream.flattenIterable(Stream.fromAsyncIterable(parts, failed))
    })
  )
}

/** How long the end of the connection is waited for when there is nothing more to say, in milliseconds. */
const farewell = 1_000

type Parts = ReadonlyArray<Response.StreamPartEncoded>

/** What comes next of an answer. */
type Next =
  | { readonly _tag: "Parts"; readonly parts: Parts }
  | { readonly _tag: "End" }
  | { readonly _tag: "Broke"; readonly thrown: unknown }

/** The parts of an answer. Those of all events that are there are given at once, since each giving costs as much as many parts. */
async function* read<Event>(
  events: AsyncIterable<Event>,
  {
    cut,
    ended,
    reader
  }: { readonly reader: Reader<Event>; readonly cut: () => AiError.AiError; readonly ended: () => void }
): AsyncGenerator<Parts> {
  const iterator = events[Symbol.asyncIterator]()
  // An event of another shape than the protocol's is a failure of the server, and of nobody here.
  const next = (): Promise<Next> =>
    iterator
      .next()
      .then((result): Next =>
        result.done === true ? { _tag: "End" } : { _tag: "Parts", parts: reader.read(result.value) }
      )
      .catch((thrown: unknown): Next => ({ _tag: "Broke", thrown }))
  let parts: Array<Response.StreamPartEncoded> = []
  for (let coming = next(); ;) {
    const came = await (parts.length > 0 ? there(coming) : reader.isOver() ? soon(coming) : coming)
    if (came?._tag === "Parts") {
      parts.push(...came.parts)
      coming = next()
    } else if (parts.length > 0 && came?._tag !== "End") {
      yield parts
      parts = []
    } else if (came?._tag === "Broke" && !reader.isOver()) {
      throw came.thrown
    } else {
      // When all was said, it is of no matter what breaks, or stays open.
      if (came?._tag === "End") ended()
      const rest = reader.end()
      yield [...parts, ...(rest ?? [])]
      if (rest === undefined) throw cut()
      return
    }
  }
}

/** What is there already. */
const there = <A>(coming: Promise<A>): Promise<A | undefined> =>
  Promise.race([coming, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))])

/** What comes within a moment. */
const soon = <A>(coming: Promise<A>): Promise<A | undefined> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), farewell)
    void coming.then((value) => {
      clearTimeout(timer)
      resolve(value)
    })
  })

/** The whole answer, from its stream. */
export const collect = <E>(
  parts: Stream.Stream<Response.StreamPartEncoded, E>
): Effect.Effect<Array<Response.PartEncoded>, E> => Effect.map(Stream.runCollect(parts), whole)

const whole = (parts: ReadonlyArray<Response.StreamPartEncoded>): Array<Response.PartEncoded> => {
  const answer: Array<Response.PartEncoded> = []
  let text = ""
  for (const part of parts) {
    switch (part.type) {
      case "text-start":
      case "reasoning-start":
        text = ""
        break
      case "text-delta":
      case "reasoning-delta":
        text += part.delta
        break
      case "text-end":
        answer.push({ type: "text", text, metadata: part.metadata })
        break
      case "reasoning-end":
        answer.push({ type: "reasoning", text, metadata: part.metadata })
        break
      case "tool-call":
      case "response-metadata":
      case "finish":
        answer.push(part)
    }
  }
  return answer
}

/** The key under which arguments that are no JSON go back to the model. */
export const invalidKey = "INVALID_JSON"

/** How deep the values of parameters stand within each other, at most: who walks down without end runs out of stack. */
const deepest = 256

const isTooDeep = (value: unknown): boolean => {
  let level = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return true
    level = level.flatMap((each) => (Predicate.isObjectOrArray(each) ? Object.values(each) : []))
  }
  return false
}

/** The parameters of a tool call. Text that is no JSON stays text: the caller's schema refuses it and the model hears why. */
export const parameters = (json: string): unknown => {
  if (json.trim() === "") return {}
  try {
    const read: unknown = JSON.parse(json)
    return isTooDeep(read) ? json : read
  } catch {
    return json
  }
}

/** The parameters of an earlier tool call, as the object that both protocols want. */
export const replayed = (params: unknown): Record<string, unknown> =>
  Predicate.isObject(params) && !Array.isArray(params)
    ? { ...params }
    : params === undefined || params === null
      ? {}
      : { [invalidKey]: params }

/** The name of an earlier tool call. A model can call a tool by any name, and no provider takes any name back. */
export const replayedName = (name: string): string => {
  const clean = name.replace(/[^a-zA-Z0-9_-]/gu, "_").slice(0, 64)
  return clean === "" ? "unnamed" : clean
}

/** How many tokens a server says, whatever it says it with. What is no number of them is none. */
export const count = (said: unknown): number => {
  const number = Predicate.isString(said) ? Number.parseFloat(said) : said
  return Predicate.isNumber(number) && number > 0 && number <= Number.MAX_SAFE_INTEGER ? Math.floor(number) : 0
}

/** A text that a server may have left out, or written as something else. */
export const textOf = (said: unknown): string | undefined => (Predicate.isString(said) ? said : undefined)

/** The result of a tool as text. */
export const resultText = (result: unknown): string => {
  const text = Predicate.isString(result) ? result : (JSON.stringify(result) ?? "")
  return text.trim() === "" ? "(no output)" : text
}

/** What stands where a file stood that the protocol has no place for. */
export const fileNote = (file: { readonly mediaType: string; readonly fileName?: string | undefined }): string =>
  `[A file was left out: ${file.fileName ?? "no name"}, ${file.mediaType}]`
