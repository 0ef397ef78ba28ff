/** A **pull request**: a change that asks to be merged, with what speaks for it. */
import * as Schema from "effect/Schema"

/** A change that asks to be merged. */
export const PullRequest = Schema.Struct({
  /** Unique in its forge; in the local forge `1`, `2`, …. */
  id: Schema.NonEmptyString,
  item: Schema.NonEmptyString,
  /** The idempotency key that it was delivered with. */
  key: Schema.String,
  title: Schema.NonEmptyString,
  body: Schema.String,
  branch: Schema.NonEmptyString,
  /** The branch it asks to be merged into. */
  into: Schema.NonEmptyString,
  base: Schema.NonEmptyString,
  head: Schema.NonEmptyString,
  state: Schema.Literals(["open", "merged", "closed"]),
  /** Where a person can look at it: a URL, or a command for the local forge. */
  view: Schema.String
})
/** A change that asks to be merged. */
export type PullRequest = typeof PullRequest.Type
