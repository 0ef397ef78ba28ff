/** What a role proposes as "done", and how the host makes contract clauses of it. */
import type * as Contract from "@millwright/core/Contract"
import * as Tainted from "@millwright/core/Tainted"
import * as Schema from "effect/Schema"

/** A statement that a change has to make true; `command` exits with 0 when it is. */
export const Proposed = Schema.Struct({
  statement: Schema.NonEmptyString,
  command: Schema.optionalKey(Schema.NonEmptyString.check(Tainted.filter(Tainted.command)))
})
/** A statement that a change has to make true. */
export type Proposed = typeof Proposed.Type

/** Contract clauses of what a role proposed. */
export const toClauses = (proposed: ReadonlyArray<Proposed>): ReadonlyArray<Contract.Clause> =>
  proposed.map(({ command, statement }) =>
    command === undefined ? { statement } : { statement, check: { _tag: "Command", run: command } }
  )
