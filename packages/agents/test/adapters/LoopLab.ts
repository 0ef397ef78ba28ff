/** The loop before a provider twin, in a workspace of its own, over both protocols. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ToolIndex from "@millwright/context/ToolIndex"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Usage from "@millwright/core/Usage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Http from "node:http"
import * as LoopHarness from "../../src/adapters/LoopHarness.ts"
import * as Harness from "../../src/Harness.ts"

export const key = "twin-key-0123456789abcdef"
export const protocols = ["anthropic", "openai"] as const
export type Protocol = (typeof protocols)[number]

export const modelAt = (protocol: Protocol, url: string) =>
  protocol === "anthropic"
    ? AnthropicModel.make({ apiKey: Redacted.make(key), model: "m", baseUrl: url, rehearsed: true })
    : OpenAiModel.make({ apiKey: Redacted.make(key), model: "m", baseUrl: `${url}/v1`, rehearsed: true })

export const Outcome = Schema.TaggedUnion({ Done: { note: Schema.String } })

export const done = (note: string): ProviderTwin.Turn => ({
  calls: [{ tool: "outcome", arguments: { outcome: { _tag: "Done", note } } }]
})
export const call = (tool: string, args: Schema.Json): ProviderTwin.Call => ({ tool, arguments: args })
export const bash = (script: string, more: object = {}): ProviderTwin.Turn => ({
  calls: [call("bash", { script, ...more })]
})

export const request = (changes: Partial<Harness.Request> = {}): Harness.Request => ({
  role: "Tester",
  tier: "small",
  system: "Role: Tester\n\nYou try a loop out.",
  prompt: "Try it.",
  grants: ["read", "grep", "edit", "write", "bash"],
  outcome: Schema.toCodecJson(Outcome),
  maxTurns: 8,
  ...changes
})

export const cents: Pricing.Pricing["Service"] = { price: () => Usage.known(0.01) }

/** How the loop works, and the index that it may have. */
export interface Around {
  readonly index?: ToolIndex.ToolIndex
  readonly options: LoopHarness.Options
  /** Default: {@link cents}. */
  readonly pricing?: Pricing.Pricing["Service"]
}

/** The loop with a model at an address, and a journal of its own. */
export const at = Effect.fnUntraced(function* (protocol: Protocol, url: string, around?: Around) {
  const model = yield* modelAt(protocol, url)
  const { journal } = yield* MemoryJournal.make
  const built = yield* Layer.build(
    LoopHarness.layerWith(around?.options ?? {}).pipe(
      Layer.provide([
        Layer.succeed(Model.Models, Model.single(model)),
        Layer.succeed(Pricing.Pricing, around?.pricing ?? cents),
        Layer.succeed(Journal.Journal, journal),
        around?.index === undefined ? Layer.empty : Layer.succeed(ToolIndex.ToolIndex, around.index)
      ])
    )
  )
  const harness = Context.get(built, Harness.Harness)
  const events: Array<Harness.HarnessEvent> = []
  return {
    harness,
    journal,
    events,
    run: (changes?: Partial<Harness.Request>) =>
      Stream.runForEach(harness.run(request(changes)), (event) => Effect.sync(() => events.push(event))).pipe(
        Effect.andThen(
          Effect.suspend(() => {
            const last = events.at(-1)
            return last?._tag === "Ended" ? Effect.succeed(last) : Effect.die(`The last event is ${last?._tag}`)
          })
        )
      ),
    /** Everything in the journal. */
    all: Stream.runCollect(journal.read()),
    facts: <Tag extends FactoryEvent.Fact["_tag"]>(tag: Tag) =>
      Effect.map(Stream.runCollect(journal.read()), (events) =>
        events.flatMap(({ fact }) =>
          fact._tag === tag ? [fact as Extract<FactoryEvent.Fact, { readonly _tag: Tag }>] : []
        )
      )
  }
})

const Offer = Schema.Struct({
  tools: Schema.Array(
    Schema.Struct({
      name: Schema.optionalKey(Schema.String),
      function: Schema.optionalKey(Schema.Struct({ name: Schema.String }))
    })
  )
})

const Said = Schema.Struct({
  messages: Schema.Array(
    Schema.StructWithRest(Schema.Struct({ role: Schema.String }), [Schema.Record(Schema.String, Schema.Json)])
  )
})

/** All that was said in a request, one block after the other, without the marks of the cache, which move. */
export const blocksOf = (
  body: unknown
): ReadonlyArray<{ readonly role: string; readonly block: Record<string, unknown> }> =>
  Schema.decodeUnknownSync(Said)(body).messages.flatMap((message) =>
    Array.isArray(message.content)
      ? message.content.map((part: object) => {
          const { cache_control: _, ...block } = part as Record<string, unknown>
          return { role: message.role, block }
        })
      : [{ role: message.role, block: message }]
  )

/** The loop before a twin that plays these turns. */
export const start = Effect.fnUntraced(function* (
  protocol: Protocol,
  turns: ReadonlyArray<ProviderTwin.Turn>,
  around?: Around
) {
  const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] }, apiKey: Redacted.make(key) })
  const blocks = (index: number) => Effect.map(twin.requests, (all) => blocksOf(all.at(index)?.body))
  return {
    ...(yield* at(protocol, twin.anthropicUrl, around)),
    twin,
    blocks,
    /** The results of tools that a request ends with. */
    results: (index: number) =>
      Effect.map(blocks(index), (blocks) =>
        blocks
          .slice(blocks.findLastIndex(({ role }) => role === "assistant") + 1)
          .flatMap(({ block, role }) =>
            role === "tool" || block.type === "tool_result" ? [String(block.content)] : []
          )
      ),
    /** The names of the tools that a request offers. */
    offered: (index: number) =>
      Effect.map(twin.requests, (all) =>
        Schema.decodeUnknownSync(Offer)(all.at(index)?.body).tools.map((tool) => tool.name ?? tool.function?.name)
      )
  }
})

/** A provider that answers each request with the next of these bodies of server-sent events, and keeps what it got. */
export const answering = (answers: ReadonlyArray<ReadonlyArray<object>>) => {
  const bodies: Array<string> = []
  return Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const server = Http.createServer((request, response) => {
        let body = ""
        request
          .setEncoding("utf8")
          .on("data", (text: string) => (body += text))
          .on("end", () => {
            const events = answers[Math.min(bodies.length, answers.length - 1)] ?? []
            bodies.push(body)
            response.writeHead(200, { "content-type": "text/event-stream" })
            response.end(
              events
                .map((event) => `${"type" in event ? `event: ${event.type}\n` : ""}data: ${JSON.stringify(event)}\n\n`)
                .join("")
            )
          })
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      return { bodies, url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}` }
    })
  )
}

export const Services = NodeServices.layer
