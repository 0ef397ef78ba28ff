/** The **id** that a forge has for something: one word, so that it can stand in a sentence of ours. */
import * as Schema from "effect/Schema"

/** At most 200 letters, digits and the signs that ids are made with. */
export const ForeignId = Schema.String.check(
  Schema.isPattern(/^[\w.:/#=+@-]{1,200}$/, { expected: "an id: one word of at most 200 characters" })
)
