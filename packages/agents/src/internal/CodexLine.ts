/**
 * What the app server of Codex says, as far as it is used. What is not known, or has become something else, is `undefined` and left
 * out: a new version says more, and says it in its own way.
 */
import type * as Usage from "@millwright/core/Usage"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as JsonLines from "./JsonLines.ts"

const Id = Schema.Union([Schema.Finite, Schema.String])
const Text = Schema.optionalKey(Schema.NullOr(Schema.String))

const notice = <const Method extends string, Fields extends Schema.Struct.Fields>(method: Method, fields: Fields) =>
  Schema.Struct({ method: Schema.Literal(method), params: Schema.Struct(fields) })

const Tokens = Schema.Struct({
  inputTokens: Schema.Natural,
  cachedInputTokens: Schema.optionalKey(Schema.Natural),
  cacheWriteInputTokens: Schema.optionalKey(Schema.Natural),
  outputTokens: Schema.Natural
})

const TurnError = Schema.Struct({
  message: Schema.String,
  codexErrorInfo: Schema.optionalKey(Schema.Unknown),
  additionalDetails: Text
})
/** Why Codex has no answer of the model. */
export type TurnError = typeof TurnError.Type

const Turn = Schema.Struct({
  id: Schema.String,
  status: Schema.String,
  error: Schema.optionalKey(Schema.NullOr(TurnError))
})
/** What came of something that was said to it. */
export type Turn = typeof Turn.Type

const Item = Schema.Struct({
  type: Schema.String,
  role: Text,
  call_id: Text,
  name: Text,
  arguments: Text,
  input: Text,
  output: Schema.optionalKey(Schema.Unknown)
})
/** A piece of the conversation as the provider has it. */
export type Item = typeof Item.Type

const isStep = { item: Schema.Struct({ type: Schema.String }) }

const Notice = Schema.Union([
  notice("item/agentMessage/delta", { delta: Schema.String }),
  notice("item/started", isStep),
  notice("item/completed", isStep),
  notice("rawResponseItem/completed", { item: Item }),
  notice("rawResponse/completed", { responseId: Schema.String, usage: Schema.NullOr(Tokens) }),
  notice("model/rerouted", { toModel: Schema.String }),
  notice("error", { error: TurnError, willRetry: Schema.Boolean }),
  notice("turn/started", { turn: Turn }),
  notice("turn/completed", { turn: Turn })
])

const ToolCall = Schema.Struct({
  id: Id,
  method: Schema.Literal("item/tool/call"),
  params: Schema.Struct({
    callId: Schema.String,
    tool: Schema.String,
    arguments: Schema.Unknown
  })
})
/** The model calls a tool that is not Codex's own. */
export type ToolCall = typeof ToolCall.Type

const Asked = Schema.Struct({ id: Id, method: Schema.String })

const Answered = Schema.Struct({
  id: Id,
  result: Schema.optionalKey(Schema.Unknown),
  error: Schema.optionalKey(Schema.Struct({ message: Schema.String }))
})

/** Something that is known: a notice, a request to us, or the answer to one of ours. */
export type Line =
  | { readonly _tag: "Notice"; readonly notice: typeof Notice.Type }
  | { readonly _tag: "ToolCall"; readonly call: ToolCall }
  | { readonly _tag: "Asked"; readonly id: typeof Id.Type }
  | { readonly _tag: "Answered"; readonly answer: typeof Answered.Type }

/** What a message says, where it is known. */
export const read = (message: JsonLines.Message): Line | undefined => {
  if (message["id"] === undefined) return known(asNotice(message), (notice) => ({ _tag: "Notice", notice }))
  if (message["method"] === undefined) return known(asAnswer(message), (answer) => ({ _tag: "Answered", answer }))
  return (
    known(asToolCall(message), (call) => ({ _tag: "ToolCall", call })) ??
    known(asAsked(message), ({ id }) => ({ _tag: "Asked", id }))
  )
}

const known = <A>(said: Option.Option<A>, line: (said: A) => Line): Line | undefined =>
  Option.getOrUndefined(Option.map(said, line))

const asNotice = Schema.decodeUnknownOption(Notice)
const asToolCall = Schema.decodeUnknownOption(ToolCall)
const asAsked = Schema.decodeUnknownOption(Asked)
const asAnswer = Schema.decodeUnknownOption(Answered)

const Layers = Schema.Struct({
  layers: Schema.Array(
    Schema.Struct({
      name: Schema.Struct({ type: Schema.String, file: Text }),
      config: Schema.Record(Schema.String, Schema.Unknown)
    })
  )
})

/** Where its configuration is from, as far as each place says anything. `undefined`: it does not tell. */
export const configured = (
  said: unknown
): ReadonlyArray<{ readonly from: string; readonly where: string }> | undefined =>
  Option.getOrUndefined(
    Option.map(asLayers(said), ({ layers }) =>
      layers.flatMap(({ config, name: { file, type } }) =>
        Object.keys(config).length === 0 ? [] : [{ from: type, where: file ?? type }]
      )
    )
  )

const asLayers = Schema.decodeUnknownOption(Layers)

/** Tokens by kind. Codex counts those of the cache among the input. */
export const usage = (said: typeof Tokens.Type | null): Usage.Usage => {
  const { cacheWriteInputTokens: cacheWrite = 0, cachedInputTokens: cacheRead = 0 } = said ?? {}
  return {
    input: Math.max(0, (said?.inputTokens ?? 0) - cacheRead - cacheWrite),
    cacheRead,
    cacheWrite,
    output: said?.outputTokens ?? 0
  }
}
