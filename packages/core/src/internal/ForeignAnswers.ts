/**
 * Answers of other models in a conversation that goes on with Anthropic, which takes them only in its own form. What
 * it takes as it is stays as it is, so that its cache holds.
 */
import * as Digest from "../Digest.ts"

/** The id of an earlier tool call, in the signs that the API takes. Other providers write `functions.read:0`. Different ids stay different. */
export const callId = (id: string): string =>
  /^[a-zA-Z0-9_-]{1,64}$/.test(id)
    ? id
    : `${id.replace(/[^a-zA-Z0-9_-]/gu, "_").slice(0, 40)}-${Digest.of(id).slice(0, 16)}`

/** A turn of a request. */
interface Turn {
  readonly role: string
  readonly content: ReadonlyArray<{ readonly type: string }>
}

/**
 * How the model may think, as a part of a request. With a budget of its own it may not, while the last answer calls
 * tools and does not begin with what the model thought, as an answer of another model does: the API refuses that.
 */
export const thinking = <Config extends { readonly type: string }>(
  config: Config | undefined,
  lastTurns: () => ReadonlyArray<Turn>
): { readonly thinking?: Config } =>
  config === undefined || (config.type === "enabled" && isForeign(lastTurns())) ? {} : { thinking: config }

const isForeign = (turns: ReadonlyArray<Turn>): boolean => {
  const content = turns.findLast(({ role }) => role === "assistant")?.content ?? []
  const isThought = content[0]?.type === "thinking" || content[0]?.type === "redacted_thinking"
  return !isThought && content.some(({ type }) => type === "tool_use")
}
