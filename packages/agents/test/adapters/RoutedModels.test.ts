import * as NodeServices from "@effect/platform-node/NodeServices"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import type * as Candidate from "@millwright/core/Candidate"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as Scorer from "@millwright/core/Scorer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as RoutedModels from "../../src/adapters/RoutedModels.ts"
import * as ModelChoice from "../../src/ModelChoice.ts"
import * as ModelChoiceTest from "../../src/testing/ModelChoiceTest.ts"
import * as Lab from "./LoopLab.ts"

const options = (model: string) => ({ apiKey: Redacted.make(Lab.key), model, baseUrl: "http://127.0.0.1:9" })
const made = Effect.all({
  "anthropic/tiny": AnthropicModel.make(options("tiny")),
  "anthropic/big": AnthropicModel.make(options("big")),
  "openai/other": OpenAiModel.make(options("other"))
})

const candidate = (provider: string, model: string, tier: Model.Tier): Candidate.Candidate => ({
  provider,
  model,
  tier,
  context: 200_000,
  can: ["tools", "images"],
  cache: provider === "anthropic" ? "written" : "automatic"
})

const routed = Layer.unwrap(
  Effect.map(made, (models) =>
    RoutedModels.layer({
      rules: {
        candidates: [
          candidate("anthropic", "tiny", "small"),
          candidate("anthropic", "big", "large"),
          candidate("openai", "other", "standard")
        ]
      },
      models
    })
  )
).pipe(
  Layer.provide([
    Layer.succeed(Pricing.Pricing, Lab.cents),
    Layer.succeed(Scorer.Scorer, {
      name: "table",
      score: () => Effect.succeed({ "anthropic/tiny": 0.8, "anthropic/big": 0.95, "openai/other": 0.9 })
    }),
    MemoryJournal.layer
  ])
)

ModelChoiceTest.suite("RoutedModels", routed, NodeServices.layer)

ModelChoiceTest.suite(
  "the models of the tiers",
  Layer.effect(
    ModelChoice.ModelChoice,
    Effect.map(AnthropicModel.make(options("m")), (model) => ModelChoice.tiers(Model.single(model)))
  ),
  NodeServices.layer
)
