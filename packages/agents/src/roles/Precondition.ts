/** A **precondition** that is missing: without it, what a role would do is a guess. */
import * as Schema from "effect/Schema"

/** The fields of an outcome that says so: what exactly is needed, why it can not be guessed, and who can give it. */
export const fields = {
  what: Schema.NonEmptyString,
  why: Schema.NonEmptyString,
  who: Schema.NonEmptyString
} as const

/** A missing precondition. */
export interface Precondition {
  readonly what: string
  readonly why: string
  readonly who: string
}

/** As one line, for whoever can give it. */
export const sentence = ({ what, who, why }: Precondition): string =>
  `${who} gives: ${what} (why it can not be guessed: ${why})`.replace(/\s+/g, " ")
