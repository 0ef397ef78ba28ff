/** What the tests of a model adapter have in common: a twin of their own, two tools, and ways to ask. */
import { assert } from "@effect/vitest"
import * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Model from "../Model.ts"
import * as ProviderTwin from "./ProviderTwin.ts"

/** What the adapter is made with. */
export interface At {
  readonly twin: ProviderTwin.ProviderTwin
  readonly apiKey: Redacted.Redacted<string>
  readonly model: string
}

/** How the adapter is made. */
export interface Options {
  readonly make: (at: At) => Effect.Effect<Model.Model, unknown, Scope.Scope>
  /** The name of the model, which says what the twin's cache is like. Default: {@link known}. */
  readonly model?: string
}

/** A twin of its own for one test, and the adapter before it. */
export interface Lab {
  readonly twin: ProviderTwin.ProviderTwin
  readonly model: Model.Model
  /** The same adapter with something else about it. */
  readonly other: (changes: {
    readonly apiKey?: string
    readonly model?: string
  }) => Effect.Effect<Model.Model, unknown, Scope.Scope>
}

/** The only key that the twin lets in. */
export const key = "twin-key-0123456789abcdef"
/** The only model that the twin knows, where the adapter is not made for another one. */
export const known = "twin-model"

/** Starts a twin, and makes the adapter for it. */
export const open = Effect.fnUntraced(function* (options: Options) {
  const name = options.model ?? known
  const twin = yield* ProviderTwin.make({
    script: { conversations: [] },
    apiKey: Redacted.make(key),
    models: [name],
    contextTokens: 5_000
  })
  const other: Lab["other"] = ({ apiKey = key, model = name }) =>
    options.make({ twin, apiKey: Redacted.make(apiKey), model })
  const lab: Lab = { twin, model: yield* other({}), other }
  return lab
})

const Weather = Tool.make("weather", {
  description: "The weather of a city",
  parameters: Schema.Struct({ city: Schema.String, days: Schema.optionalKey(Schema.Int) }),
  success: Schema.String
})
const Today = Tool.make("today", { description: "The date of today", success: Schema.String })
/** What the model is offered. */
export const toolkit = Toolkit.make(Weather, Today)

/** The system prompt of every request. */
export const system = { role: "system", content: "Role: Tester\nYou answer in one sentence." } as const
/** A message of the user. */
export const user = (content: string) => ({ role: "user", content }) as const
/** The usual request. */
export const question = Prompt.make([system, user("What is the weather in Bern?")])

/** Asks as an agent loop does: tools are offered, nobody runs them, nothing is validated. */
export const stream = (model: Model.Model, prompt: Prompt.RawInput = question) =>
  model.languageModel.streamText({
    prompt,
    toolkit,
    disableToolCallResolution: true,
    toolCallValidation: "deferred"
  })

/** The whole answer, in its parts. */
export const ask = (model: Model.Model, prompt?: Prompt.RawInput) => Stream.runCollect(stream(model, prompt))

/** Makes the twin answer with these turns. */
export const play = (lab: Lab, ...turns: ReadonlyArray<ProviderTwin.Turn>) =>
  lab.twin.play({ conversations: [{ role: "Tester", turns }] })

/** Parts of an answer. */
export type Parts = ReadonlyArray<Response.AnyPart>

/** The text of an answer. */
export const textIn = (parts: Parts): string =>
  parts.map((part) => (part.type === "text-delta" ? part.delta : "")).join("")
/** The tool calls of an answer. */
export const callsIn = (parts: Parts) => parts.flatMap((part) => (part.type === "tool-call" ? [part] : []))
/** The last part of an answer. */
export const finishOf = (parts: Parts): Response.FinishPart => {
  const last = parts.at(-1)
  if (last?.type !== "finish")
    return assert.fail(`The last part is ${last?.type}, not finish: the caller can not tell the end`)
  return last
}
/** The body of a request, as JSON. */
export const bodyOf = (lab: Lab, index: number) =>
  Effect.map(lab.twin.requests, (requests) => JSON.stringify(requests.at(index)?.body ?? null))

/** The fault that a request ends in. */
export const failure = (model: Model.Model, prompt?: Prompt.RawInput): Effect.Effect<Model.ModelError, unknown> =>
  Effect.map(Effect.flip(ask(model, prompt)), (error) =>
    Model.fromAiError(error, { model: model.name, provider: model.provider })
  )

/** The usual request with an answer, and one result for all of its tool calls. */
export const answered = (parts: Parts, result: string, isFailure = false): Prompt.Prompt =>
  Prompt.concat(Prompt.concat(question, Prompt.fromResponseParts(parts)), [
    {
      role: "tool",
      content: callsIn(parts).map(({ id, name }) => ({ type: "tool-result", id, name, isFailure, result }) as const)
    }
  ])
