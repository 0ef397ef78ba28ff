/** The candidates, and the models behind them: real ones where there is a key, and otherwise rehearsed ones on loopback. */
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import * as Candidate from "@millwright/core/Candidate"
import type * as Model from "@millwright/core/Model"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Keys } from "../01-issue-to-change/models.ts"
import * as Rehearsal from "./rehearsal.ts"

const claude = (model: string, tier: Model.Tier): Candidate.Candidate => ({
  provider: "anthropic",
  model,
  tier,
  context: 200_000,
  can: ["tools", "images"],
  cache: "written"
})

const gpt = (model: string, tier: Model.Tier): Candidate.Candidate => ({
  provider: "openai",
  model,
  tier,
  context: 400_000,
  can: ["tools", "images"],
  cache: "automatic"
})

/** From the cheapest to the strongest. */
const all: ReadonlyArray<Candidate.Candidate> = [
  claude("claude-haiku-4-5", "small"),
  gpt("gpt-5.4", "standard"),
  claude("claude-sonnet-5-5", "standard"),
  claude("claude-opus-5-5", "large")
]

/** Makes the models that there are keys for, and says in one line which those are. Real ones are probed, free of charge. */
export const make = Effect.fnUntraced(function* ({ anthropic, anthropicUrl, openAi, openAiUrl }: Keys) {
  const isRehearsed = anthropic === undefined && openAi === undefined
  const twins = isRehearsed
    ? {
        anthropic: yield* ProviderTwin.make({ script: Rehearsal.script }),
        openai: yield* ProviderTwin.make({ script: Rehearsal.script })
      }
    : undefined
  const key = Redacted.make("rehearsal")
  const at = {
    anthropic: {
      apiKey: twins === undefined ? anthropic : key,
      baseUrl: twins?.anthropic.anthropicUrl ?? anthropicUrl
    },
    openai: { apiKey: twins === undefined ? openAi : key, baseUrl: twins?.openai.openAiUrl ?? openAiUrl }
  }
  const made: Array<readonly [Candidate.Candidate, Model.Model]> = []
  for (const candidate of all) {
    const { apiKey, baseUrl } = candidate.provider === "anthropic" ? at.anthropic : at.openai
    if (apiKey === undefined) continue
    const options = { apiKey, baseUrl, model: candidate.model, rehearsed: isRehearsed }
    const model = yield* candidate.provider === "anthropic" ? AnthropicModel.make(options) : OpenAiModel.make(options)
    if (!isRehearsed) yield* model.probe
    made.push([candidate, model])
  }
  const candidates = made.map(([candidate]) => candidate)
  return {
    candidates,
    models: Object.fromEntries(made.map(([candidate, model]) => [Candidate.idOf(candidate), model])),
    strongest: Candidate.idOf(candidates.at(-1) ?? { provider: "", model: "" }),
    /** What breaks in a rehearsal. */
    outage: twins?.anthropic.breakNext([{ _tag: "Refuse", status: 529, retryAfter: 3_600 }]),
    line: isRehearsed
      ? "The models are REHEARSED: loopback servers play a script over the wire protocols of Anthropic and OpenAI. Set ANTHROPIC_API_KEY, OPENAI_API_KEY or both for real ones."
      : `The models are ${candidates.map(Candidate.idOf).join(", ")}.`
  }
})
