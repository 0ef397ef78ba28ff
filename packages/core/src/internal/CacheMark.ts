/** The **mark** up to which a provider is asked to cache a prompt. */

/** The mark. */
export const cached = { cache_control: { type: "ephemeral" } } as const

/** The mark of OpenAI. Its API marks the last message itself. */
export const breakpoint = { prompt_cache_breakpoint: { mode: "explicit" } } as const

/** Whether a model of OpenAI takes marks, and tells and bills what it writes to its cache: those from GPT-5.6 on. */
export const isTakenBy = (model: string): boolean => /gpt-(?:5\.(?:[6-9]|[1-9]\d)|[6-9])(?!\d)/.test(model)

/** Marks the last block that may be marked: what a model thought may not. */
export const last = <A extends { readonly type: string }>(blocks: ReadonlyArray<A>): Array<A> => {
  const mark = blocks.findLastIndex(({ type }) => type !== "thinking" && type !== "redacted_thinking")
  return blocks.map((block, index) => (index === mark ? { ...block, ...cached } : block))
}

/**
 * Marks the end of the conversation, and where it ended when the model was asked before: what was read then is found by a mark
 * of its own, however much was said since.
 */
export const ends = (messages: ReadonlyArray<Message>): ReadonlyArray<Message> => {
  const before = messages.findLastIndex(({ role }) => role === "assistant") - 1
  return messages.map((message, at) =>
    at === before || at === messages.length - 1 ? { ...message, content: last(message.content) } : message
  )
}

interface Message {
  readonly role: string
  readonly content: ReadonlyArray<{ readonly type: string }>
}
