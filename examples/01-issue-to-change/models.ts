/** Which model answers: a real one when there is a key, and otherwise a rehearsed one on loopback. */
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
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
const defaults = { anthropic: "claude-sonnet-5-5", openAi: "gpt-5" }

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
  if (keys.openAi !== undefined) {
    const model = yield* OpenAiModel.make({
      apiKey: keys.openAi,
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
      "Set ANTHROPIC_API_KEY (or OPENAI_BASE_URL and OPENAI_API_KEY) for a real one."
  }
})

/** The model, for every tier. */
export const layer = (model: Model.Model) => Layer.succeed(Model.Models, Model.single(model))
