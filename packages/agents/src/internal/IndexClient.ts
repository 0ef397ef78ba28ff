/** The client of a tool server in our own process, for a program that does not speak MCP and takes tools another way. */
import type * as ToolServer from "@millwright/context/ToolServer"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/** What a tool answered: what is shown to the model, as MCP writes it. */
export interface Answer {
  readonly content: ReadonlyArray<(typeof Called.Type)["content"][number]>
  readonly isError: boolean
}

/** A server that is connected. */
export interface IndexClient {
  /** What the server says of its tools. */
  readonly instructions: string
  readonly tools: ReadonlyArray<(typeof Tools.Type)["tools"][number]>
  readonly call: (name: string, args: unknown) => Effect.Effect<Answer>
}

const Tools = Schema.Struct({
  tools: Schema.Array(
    Schema.Struct({
      name: Schema.NonEmptyString,
      description: Schema.optionalKey(Schema.String),
      inputSchema: Schema.Unknown
    })
  )
})

const Called = Schema.Struct({
  content: Schema.Array(Schema.Record(Schema.String, Schema.Unknown)),
  isError: Schema.optionalKey(Schema.Boolean)
})

type Connect = (
  send: (message: unknown) => Effect.Effect<void>
) => Effect.Effect<ToolServer.Connection, never, Scope.Scope>

/** Connects, and asks for the tools. The connection ends with the scope. */
export const open = Effect.fnUntraced(function* (connect: Connect): Effect.fn.Return<IndexClient, never, Scope.Scope> {
  const waiting = new Map<unknown, Deferred.Deferred<unknown>>()
  const connection = yield* connect((message) => {
    const id = Predicate.hasProperty(message, "id") ? message.id : undefined
    const answer = waiting.get(id)
    // Its other messages are notices that its list changed, which whoever searches is told.
    if (answer === undefined || !waiting.delete(id)) return Effect.void
    return Effect.asVoid(
      Deferred.succeed(answer, Predicate.hasProperty(message, "result") ? message.result : undefined)
    )
  })
  let last = 0
  const ask = Effect.fnUntraced(function* (method: string, params: object) {
    const id = ++last
    const answer = yield* Deferred.make<unknown>()
    waiting.set(id, answer)
    yield* connection.receive({ jsonrpc: "2.0", id, method, params })
    return yield* Effect.ensuring(
      Deferred.await(answer),
      Effect.sync(() => void waiting.delete(id))
    )
  })
  const greeting = yield* ask("initialize", {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "millwright", version: "1" }
  })
  yield* connection.receive({ jsonrpc: "2.0", method: "notifications/initialized" })
  const { tools } = Option.getOrElse(decodeTools(yield* ask("tools/list", {})), () => ({ tools: [] }))
  const instructions = Predicate.hasProperty(greeting, "instructions") ? greeting.instructions : undefined
  return {
    instructions: Predicate.isString(instructions) ? instructions : "",
    tools,
    call: (name, args) =>
      Effect.map(ask("tools/call", { name, arguments: args ?? {} }), (result) =>
        Option.match(decodeCalled(result), { onNone: () => failed, onSome: answered })
      )
  }
})

/** What it says, as one text. What is no text is named. */
export const text = ({ content }: Answer): string =>
  content.map((part) => (Predicate.isString(part["text"]) ? part["text"] : `[${String(part["type"])}]`)).join("\n")

const decodeTools = Schema.decodeUnknownOption(Tools)
const decodeCalled = Schema.decodeUnknownOption(Called)

const answered = ({ content, isError = false }: typeof Called.Type): Answer => ({ content, isError })

const failed: Answer = { content: [{ type: "text", text: "The tool server gave no answer." }], isError: true }
