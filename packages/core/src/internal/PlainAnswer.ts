/**
 * A **plain answer**: the one that a `LanguageModel` gives to whoever runs its tools itself, part by part the same, without what
 * that does in each turn for tools that it runs: it looks through the whole conversation for approvals, and makes a span.
 */
import * as AiError from "effect/ai/AiError"
import type * as LanguageModel from "effect/ai/LanguageModel"
import * as Response from "effect/ai/Response"
import * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Model from "../Model.ts"

/** What an adapter has to know to send a request. */
export type Call = Pick<LanguageModel.ProviderOptions, "prompt" | "tools" | "toolChoice" | "responseFormat">

/** A model may call a tool by any name, and with anything: who asks hears of it, and tells it. */
const AnyToolCall = Response.ToolCallPart("", Schema.Unknown).mapFields((fields) => ({
  ...fields,
  name: Schema.String
}))

const decode = Schema.decodeUnknownEffect(
  Schema.NonEmptyArray(Schema.Union([Response.StreamPart(Toolkit.empty), AnyToolCall]))
)

const malformed = (error: Schema.SchemaError): AiError.AiError =>
  AiError.make({
    module: "LanguageModel",
    method: "streamText",
    reason: AiError.InvalidOutputError.fromSchemaError(error)
  })

/** What asks for plain answers, from what an adapter gives to a `LanguageModel`. */
export const of =
  (
    streamText: (call: Call) => Stream.Stream<Response.StreamPartEncoded, AiError.AiError>
  ): NonNullable<Model.Model["answer"]> =>
  ({ prompt, tools }) =>
    streamText({ prompt, tools, toolChoice: "auto", responseFormat: { type: "text" } }).pipe(
      Stream.mapArrayEffect((parts) => Effect.mapError(decode(parts), malformed))
    )
