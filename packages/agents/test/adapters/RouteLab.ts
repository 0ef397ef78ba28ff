/** The loop with a router before a twin of Anthropic and one of OpenAI, in a workspace of its own. */
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ToolIndex from "@millwright/context/ToolIndex"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import type * as Candidate from "@millwright/core/Candidate"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as Scorer from "@millwright/core/Scorer"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Usage from "@millwright/core/Usage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as LoopHarness from "../../src/adapters/LoopHarness.ts"
import * as RoutedModels from "../../src/adapters/RoutedModels.ts"
import * as Harness from "../../src/Harness.ts"
import * as Sessions from "../../src/Sessions.ts"
import * as Lab from "./LoopLab.ts"

/** Three of one provider, each better and dearer than the one before, and one of another that is as good as the second. */
const qualities = { "anthropic/tiny": 0.8, "anthropic/middle": 0.85, "anthropic/big": 0.95, "openai/other": 0.85 }
const prices = { tiny: 1, middle: 3, big: 15, other: 4 } as const

export type Name = keyof typeof qualities
export const names = Object.keys(qualities) as ReadonlyArray<Name>

const candidate = (name: Name, context: number): Candidate.Candidate => {
  const [provider = "", model = ""] = name.split("/")
  return {
    provider,
    model,
    tier: model === "tiny" ? "small" : model === "big" ? "large" : "standard",
    context,
    can: ["tools", "images"],
    cache: provider === "anthropic" ? "written" : "automatic"
  }
}

/** Dollars for a million tokens of input; other kinds in the usual proportion. */
const pricing: Pricing.Pricing["Service"] = {
  price: ({ model, usage }) => {
    const price = prices[model as keyof typeof prices]
    const tokens = usage.input + 0.1 * usage.cacheRead + 1.25 * usage.cacheWrite + 5 * usage.output
    return Usage.known((price * tokens) / 1_000_000)
  }
}

export interface Around {
  /** What each provider plays. The number of answers in a conversation says which turn is next, whoever gave them. */
  readonly anthropic?: ReadonlyArray<ProviderTwin.Turn>
  readonly openai?: ReadonlyArray<ProviderTwin.Turn>
  readonly candidates?: ReadonlyArray<Name>
  /** What each candidate says of its family. */
  readonly families?: (model: string) => { readonly family: string }
  readonly contexts?: Readonly<Partial<Record<Name, number>>>
  readonly rules?: object
  readonly routed?: Partial<RoutedModels.Options>
  readonly scores?: Scorer.Scorer["Service"]["score"]
  /** Another server in the place of the twin of OpenAI. */
  readonly openAiUrl?: string
  readonly thinking?: boolean
  readonly contextTokens?: number
  readonly index?: ToolIndex.ToolIndex
  readonly options?: LoopHarness.Options
}

export const start = Effect.fnUntraced(function* (around: Around) {
  const { anthropic = [], contexts = {}, openai = anthropic } = around
  const twinOf = (turns: ReadonlyArray<ProviderTwin.Turn>, contextTokens?: number) =>
    ProviderTwin.make({ script: { conversations: [{ turns }] }, apiKey: Redacted.make(Lab.key), contextTokens })
  const twins = { anthropic: yield* twinOf(anthropic, around.contextTokens), openai: yield* twinOf(openai) }
  const made: Record<string, Model.Model> = {}
  const ids = around.candidates ?? names
  for (const id of ids) {
    const [provider, model = ""] = id.split("/")
    const options = { apiKey: Redacted.make(Lab.key), model, rehearsed: true }
    made[id] =
      provider === "anthropic"
        ? yield* AnthropicModel.make({
            ...options,
            baseUrl: twins.anthropic.anthropicUrl,
            ...(around.thinking === true && { thinking: { type: "enabled", budget_tokens: 1_024 } })
          })
        : yield* OpenAiModel.make({ ...options, baseUrl: around.openAiUrl ?? twins.openai.openAiUrl })
  }
  const { journal } = yield* MemoryJournal.make
  const floor = Layer.mergeAll(
    Layer.succeed(Pricing.Pricing, pricing),
    Layer.succeed(Journal.Journal, journal),
    Layer.succeed(Scorer.Scorer, {
      name: "table",
      score: around.scores ?? (() => Effect.succeed(qualities))
    }),
    Sessions.layerMemory,
    around.index === undefined ? Layer.empty : Layer.succeed(ToolIndex.ToolIndex, around.index)
  )
  const built = yield* Layer.build(
    LoopHarness.layerWith(around.options ?? {}).pipe(
      Layer.provideMerge(
        RoutedModels.layer({
          rules: {
            candidates: ids.map((id) => ({
              ...candidate(id, contexts[id] ?? 200_000),
              ...around.families?.(id.split("/")[1] ?? "")
            })),
            ...around.rules
          },
          models: made,
          ...around.routed
        })
      ),
      Layer.provideMerge(floor)
    )
  )
  const harness = Context.get(built, Harness.Harness)
  const sessions = Context.get(built, Sessions.Sessions)
  const events: Array<Harness.HarnessEvent> = []
  const facts = <Tag extends FactoryEvent.Fact["_tag"]>(tag: Tag) =>
    Effect.map(Stream.runCollect(journal.read()), (events) =>
      events.flatMap(({ fact }) =>
        fact._tag === tag ? [fact as Extract<FactoryEvent.Fact, { readonly _tag: Tag }>] : []
      )
    )
  return {
    twins,
    harness,
    models: Context.get(built, Model.Models),
    journal,
    sessions,
    events,
    facts,
    run: (changes?: Partial<Harness.Request>) =>
      Effect.gen(function* () {
        const all = yield* Stream.runCollect(
          harness.run(Lab.request(changes)).pipe(Stream.tap((event) => Effect.sync(() => events.push(event))))
        )
        const last = all.at(-1)
        return last?._tag === "Ended" ? last : yield* Effect.die(`The last event is ${last?._tag}`)
      }),
    /** Who was chosen, in order, and why. */
    chosen: Effect.map(facts("ModelChosen"), (all) => all.map(({ decision }) => decision.chosen)),
    /** The models that were called, in order. */
    called: Effect.map(facts("ModelCalled"), (all) => all.map(({ model, provider }) => `${provider}/${model}`)),
    bodies: (provider: "anthropic" | "openai") =>
      Effect.map(twins[provider].requests, (all) => all.map(({ body }) => JSON.stringify(body)))
  }
})

/** The provider wants to be left alone for longer than anybody waits. */
export const overloaded: ProviderTwin.Breakage = { _tag: "Refuse", status: 529, retryAfter: 3_600 }

/** An index of many tools. */
export const indexOf = (sources: Parameters<typeof SourceIndex.make>[0]) =>
  Effect.tap(SourceIndex.make(sources), (index) => index.settled)
