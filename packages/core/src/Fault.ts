/**
 * A **fault** is a failure of the machinery (a model that refuses, a sandbox that does not open, a journal on a full
 * disk), as opposed to an outcome of the work. A fault that nobody handles stalls the line at the stage it happened in;
 * the line can be resumed once the cause is mended, and no finished stage runs again.
 *
 * Every port has one tagged error, and every one of them is a fault: it carries a closed `reason`, says whether trying
 * again can help, and has a message that names what went wrong, where, and how to mend it.
 */
import type * as Cause from "effect/Cause"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/** Marks a value as a fault. Shared between copies of this package. */
export const TypeId = "~millwright/core/Fault"

/** A failure of the machinery. `message` says what, where and how to mend it. */
export interface Fault {
  readonly [TypeId]: typeof TypeId
  readonly _tag: string
  /** The closed reason of the port that raised it. */
  readonly reason: string
  readonly message: string
  /** Whether the same call may succeed later without anybody mending something. */
  readonly isRetryable: boolean
  /** How long the other side asks to wait before that, in milliseconds, where it said so. */
  readonly retryAfter?: number
}

/** Tells a fault from any other value. */
export const isFault = (u: unknown): u is Fault => Predicate.hasProperty(u, TypeId)

/** A fault as it is written to the journal. */
export const Recorded = Schema.Struct({
  tag: Schema.String,
  reason: Schema.String,
  message: Schema.String,
  retryable: Schema.Boolean
})
/** A fault as it is written to the journal. */
export type Recorded = typeof Recorded.Type

/** What the journal keeps of an error or a defect: never a stack, never an unbounded message. */
export const record = (error: unknown): Recorded => {
  const told = Predicate.hasProperty(error, "message") && Predicate.isString(error.message) ? error.message : ""
  const message = told === "" ? describe(error) : told
  const bounded = message.length > 4_000 ? `${message.slice(0, 4_000).toWellFormed()}…` : message
  if (isFault(error)) {
    return { tag: error._tag, reason: error.reason, message: bounded, retryable: error.isRetryable }
  }
  const tag = Predicate.hasProperty(error, "_tag") && Predicate.isString(error._tag) ? error._tag : "Defect"
  return { tag, reason: tag, message: bounded, retryable: false }
}

/** The class of what was recorded, as metrics and spans have it, `ModelError.RateLimited`: nothing of its message. */
export const classOf = ({ reason, tag }: Recorded): string => (reason === tag ? tag : `${tag}.${reason}`)

const describe = (error: unknown): string => {
  try {
    // An error without a message tells by its fields what it is.
    return error instanceof Error ? JSON.stringify(error) : String(error)
  } catch {
    return "a value that can not be written as a text"
  }
}

/**
 * The base class of a port's error.
 *
 * `reasons` is closed: each key is a reason, and its value says whether that reason is retryable.
 *
 * ```ts
 * import * as Fault from "@millwright/core/Fault"
 *
 * class PrinterError extends Fault.Class<PrinterError>()("PrinterError", { OutOfPaper: false, Busy: true }) {}
 *
 * const error = new PrinterError({ reason: "Busy", message: "Printer 3 is busy. Try again in a minute." })
 * error.isRetryable // true
 * ```
 */
export const Class =
  <Self = never>() =>
  <const Tag extends string, const Reasons extends Record<string, boolean>>(
    tag: Tag,
    reasons: Reasons
  ): Base<Self, Tag, keyof Reasons & string> => {
    class Raised extends Schema.TaggedError<Raised>()(tag as string, {
      reason: Schema.Literals(Object.keys(reasons)),
      message: Schema.String,
      retryAfter: Schema.optionalKey(Schema.Natural),
      cause: Schema.optionalKey(Schema.Defect())
    }) {
      readonly [TypeId]: typeof TypeId = TypeId
      get isRetryable(): boolean {
        return reasons[this.reason] ?? false
      }
    }
    // `Schema.TaggedError` cannot see through a generic `Self`; `Base` states what `Raised` is.
    return Raised as unknown as Base<Self, Tag, keyof Reasons & string>
  }

/** The type of the class that {@link Class} makes. */
export type Base<Self, Tag extends string, Reason extends string> = Schema.Class<
  Self,
  Schema.TaggedStruct<
    Tag,
    {
      readonly reason: Schema.Literals<ReadonlyArray<Reason>>
      readonly message: Schema.String
      readonly retryAfter: Schema.optionalKey<Schema.Natural>
      readonly cause: Schema.optionalKey<Schema.Defect>
    }
  >,
  Cause.YieldableError & { readonly [TypeId]: typeof TypeId; readonly isRetryable: boolean }
>
