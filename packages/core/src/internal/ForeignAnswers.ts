/**
 * Answers of other models in a conversation that goes on with Anthropic, which takes them only in its own form. What
 * it takes as it is stays as it is, so that its cache holds.
 */
import * as Digest from "../Digest.ts"

/** The id of a call, in the signs that the API takes. Other providers write `functions.read:0`. */
export const callId = (id: string): string =>
  /^[\w-]+$/.test(id) ? id : `${id.replace(/[^\w-]/g, "_")}-${Digest.of(id).slice(0, 8)}`

/** A turn of a request. */
interface Turn {
  readonly role: string
  readonly content: ReadonlyArray<{ readonly type: string }>
}

/**
 * Whether the model may think with a budget of its own: the API refuses that while the last answer calls tools and does
 * not begin with what the model thought, as an answer of another model does.
 */
export const mayThink = (turns: ReadonlyArray<Turn>): boolean => {
  const last = turns.findLast(({ role }) => role === "assistant")
  return (
    last === undefined ||
    last.content[0]?.type === "thinking" ||
    last.content[0]?.type === "redacted_thinking" ||
    !last.content.some(({ type }) => type === "tool_use")
  )
}
