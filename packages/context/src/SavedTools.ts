/** What is **saved** of the tools of a conversation: how it uses an index, as JSON, so that it is the same when it is taken up again. */
import * as Schema from "effect/Schema"

/** How tools come into a conversation (`ToolSession`). */
export const Mode = Schema.Literals(["upfront", "native", "inline", "bridge"])
/** How tools come into a conversation. */
export type Mode = typeof Mode.Type

/** A definition of a tool, as a provider takes it. */
export const Definition = Schema.Struct({
  /** The entry's. */
  id: Schema.String,
  /** As models call it. */
  name: Schema.String,
  description: Schema.String,
  schema: Schema.Record(Schema.String, Schema.Json)
})
/** A definition of a tool, as a provider takes it. */
export type Definition = typeof Definition.Type

/** What has to be the same when a conversation is taken up again. */
export const Saved = Schema.Struct({
  mode: Mode,
  /** Definitions that are in the prompt from the start. */
  fixed: Schema.Array(Definition),
  /** Definitions that results refer to, as they were when they were loaded. */
  referred: Schema.Array(Definition),
  /** What was there when it was last said, by id. */
  known: Schema.Record(Schema.String, Schema.String)
})
/** What has to be the same when a conversation is taken up again. */
export type Saved = typeof Saved.Type
