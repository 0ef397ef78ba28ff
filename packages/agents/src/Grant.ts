/** What a role may do in its workplace. A role without a grant is not offered the tool, and a call of it is refused. */
import * as Schema from "effect/Schema"

/** The tools that a role may hold. */
export const Grant = Schema.Literals(["read", "grep", "edit", "write", "bash"])
/** A tool that a role may hold. */
export type Grant = typeof Grant.Type

/** Looks, and changes nothing. */
export const readOnly: ReadonlyArray<"read" | "grep"> = ["read", "grep"]

/** Looks, changes files and runs commands. */
export const all: ReadonlyArray<Grant> = Grant.literals
