/** How a line ends, and the calls that it does not take. */
import * as Schema from "effect/Schema"
import * as Fault from "../Fault.ts"

/** Why work is not done again, although it is not good. */
export const Exhausted = Schema.Struct({
  /** The same set of failures came again, so another attempt would only have cost. */
  repeated: Schema.Boolean,
  attempts: Schema.Natural,
  /** What all attempts together used up, as far as a run can tell: US dollars, tokens, and calls with no known price. */
  spent: Schema.optionalKey(Schema.Struct({ usd: Schema.Finite, tokens: Schema.Natural, unpriced: Schema.Natural }))
})
/** Why work is not done again, although it is not good. */
export type Exhausted = typeof Exhausted.Type

/** A line put this item aside, with the reason and what would take it up again. */
export class Parked extends Schema.TaggedError<Parked>()("Parked", {
  item: Schema.String,
  reason: Schema.String,
  unblockWhen: Schema.NullOr(Schema.String),
  /** How long to leave the item aside at least, in milliseconds. */
  reviewAfter: Schema.optionalKey(Schema.Natural),
  /** Going back was given up. */
  exhausted: Schema.optionalKey(Exhausted)
}) {
  override get message() {
    return this.unblockWhen === null ? this.reason : `${this.reason} (until: ${this.unblockWhen})`
  }
}

/** A part of a line was not done in the time that it was given. */
export class Expired extends Schema.TaggedError<Expired>()("Expired", {
  name: Schema.String,
  /** In milliseconds. */
  after: Schema.Natural
}) {
  override get message() {
    return `"${this.name}" was not done within ${this.after} ms`
  }
}

/** A call that a line does not take. */
export class LineError extends Fault.Class<LineError>()("LineError", {
  NoSuchRun: false,
  NoSuchStage: false,
  /** The run is finished, failed, parked or cancelled; there is nothing to resume or to stop. */
  Ended: false,
  /** The run is in a stage; what it remembers can not be rewritten now. */
  Running: true,
  /** The payload does not fit the line's schema. */
  InvalidPayload: false,
  /** The result of the line does not fit its schema, or is no JSON. */
  NotStorable: false,
  /** The run was started before the schema of the line's payload was changed. */
  NotReadable: false,
  /** The idempotency key was used for a run of another line. */
  KeyTaken: false,
  /** The run did other things before than the code of the line does now. */
  CodeChanged: false,
  /** What the run did was undone, or a child of it still runs: it can not go on from there. */
  Undone: false,
  /** A wait stands in a line, between its stages. */
  NotInALine: false,
  /** The engine can not rewrite what a run remembers. */
  NotSupported: false
}) {}
