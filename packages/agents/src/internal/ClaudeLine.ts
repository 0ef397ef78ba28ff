/**
 * What Claude Code says in its `stream-json` output, as far as it is used. What is not known, or has become something else, is
 * `undefined` and left out: a new version says more, and says it in its own way.
 */
import type * as Usage from "@millwright/core/Usage"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as JsonLines from "./JsonLines.ts"

const Count = Schema.optionalKey(Schema.NullOr(Schema.Natural))
const Tokens = Schema.Struct({
  input_tokens: Count,
  output_tokens: Count,
  cache_read_input_tokens: Count,
  cache_creation_input_tokens: Count
})
const Id = Schema.optionalKey(Schema.NullOr(Schema.String))

const StreamEvent = Schema.Struct({
  type: Schema.Literal("stream_event"),
  event: Schema.Union([
    Schema.Struct({
      type: Schema.Literal("message_start"),
      message: Schema.Struct({ id: Schema.String, model: Schema.String, usage: Tokens })
    }),
    Schema.Struct({
      type: Schema.Literal("content_block_delta"),
      delta: Schema.Struct({ type: Schema.Literal("text_delta"), text: Schema.String })
    }),
    Schema.Struct({ type: Schema.Literal("message_delta"), usage: Schema.optionalKey(Tokens) }),
    Schema.Struct({ type: Schema.Literal("message_stop") })
  ])
})

const ToolUse = Schema.Struct({
  type: Schema.Literal("tool_use"),
  id: Schema.String,
  name: Schema.String,
  input: Schema.Unknown
})

const spoken = <const Side extends string>(side: Side) =>
  Schema.Struct({
    type: Schema.Literal(side),
    message: Schema.Struct({ content: Schema.Array(Schema.Unknown) }),
    parent_tool_use_id: Id
  })

const ToolResult = Schema.Struct({
  type: Schema.Literal("tool_result"),
  tool_use_id: Schema.String,
  is_error: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  content: Schema.optionalKey(Schema.Unknown)
})

const Retry = Schema.Struct({
  type: Schema.Literal("system"),
  subtype: Schema.Literal("api_retry"),
  retry_delay_ms: Schema.Finite,
  error_status: Schema.optionalKey(Schema.NullOr(Schema.Int)),
  error: Schema.optionalKey(Schema.Unknown)
})

const Requesting = Schema.Struct({
  type: Schema.Literal("system"),
  subtype: Schema.Literal("status"),
  status: Schema.Literal("requesting")
})

const Init = Schema.Struct({
  type: Schema.Literal("system"),
  subtype: Schema.Literal("init"),
  session_id: Schema.String
})

const ModelUsage = Schema.Record(
  Schema.String,
  Schema.Struct({
    inputTokens: Count,
    outputTokens: Count,
    cacheReadInputTokens: Count,
    cacheCreationInputTokens: Count
  })
)

const Result = Schema.Struct({
  type: Schema.Literal("result"),
  subtype: Schema.String,
  session_id: Schema.String,
  is_error: Schema.optionalKey(Schema.Boolean),
  result: Schema.optionalKey(Schema.Unknown),
  errors: Schema.optionalKey(Schema.Unknown),
  structured_output: Schema.optionalKey(Schema.Unknown),
  api_error_status: Schema.optionalKey(Schema.NullOr(Schema.Int)),
  terminal_reason: Schema.optionalKey(Schema.NullOr(Schema.String)),
  model_usage_since_last_result: Schema.optionalKey(ModelUsage)
})

const Asked = Schema.Struct({
  type: Schema.Literal("control_request"),
  request_id: Schema.String,
  request: Schema.Struct({ subtype: Schema.String, message: Schema.optionalKey(Schema.Unknown) })
})

const Answered = Schema.Struct({
  type: Schema.Literal("control_response"),
  response: Schema.Struct({
    subtype: Schema.String,
    request_id: Schema.String,
    error: Schema.optionalKey(Schema.String)
  })
})

const Line = Schema.Union([
  StreamEvent,
  spoken("assistant"),
  spoken("user"),
  Result,
  Retry,
  Requesting,
  Init,
  Asked,
  Answered
])
/** A line that is known. */
export type Line = typeof Line.Type
/** The end of a turn of the user's: an outcome, or why there is none. */
export type Result = typeof Result.Type
/** The provider did not answer, and is asked again after a while. */
export type Retry = typeof Retry.Type

/** What a message says, where it is known. */
export const read = (message: JsonLines.Message): Line | undefined => Option.getOrUndefined(decode(message))

const decode = Schema.decodeUnknownOption(Line)

/** The tools that a piece of an answer calls. */
export const calls = (content: ReadonlyArray<unknown>): ReadonlyArray<typeof ToolUse.Type> =>
  content.flatMap((block) => Option.toArray(decodeUse(block)))

const decodeUse = Schema.decodeUnknownOption(ToolUse)

/** The results of tools that a message of the user's side holds. */
export const results = (content: ReadonlyArray<unknown>): ReadonlyArray<typeof ToolResult.Type> =>
  content.flatMap((block) => Option.toArray(decodeResult(block)))

const decodeResult = Schema.decodeUnknownOption(ToolResult)

/** Tokens by kind, those of an earlier report where a later one is silent. */
export const usage = (said: typeof Tokens.Type, before?: Usage.Usage): Usage.Usage => ({
  input: said.input_tokens ?? before?.input ?? 0,
  cacheRead: said.cache_read_input_tokens ?? before?.cacheRead ?? 0,
  cacheWrite: said.cache_creation_input_tokens ?? before?.cacheWrite ?? 0,
  output: said.output_tokens ?? before?.output ?? 0
})

/** What each model used since the last result, where this version says so. */
export const used = ({ model_usage_since_last_result: models }: Result): ReadonlyMap<string, Usage.Usage> | undefined =>
  models === undefined
    ? undefined
    : new Map(
        Object.entries(models).map(([name, each]) => [
          name,
          {
            input: each.inputTokens ?? 0,
            cacheRead: each.cacheReadInputTokens ?? 0,
            cacheWrite: each.cacheCreationInputTokens ?? 0,
            output: each.outputTokens ?? 0
          }
        ])
      )
