/** Plain text from a repository: nothing in it hides, reorders or ends a line that it should not. */
import * as Tainted from "@millwright/core/Tainted"

/** A text with line feeds at its line ends, and a mark in the place of what could hide: it must not grow, since its size is bounded. */
export const text = (raw: string): string => raw.replaceAll("\r\n", "\n").replace(Tainted.hidden, "\ufffd")

/** A file name in one line; one that is odd stands in quotes. */
export const name = (raw: string): string => {
  const plain = text(raw)
  const bounded = plain.length > 120 ? `${plain.slice(0, 120)}…` : plain
  return bounded === raw && !/^\s|\s$|[\t\n"\\]/.test(raw) ? raw : JSON.stringify(bounded)
}

/** The text of a file, or nothing when it is no text. Looks at the start, as git does. */
export const decode = (bytes: Uint8Array): string | undefined =>
  bytes.subarray(0, 8_000).includes(0) ? undefined : text(new TextDecoder("utf-8").decode(bytes, { stream: true }))
