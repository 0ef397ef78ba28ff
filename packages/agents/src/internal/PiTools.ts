/** The tools of pi in the words of the house. What they are called is the same; what they are given is not. */
import * as Predicate from "effect/Predicate"
import type * as Grant from "../Grant.ts"

/** A tool that is not pi's own. */
export interface Offered {
  readonly name: string
  readonly description: string
  /** What it takes, as JSON Schema. */
  readonly parameters: unknown
}

/** The tool through which the outcome is given. */
export const outcome = {
  name: "outcome",
  description: "Ends your work with its outcome. Call it exactly once, when everything else is done."
}

/** The tools that there are for an agent, as pi's list of them. */
export const allowed = (grants: ReadonlyArray<Grant.Grant>, served: ReadonlyArray<Offered>): string =>
  [...grants, outcome.name, ...served.map(({ name }) => name)].join(",")

/** What a system prompt says of the tools that are served, with what their server says of them, which is a data block. */
export const opening = (served: ReadonlyArray<Offered>, instructions: string): string =>
  `More tools are behind ${served.map(({ name }) => `\`${name}\``).join(", ")}. What their server says of them:\n\n${instructions}`

/** A call in the words of the house. A tool of the index is called by its id, by whichever way it was called. */
export const called = (tool: string, input: unknown): { readonly tool: string; readonly input: unknown } => {
  if (tool === "bash" && Predicate.hasProperty(input, "command")) {
    const { command, ...rest } = input
    return { tool, input: { script: command, ...rest } }
  }
  const id = Predicate.hasProperty(input, "name") ? input.name : undefined
  return { tool: tool === "tool_call" && Predicate.isString(id) ? id : tool, input }
}
