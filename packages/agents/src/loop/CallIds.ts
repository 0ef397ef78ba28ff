/** The ids of tool calls. Some servers give two calls one id, or none; no provider takes such a transcript back. */
import * as Prompt from "effect/ai/Prompt"

/** The messages, in which each call that has the id of another one, or none, is called differently. */
export const distinct = (
  messages: ReadonlyArray<Prompt.Message>,
  taken: ReadonlySet<string>
): ReadonlyArray<Prompt.Message> => {
  const ids = new Set(taken)
  const free = (id: string): string => {
    const given = id === "" ? "call" : id
    let own = given
    // From how many there are: where all have one id, each would look at all before it.
    for (let nth = Math.max(2, ids.size); ids.has(own); nth++) own = `${given}-${nth}`
    ids.add(own)
    return own
  }
  return messages.map((message) => {
    if (message.role !== "assistant") return message
    const content = message.content.map((part) => {
      if (part.type !== "tool-call" || part.providerExecuted) return part
      const id = free(part.id)
      return id === part.id ? part : Prompt.toolCallPart({ ...part, id })
    })
    return content.every((part, at) => part === message.content[at])
      ? message
      : Prompt.assistantMessage({ content, options: message.options })
  })
}
