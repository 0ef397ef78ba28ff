/**
 * A **signal**: something that a running system said about itself, a log line or an alert. Its fingerprint is of what stays the same
 * when the same thing happens again: numbers, ids, paths and addresses do not count.
 */
import * as Digest from "@millwright/core/Digest"
import * as Tainted from "@millwright/core/Tainted"

/** A signal. */
export interface Signal {
  /** Who said it, as the host names it: `logs/api`. It is trusted. */
  readonly source: string
  readonly text: Tainted.Tainted
  /** When, in milliseconds since 1970, UTC. */
  readonly at: number
  /** What tells it from others of the same source, where the host knows that better than the text: the name of an alert. */
  readonly kind?: string
}

/** The most of a text that is looked through, in characters. What is beyond tells signals apart as it stands: it hides nothing. */
const most = 32_000

/** Numbers; but what a program ended with, and the status of an answer, say what happened: 404 is not 500. */
const code =
  /(\b(?:status|code|exit(?:ed)?|errno|signal)[ :="]{1,3}|\bhttp\/\d(?:\.\d)?"? )(\d{1,3})(?![\d.,]\d|\d)|\d+(?:[.,]\d+)*/g

/** What is the same every time, with signs in the place of what is not. */
export const shape = (text: string): string =>
  text
    .slice(0, most)
    .toLowerCase()
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "<id>")
    .replace(/\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s"'<>)]+/g, "<url>")
    .replace(/(?<![\w<])(?:[a-z]:)?(?:[\\/][\w.@~+-]+){2,}[\\/]?/g, "<path>")
    .replace(/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, "<ip>")
    .replace(/\b\d{4}-\d{2}-\d{2}[t ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:z|[+-]\d{2}:?\d{2})?\b/g, "<time>")
    .replace(/\b0x[0-9a-f]+\b/g, "<hex>")
    .replace(/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b/g, "<hex>")
    .replace(code, (_, name?: string, number?: string) => (name === undefined ? "<n>" : `${name}${number}`))
    .replace(/\s+/g, " ")
    .trim()

/** What names a kind of signal. */
export const fingerprint = ({ kind, source, text }: Signal): Digest.Digest => {
  const told = Tainted.reveal(text, "measured")
  return Digest.ofJson(kind === undefined ? [source, shape(told), told.slice(most)] : [source, { kind }])
}
