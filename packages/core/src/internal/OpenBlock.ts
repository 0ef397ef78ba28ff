/** A **block** of an answer that is still coming in, and what it is when it is over. */
import type * as Response from "effect/ai/Response"
import * as Answer from "./Answer.ts"

/** A block that is not over yet. `info` is what its provider wants to have back with it. */
export type Open =
  | { readonly type: "text"; readonly id: string }
  | { readonly type: "reasoning"; readonly id: string; info?: Record<string, string> }
  | { readonly type: "tool"; readonly id: string; readonly name: string; json: string }

/** The parts that a block ends with. */
export const close = (open: Open, provider: string): ReadonlyArray<Response.StreamPartEncoded> => {
  if (open.type === "text") return [{ type: "text-end", id: open.id }]
  if (open.type === "reasoning") {
    const metadata = open.info && { metadata: { [provider]: { info: open.info } } }
    return [{ type: "reasoning-end", id: open.id, ...metadata }]
  }
  return [
    { type: "tool-params-end", id: open.id },
    { type: "tool-call", id: open.id, name: open.name, params: Answer.parameters(open.json) }
  ]
}
