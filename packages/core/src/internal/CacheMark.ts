/** The **mark** up to which a provider is asked to cache a prompt. */

/** The mark. */
export const cached = { cache_control: { type: "ephemeral" } } as const

/** Marks the last block that may be marked: what a model thought may not. */
export const last = <A extends { readonly type: string }>(blocks: ReadonlyArray<A>): Array<A> => {
  const mark = blocks.findLastIndex(({ type }) => type !== "thinking" && type !== "redacted_thinking")
  return blocks.map((block, index) => (index === mark ? { ...block, ...cached } : block))
}

/** Marks the last block of the last message. */
export const end = (messages: ReadonlyArray<Message>): ReadonlyArray<Message> => {
  const final = messages.at(-1)
  return final === undefined ? messages : [...messages.slice(0, -1), { ...final, content: last(final.content) }]
}

interface Message {
  readonly content: ReadonlyArray<{ readonly type: string }>
}
