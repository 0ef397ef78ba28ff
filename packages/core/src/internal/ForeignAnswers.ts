/**
 * Answers of other models in a conversation that goes on with Anthropic, which takes them only in its own form. What
 * it takes as it is stays as it is, so that its cache holds.
 */

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
