/** Which model answers: a real one when there is a key, and otherwise a rehearsed one on loopback. */
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import * as Model from "@millwright/core/Model"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Intake from "./intake.ts"

/** What the environment says about models. Keys are taken out of the environment before anything else runs. */
export interface Keys {
  readonly anthropic: Redacted.Redacted<string> | undefined
  readonly anthropicUrl: string | undefined
  readonly openAi: Redacted.Redacted<string> | undefined
  readonly openAiUrl: string | undefined
}

/** The model that is used when none is named. */
export const defaults = { anthropic: "claude-sonnet-5-5", openAi: "gpt-5" }

/**
 * Makes the model, and says in one line which one it is. A real one is probed, free of charge: a bad key, an unknown
 * model or a server that is down is refused before anything is changed.
 */
export const make = Effect.fnUntraced(function* (
  keys: Keys,
  options: {
    readonly model: string | undefined
    readonly rehearsal: string
  }
) {
  if (keys.anthropic !== undefined) {
    const model = yield* AnthropicModel.make({
      apiKey: keys.anthropic,
      model: options.model ?? defaults.anthropic,
      ...(keys.anthropicUrl && { baseUrl: keys.anthropicUrl })
    })
    yield* model.probe
    return {
      model,
      line: `The model is ${model.name} of Anthropic${keys.anthropicUrl ? ` at ${keys.anthropicUrl}` : ""}.`
    }
  }
  // A server of one's own often wants no key; the protocol wants one.
  const openAi = keys.openAi ?? (keys.openAiUrl ? Redacted.make("none") : undefined)
  if (openAi !== undefined) {
    const model = yield* OpenAiModel.make({
      apiKey: openAi,
      model: options.model ?? defaults.openAi,
      ...(keys.openAiUrl && { baseUrl: keys.openAiUrl })
    })
    yield* model.probe
    return {
      model,
      line: `The model is ${model.name}, over the OpenAI protocol${keys.openAiUrl ? ` at ${keys.openAiUrl}` : ""}.`
    }
  }
  const files = yield* FileSystem.FileSystem
  const script = yield* files.readFileString(options.rehearsal).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Schema.fromJsonString(ProviderTwin.Script))),
    Effect.mapError(
      (error) =>
        new Intake.IntakeError({
          reason: "BadRehearsal",
          message:
            `The rehearsal script ${options.rehearsal} can not be played: ${error.message.replaceAll(/\s+/g, " ")}. ` +
            `Give a file of JSON as ProviderTwin.Script describes it, or leave --rehearsal out for the script of the demo.`
        })
    )
  )
  const twin = yield* ProviderTwin.make({ script })
  const model = yield* AnthropicModel.make({
    apiKey: Redacted.make("rehearsal"),
    baseUrl: twin.anthropicUrl,
    model: options.model ?? defaults.anthropic,
    rehearsed: true
  })
  return {
    model,
    line:
      "The model is REHEARSED: a loopback server plays a script over Anthropic's wire protocol. " +
      "Set ANTHROPIC_API_KEY, OPENAI_API_KEY or OPENAI_BASE_URL for a real one."
  }
})

/** Refuses a model that a limit in money could not be held against, before anything is spent. */
export const priced = Effect.fnUntraced(function* ({ name, provider }: Model.Model, usd: number) {
  const usage = { input: 1_000, cacheRead: 0, cacheWrite: 0, output: 1_000 }
  const cost = GenAiPrices.price({ model: name, provider, usage })
  if (cost._tag === "Known") return
  return yield* new Intake.IntakeError({
    reason: "Unpriced",
    message:
      `The limit of ${usd} US dollars can not be held: ${cost.why}. Give a limit in tokens in its place, as in ` +
      `\`--tokens 2000000\`, or name another model with --model.`
  })
})

/** The model, for every tier. */
export const layer = (model: Model.Model) => Layer.succeed(Model.Models, Model.single(model))
