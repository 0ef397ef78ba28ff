/**
 * What pi says in its `rpc` mode, as far as it is used. What is not known, or has become something else, is `undefined` and left
 * out: a new version says more, and says it in its own way.
 */
import type * as Usage from "@millwright/core/Usage"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as JsonLines from "./JsonLines.ts"

const Tokens = Schema.Struct({
  input: Schema.Natural,
  output: Schema.Natural,
  cacheRead: Schema.Natural,
  cacheWrite: Schema.Natural
})

const Text = Schema.optionalKey(Schema.NullOr(Schema.String))

const Call = Schema.Struct({
  type: Schema.Literal("toolCall"),
  id: Schema.String,
  name: Schema.String,
  arguments: Schema.Unknown
})

const Spoken = Schema.Struct({
  role: Schema.Literal("assistant"),
  content: Schema.Array(Schema.Unknown),
  model: Schema.String,
  usage: Tokens,
  stopReason: Schema.String,
  errorMessage: Text,
  responseId: Text
})

const Asked = Schema.Struct({
  type: Schema.Literal("extension_ui_request"),
  id: Schema.String,
  method: Schema.String,
  title: Text,
  placeholder: Text,
  statusKey: Text,
  statusText: Text
})

const Line = Schema.Union([
  Schema.Struct({ type: Schema.Literal("turn_start") }),
  Schema.Struct({ type: Schema.Literals(["message_start", "message_end"]), message: Spoken }),
  Schema.Struct({
    type: Schema.Literal("message_update"),
    usage: Schema.optionalKey(Tokens),
    assistantMessageEvent: Schema.Struct({ type: Schema.String, delta: Text })
  }),
  Schema.Struct({
    type: Schema.Literal("tool_execution_start"),
    toolCallId: Schema.String,
    toolName: Schema.String,
    args: Schema.optionalKey(Schema.Unknown)
  }),
  Schema.Struct({
    type: Schema.Literal("tool_execution_end"),
    toolCallId: Schema.String,
    toolName: Schema.String,
    isError: Schema.Boolean,
    result: Schema.optionalKey(Schema.Unknown)
  }),
  Schema.Struct({ type: Schema.Literal("auto_retry_start"), delayMs: Schema.Finite }),
  Schema.Struct({
    type: Schema.Literal("compaction_end"),
    result: Schema.Struct({ usage: Tokens })
  }),
  Schema.Struct({ type: Schema.Literal("agent_settled") }),
  Schema.Struct({ type: Schema.Literal("extension_error"), event: Schema.String, error: Schema.String }),
  Asked,
  Schema.Struct({
    type: Schema.Literal("response"),
    command: Schema.String,
    success: Schema.Boolean,
    error: Text,
    data: Schema.optionalKey(Schema.Unknown)
  })
])
/** A line that is known. */
export type Line = typeof Line.Type
/** An answer of the model: one that has just begun, or one that is over. */
export type Spoken = typeof Spoken.Type
/** What an extension asks, or shows. */
export type Asked = typeof Asked.Type

/** What a message says, where it is known. */
export const read = (message: JsonLines.Message): Line | undefined => Option.getOrUndefined(decode(message))

const decode = Schema.decodeUnknownOption(Line)

/** The tools that an answer calls. */
export const calls = ({ content }: Spoken): ReadonlyArray<typeof Call.Type> =>
  content.flatMap((block) => Option.toArray(decodeCall(block)))

const decodeCall = Schema.decodeUnknownOption(Call)

/** Tokens by kind. pi counts them as the house does: no kind is a part of another. */
export const usage = ({ cacheRead, cacheWrite, input, output }: typeof Tokens.Type): Usage.Usage => ({
  input,
  cacheRead,
  cacheWrite,
  output
})

/** How much the result of a tool is, as the model is shown it. */
export const bytes = (result: unknown): number =>
  Option.match(decodeResult(result), {
    onNone: () => 0,
    onSome: ({ content }) => content.reduce((sum, part) => sum + Buffer.byteLength(part.text ?? part.data ?? ""), 0)
  })

const decodeResult = Schema.decodeUnknownOption(
  Schema.Struct({ content: Schema.Array(Schema.Struct({ text: Text, data: Text })) })
)
