/** What a role of a bench runs on: a real model that was named, or a rehearsed one that plays outcomes. */
import * as LoopHarness from "@millwright/agents/adapters/LoopHarness"
import type * as Harness from "@millwright/agents/Harness"
import * as Rehearsal from "@millwright/agents/testing/Rehearsal"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import * as Budget from "@millwright/core/Budget"
import * as Journal from "@millwright/core/Journal"
import * as Ledger from "@millwright/core/Ledger"
import * as Model from "@millwright/core/Model"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Bench from "./Bench.ts"

/** What every bench of a role can be told about the model. */
export const options = {
  model: {
    type: "string",
    about: "as anthropic/claude-sonnet-5-5, or openai/NAME for all that speaks its protocol (rehearsed)"
  },
  usd: { type: "number", about: "the most that a task may cost, in dollars", default: 1 }
} as const satisfies Bench.Options

/** All that a role needs around it. */
export type Floor = Layer.Layer<Harness.Harness | Journal.Journal | Harness.Workplace, unknown>

/** A model that was named, by its key in the environment. It is asked, free of charge, whether both are right. */
const named = async (name: string): Promise<Model.Model> => {
  const [, provider = "", model = ""] = /^(anthropic|openai)\/(.+)$/.exec(name) ?? []
  if (model === "") throw new Bench.BadInput(`--model takes anthropic/NAME or openai/NAME, not "${name}".`)
  const variable = `${provider.toUpperCase()}_API_KEY`
  const key = process.env[variable]
  const baseUrl = process.env[`${provider.toUpperCase()}_BASE_URL`]
  if (key === undefined || key === "") throw new Bench.BadInput(`${name} needs a key: set ${variable}.`)
  delete process.env[variable]
  const made = { apiKey: Redacted.make(key, { label: variable }), model, ...(baseUrl !== undefined && { baseUrl }) }
  return Effect.gen(function* () {
    const found = yield* provider === "anthropic" ? AnthropicModel.make(made) : OpenAiModel.make(made)
    yield* found.probe
    return found
  }).pipe(
    Effect.mapError(({ message }) => new Bench.BadInput(`${name} can not be asked: ${message}`)),
    Effect.runPromise
  )
}

/** Makes the floors of a bench. The outcomes are what a rehearsed model answers; a real one answers by itself. */
export const make = async ({
  model,
  usd
}: {
  readonly model: string | undefined
  readonly usd: number
}): Promise<{ readonly isRehearsed: boolean; readonly of: (outcomes: Rehearsal.Outcomes) => Floor }> => {
  if (model === undefined) return { isRehearsed: true, of: Rehearsal.layer }
  const real = await named(model)
  const floor = LoopHarness.layer.pipe(
    Layer.provide([Layer.succeed(Model.Models, Model.single(real)), GenAiPrices.layer]),
    Layer.provideMerge(Budget.layer({ usd })),
    Layer.provideMerge(Layer.merge(Layer.fresh(MemoryJournal.layer), NodeServices.layer))
  )
  return { isRehearsed: false, of: () => floor }
}

/** What the calls of a floor cost so far. */
export const spent = Effect.gen(function* () {
  const events = yield* Stream.runCollect((yield* Journal.Journal).read())
  return Ledger.total(Ledger.charges(events.reduce(Ledger.step, Ledger.empty)))
})
