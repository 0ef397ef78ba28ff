/** The client of a tool server, for a program that takes tools one by one and knows no MCP server without a process or an address. */
import type * as ToolServer from "@millwright/context/ToolServer"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as CliHarness from "./CliHarness.ts"

const Served = Schema.Struct({ name: Schema.String, description: Schema.String, inputSchema: Schema.Json })
const Greeting = Schema.Struct({ instructions: Schema.String })
const Listing = Schema.Struct({ tools: Schema.Array(Served) })
const Result = Schema.Struct({
  content: Schema.Array(Schema.Struct({ type: Schema.String, text: Schema.optionalKey(Schema.String) })),
  isError: Schema.optionalKey(Schema.Boolean)
})

/** What is served, until the scope closes. */
export interface ServedTools {
  /** What there is to find, and how. */
  readonly instructions: string
  readonly tools: ReadonlyArray<typeof Served.Type>
  readonly call: (name: string, input: unknown) => Effect.Effect<{ readonly ok: boolean; readonly text: string }>
}

/** Connects to a server. */
export const make = Effect.fnUntraced(function* (
  connect: NonNullable<CliHarness.Around["tools"]>
): Effect.fn.Return<ServedTools, never, Scope.Scope> {
  const asked = new Map<unknown, Deferred.Deferred<unknown>>()
  let last = 0
  const connection: ToolServer.Connection = yield* connect((message) =>
    Effect.sync(() => {
      const id = Predicate.hasProperty(message, "id") ? message.id : undefined
      const waiting = asked.get(id)
      // Its other messages are notices that its list changed, which whoever searches is told.
      if (waiting === undefined || !asked.delete(id)) return
      const result = Predicate.hasProperty(message, "result") ? message.result : undefined
      Deferred.doneUnsafe(waiting, Effect.succeed(result))
    })
  )
  const ask = Effect.fnUntraced(function* (method: string, params: object) {
    const id = ++last
    const answer = yield* Deferred.make<unknown>()
    asked.set(id, answer)
    yield* connection.receive({ jsonrpc: "2.0", id, method, params })
    return yield* Deferred.await(answer)
  })
  const greeting = yield* ask("initialize", {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "millwright", version: "1" }
  })
  yield* connection.receive({ jsonrpc: "2.0", method: "notifications/initialized" })
  const listing = Option.getOrElse(decodeListing(yield* ask("tools/list", {})), () => ({ tools: [] }))
  return {
    instructions: Option.getOrElse(decodeGreeting(greeting), () => ({ instructions: "" })).instructions,
    tools: listing.tools,
    call: Effect.fnUntraced(function* (name, input) {
      const said = decodeResult(yield* ask("tools/call", { name, arguments: input ?? {} }))
      if (Option.isNone(said)) return { ok: false, text: `The tool server does not take a call of ${name}.` }
      const { content, isError = false } = said.value
      return { ok: !isError, text: content.map(({ text, type }) => text ?? `[${type}]`).join("\n") }
    })
  }
})

const decodeGreeting = Schema.decodeUnknownOption(Greeting)
const decodeListing = Schema.decodeUnknownOption(Listing)
const decodeResult = Schema.decodeUnknownOption(Result)
