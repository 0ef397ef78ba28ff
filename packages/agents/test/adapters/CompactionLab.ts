/** The loop before a twin whose script knows three situations: a conversation as it begins, one that is asked for notes, one that goes on. */
import type * as ToolIndex from "@millwright/context/ToolIndex"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as ToolIndexPort from "@millwright/context/ToolIndex"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as LoopHarness from "../../src/adapters/LoopHarness.ts"
import * as Harness from "../../src/Harness.ts"
import * as ModelChoice from "../../src/ModelChoice.ts"
import * as Sessions from "../../src/Sessions.ts"
import * as Lab from "./LoopLab.ts"

export const notes = "## Goal\nTry it.\n## Exact\nThe word is plumbago."

/** A turn that prints about so many tokens, different ones each time. */
export const prints = (name: string, tokens: number): ProviderTwin.Turn =>
  Lab.bash(
    `echo ${name} >> log; for i in $(seq ${Math.ceil(tokens / 8)}); do echo "${name} line number $i of the output"; done`
  )

export interface Options {
  readonly protocol?: Lab.Protocol
  readonly first: ReadonlyArray<ProviderTwin.Turn>
  /** What the model answers when it is asked for notes. */
  readonly noted?: ProviderTwin.Turn
  /** Turns behind a summary, by how many answers were kept. */
  readonly later: ReadonlyArray<ProviderTwin.Turn>
  readonly contextTokens?: number
  readonly loop?: LoopHarness.Options
  readonly contextWindow?: number
  readonly sessions?: Sessions.Sessions["Service"]
  readonly index?: ToolIndex.ToolIndex
  /** Somebody chooses the model, and there is a stronger one. */
  readonly isChosen?: boolean
}

const times = <A>(value: A): ReadonlyArray<A> => Array.from({ length: 60 }, () => value)

export const start = Effect.fnUntraced(function* (options: Options) {
  const { contextTokens, contextWindow, index, protocol = "anthropic", sessions } = options
  const twin = yield* ProviderTwin.make({
    script: {
      conversations: [
        {
          when: { promptIncludes: "This conversation is becoming too long" },
          turns: times(options.noted ?? { text: notes })
        },
        { when: { promptIncludes: "To make room," }, turns: options.later },
        { turns: options.first }
      ]
    },
    ...(contextTokens !== undefined && { contextTokens })
  })
  const given = { apiKey: Redacted.make(Lab.key), model: "m", rehearsed: true, contextWindow }
  const model =
    protocol === "anthropic"
      ? yield* AnthropicModel.make({ ...given, baseUrl: twin.anthropicUrl })
      : yield* OpenAiModel.make({ ...given, baseUrl: twin.openAiUrl })
  const { journal } = yield* MemoryJournal.make
  const built = yield* Layer.build(
    LoopHarness.layerWith(options.loop ?? {}).pipe(
      Layer.provide([
        Layer.succeed(Model.Models, Model.single(model)),
        Layer.succeed(Pricing.Pricing, Lab.cents),
        Layer.succeed(Journal.Journal, journal),
        index === undefined ? Layer.empty : Layer.succeed(ToolIndexPort.ToolIndex, index),
        options.isChosen === true
          ? Layer.succeed(ModelChoice.ModelChoice, {
              ...ModelChoice.tiers(Model.single(model)),
              choose: () => Effect.succeed({ model, candidate: "anthropic/m", hasStronger: true })
            })
          : Layer.empty,
        sessions === undefined ? Layer.empty : Layer.succeed(Sessions.Sessions, sessions)
      ])
    )
  )
  const harness = Context.get(built, Harness.Harness)
  return {
    twin,
    harness,
    run: (changes?: Partial<Harness.Request>) =>
      Effect.gen(function* () {
        const events = yield* Stream.runCollect(harness.run(Lab.request({ maxTurns: 40, ...changes })))
        const last = events.at(-1)
        return last?._tag === "Ended" ? last : yield* Effect.die(`The last event is ${last?._tag}`)
      }),
    /** Bodies of the requests. */
    bodies: Effect.map(twin.requests, (all) => all.map(({ body }) => body)),
    facts: <Tag extends FactoryEvent.Fact["_tag"]>(tag: Tag) =>
      Effect.map(Stream.runCollect(journal.read()), (events) =>
        events.flatMap(({ fact }) =>
          fact._tag === tag ? [fact as Extract<FactoryEvent.Fact, { readonly _tag: Tag }>] : []
        )
      )
  }
})

/** The text of a request, without marks of the cache. */
export const textOf = (body: unknown): string => JSON.stringify(Lab.blocksOf(body))

/** Results whose call is not in the request, and calls without a result. */
export const torn = (body: unknown): ReadonlyArray<string> => {
  const called = new Set<string>()
  const returned = new Set<string>()
  for (const { block, role } of Lab.blocksOf(body)) {
    if (block.type === "tool_use") called.add(String(block.id))
    if (block.type === "tool_result") returned.add(String(block.tool_use_id))
    if (role === "tool") returned.add(String(block.tool_call_id))
    const calls: unknown = block.tool_calls
    if (Array.isArray(calls)) for (const call of calls) called.add(String(call.id))
  }
  return [...[...called].filter((id) => !returned.has(id)), ...[...returned].filter((id) => !called.has(id))]
}

/** The tools of a request. */
export const toolsOf = (body: unknown) =>
  Schema.decodeUnknownSync(Offer)(body).tools.map((tool) => {
    const { cache_control: _, ...rest } = tool
    return rest
  })

const Offer = Schema.Struct({ tools: Schema.Array(Schema.Record(Schema.String, Schema.Json)) })
