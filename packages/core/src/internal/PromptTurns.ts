/**
 * A prompt as **turns**: all that stands between two answers is one turn of the user, and the answers between two of
 * those are one of the model. For protocols that want one message of each side after the other.
 */
import type * as Prompt from "effect/ai/Prompt"

/** What one side says, until the other does. `notes` are system messages of the turn, in their order. */
export interface Turn<Block> {
  readonly role: "user" | "assistant"
  readonly content: Array<Block>
  readonly notes: Array<Prompt.SystemMessage>
}

/** The system messages that a prompt begins with. */
export const leading = (messages: ReadonlyArray<Prompt.Message>): ReadonlyArray<Prompt.SystemMessage> => {
  const end = messages.findIndex(({ role }) => role !== "system")
  return messages.slice(0, end === -1 ? messages.length : end).filter((message) => message.role === "system")
}

/**
 * The turns of a prompt, or of a part of it, without the system messages that it begins with. `write` gives the blocks of a
 * message, and `undefined` for a note, which only a system message can be. A message without blocks is no turn; but an answer
 * without any that stands behind a note is `silence`, or what is said next would come before what was sent.
 */
export const of = <Block>(
  messages: ReadonlyArray<Prompt.Message>,
  write: (message: Prompt.Message) => ReadonlyArray<Block> | undefined,
  silence?: Block
): ReadonlyArray<Turn<Block>> => {
  const turns: Array<Turn<Block>> = []
  let hasBegun = false
  for (const message of messages) {
    hasBegun ||= message.role !== "system"
    if (!hasBegun) continue
    const role = message.role === "assistant" ? "assistant" : "user"
    const written = write(message)
    const last = turns.at(-1)
    const isSilent = role === "assistant" && written?.length === 0 && last?.role === "user" && last.notes.length > 0
    const content = isSilent && silence !== undefined ? [silence] : (written ?? [])
    const notes = written === undefined && message.role === "system" ? [message] : []
    if (last?.role === role) {
      last.content.push(...content)
      last.notes.push(...notes)
    } else if (content.length + notes.length > 0) turns.push({ role, content: [...content], notes })
  }
  return turns
}

/**
 * How many of the first messages are turns that nothing joins any more, whatever follows: up to the last message of the model
 * that stands behind one of the user.
 */
export const settled = (
  messages: ReadonlyArray<Prompt.Message>,
  write: (message: Prompt.Message) => ReadonlyArray<unknown> | undefined
): number => {
  const isSaid = (message: Prompt.Message): boolean => write(message)?.length !== 0
  const at = messages.findLastIndex((message, at) => {
    const before = messages[at - 1]
    return (
      before !== undefined &&
      message.role === "assistant" &&
      before.role !== "assistant" &&
      isSaid(message) &&
      isSaid(before)
    )
  })
  return Math.max(0, at)
}
