/** What a source says of itself and its tools: kept as it was written, but for what hides, reorders or goes on without end. */
import * as Tainted from "@millwright/core/Tainted"
import * as TokenBudget from "../TokenBudget.ts"

/** The largest text that is kept, in bytes. */
export const maxBytes = 16 * 1024

/** A text with nothing hidden in it, at most `limit` bytes and a note that it was cut. Anything else than a text is none. */
export const read = (raw: unknown, limit = maxBytes): string => {
  if (typeof raw !== "string") return ""
  // What is cut anyway is not looked at: a text may have as many megabytes as its author likes.
  const visible = raw
    .slice(0, 4 * limit)
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(Tainted.hidden, "")
  const { text } = TokenBudget.cut(visible, limit)
  const isCut = text.length < visible.length || raw.length > 4 * limit
  return isCut ? `${text.trimEnd()}\n[cut: it has ${raw.length} characters]` : text
}

/** A text in one line, for a message to people: at most `limit` characters. */
export const line = (raw: unknown, limit = 80): string => {
  const text = read(raw, 4 * limit)
    .replace(/\s+/g, " ")
    .trim()
  return text.length > limit ? `${text.slice(0, limit - 1).toWellFormed()}…` : text
}
