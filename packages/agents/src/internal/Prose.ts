/** Text of a model in a Markdown document of the house: it reads as it was written, and makes no structure of its own. */
import * as Untrusted from "../Untrusted.ts"

/** An id that only the host gives. With an escaped hyphen it reads the same and is none. */
const id = /\b(US|AC|VAL)-(?=\d)/g

const escape = (text: string): string => text.replace(/[\\`*_{}[\]<>#|~!&]/g, "\\$&").replace(id, String.raw`$1\-`)

/** Code in single backticks stays code, unless it holds an id. */
const isCode = (part: string): boolean => /^`[^`]+`$/.test(part) && part.search(id) === -1

/** One line, whatever stands in the text. */
export const line = (text: string): string =>
  Untrusted.visible(text)
    .replace(/\s+/g, " ")
    .trim()
    .split(/(`[^`]+`)/)
    .map((part) => (isCode(part) ? part : escape(part)))
    .join("")
    // What would begin a list, a rule or a heading, at the beginning.
    .replace(/^([-+=])/, "\\$1")
    .replace(/^(\d+)([.)])/, "$1\\$2")

/** Paragraphs of one line each. */
export const paragraphs = (text: string): string =>
  text
    .split(/\r?\n\s*\r?\n/)
    .map(line)
    .filter((paragraph) => paragraph !== "")
    .join("\n\n")

/** A list below a heading; nothing where the list is empty. */
export const section = (heading: string, items: ReadonlyArray<string>): ReadonlyArray<string> =>
  items.length === 0 ? [] : [`## ${heading}`, items.join("\n")]
