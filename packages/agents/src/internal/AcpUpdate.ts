/**
 * What an agent says in `session/update`, as far as it is used. What is not known, or has become something else, is `undefined`
 * and left out: an agent may say more, and say it in its own way.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as JsonLines from "./JsonLines.ts"

const Text = Schema.optionalKey(Schema.NullOr(Schema.String))
const Things = Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Unknown)))

const Call = Schema.Struct({
  sessionUpdate: Schema.Literals(["tool_call", "tool_call_update"]),
  toolCallId: Schema.String,
  title: Text,
  name: Text,
  kind: Text,
  status: Text,
  rawInput: Schema.optionalKey(Schema.Unknown),
  rawOutput: Schema.optionalKey(Schema.Unknown),
  content: Things,
  locations: Things
})

const Chunk = Schema.Struct({
  sessionUpdate: Schema.Literal("agent_message_chunk"),
  content: Schema.Struct({ type: Schema.Literal("text"), text: Schema.String })
})

const Thought = Schema.Struct({ sessionUpdate: Schema.Literal("agent_thought_chunk") })

const Used = Schema.Struct({
  sessionUpdate: Schema.Literal("usage_update"),
  cost: Schema.Struct({ amount: Schema.Finite, currency: Schema.String })
})

const Notification = Schema.Struct({
  method: Schema.Literal("session/update"),
  params: Schema.Struct({ sessionId: Schema.String, update: Schema.Union([Chunk, Call, Thought, Used]) })
})

/** Something that happened in a session. */
export type Update = (typeof Notification.Type)["params"]["update"]
/** A call of a tool, or what became of it. */
export type Call = typeof Call.Type

/** What happened in a session, where it is known. */
export const read = (message: JsonLines.Message): (typeof Notification.Type)["params"] | undefined =>
  Option.getOrUndefined(Option.map(decode(message), ({ params }) => params))

const decode = Schema.decodeUnknownOption(Notification)
