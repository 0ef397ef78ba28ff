/**
 * What a **session** is made of: entries that are only ever appended, each behind the one that it follows. Two entries behind
 * the same one are two ways that the conversation took.
 *
 * The conversation that a model is shown is a fold over one way from the root to its last entry (`Transcript`), so a
 * session that broke off at any entry can be gone on with.
 */
import * as SavedTools from "@millwright/context/SavedTools"
import * as Usage from "@millwright/core/Usage"
import * as Prompt from "effect/ai/Prompt"
import * as Schema from "effect/Schema"

/** The version that this package writes. */
export const version = 1

/** Who a message between two answers is from, or why the loop says it. */
export const Speaker = Schema.Literals([
  /** The task that the session is about, or a further one. */
  "task",
  /** Somebody who looked on, in the middle of the work. */
  "steer",
  /** What was to be done when the work was done. */
  "follow-up",
  /** The agent ended its turn without an outcome. */
  "reminder",
  /** The agent goes in a circle. */
  "warning",
  /** Something became different around the conversation: tools joined or left. */
  "notice"
])
/** Who a message between two answers is from, or why the loop says it. */
export type Speaker = typeof Speaker.Type

/** Why a model has a conversation from here on. */
export const Routing = Schema.Literals([
  /** It begins with it. */
  "Begun",
  /** A person wants it. */
  "Pinned",
  /** The one before it did not answer. */
  "Failed",
  /** The one before it could not hold the conversation. */
  "Overflow",
  /** The outcome was not what it has to be. */
  "FailedValidation",
  /** The one before it went in a circle. */
  "DoomLoop",
  /** The one before it asked for somebody stronger. */
  "Requested"
])
/** Why a model has a conversation from here on. */
export type Routing = typeof Routing.Type

/** What a summary stands in the place of. Tokens are estimated. */
export const Dropped = Schema.Struct({
  messages: Schema.Natural,
  toolResults: Schema.Natural,
  tokens: Schema.Natural
})
/** What a summary stands in the place of. */
export type Dropped = typeof Dropped.Type

/** What an entry says. */
export const Body = Schema.TaggedUnion({
  /** A root. `request` is the digest of what was asked for. */
  Opened: { role: Schema.String, system: Schema.String, request: Schema.String },
  /** Between two answers. `prompt` is the place in the journal of what somebody said. */
  Said: { message: Prompt.Message, by: Speaker, prompt: Schema.optionalKey(Schema.Natural) },
  /** An answer of the model, with the calls it makes. One that was cut has calls that are not run. */
  Answered: {
    messages: Schema.Array(Prompt.Message),
    model: Schema.String,
    usage: Usage.Usage,
    isCut: Schema.Boolean
  },
  /** A tool that may change something is about to run: whoever finds this without a result can not know what became of it. */
  Begun: { call: Schema.String },
  /** What a call came to. */
  Returned: { part: Prompt.ToolResultPart },
  /** How the tools of the index are used from here on. */
  Tooled: { tools: SavedTools.Saved },
  /**
   * A summary stands in the place of everything but the instructions and what follows the entry `kept`; `null`: of all. `joined` are
   * messages behind it that say what stays loaded.
   */
  Compacted: {
    summary: Prompt.Message,
    kept: Schema.NullOr(Schema.String),
    dropped: Dropped,
    joined: Schema.optionalKey(Schema.Array(Prompt.Message))
  },
  /** Which candidate has the conversation from here on. With `hasStronger` it may ask for somebody stronger. */
  Routed: { candidate: Schema.String, why: Routing, hasStronger: Schema.Boolean },
  /** The outcome as the agent gave it, not decoded. It answers the call that it was given with. */
  Ended: { outcome: Schema.Json }
})
/** What an entry says. */
export type Body = typeof Body.Type

/** An entry, and the one that it follows. `at` is in milliseconds since 1970. */
export const SessionEntry = Schema.Struct({
  id: Schema.NonEmptyString,
  parent: Schema.NullOr(Schema.String),
  at: Schema.Natural,
  body: Body
})
/** An entry, and the one that it follows. */
export type SessionEntry = typeof SessionEntry.Type

/** The JSON codec of an entry. */
export const Json = Schema.toCodecJson(SessionEntry)
