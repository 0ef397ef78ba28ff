/**
 * **Markup**: pages of the house, in HTML and Markdown, in which text of others is text. It reads as it was written, makes no structure,
 * mentions nobody, and hides nothing.
 *
 * ```ts
 * import { markup } from "@millwright/core/Markup"
 *
 * export const row = (title: string) => markup`<li title="${title}">${title}</li>`
 * ```
 */
import * as Result from "effect/Result"
import * as Tainted from "./Tainted.ts"

/** HTML that may be shown as it is. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** What a template can hold: text, which is escaped, and markup, which stands as it is. */
export type Part = string | number | Markup | ReadonlyArray<Markup>

/** Makes HTML of a template: what is put in is escaped, unless it is markup itself. A hole stands in an element or between double quotes. */
export const markup = (texts: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Markup =>
  new Markup(texts.map((text, at) => `${text}${written(parts[at] ?? "")}`).join(""))

/** Nothing. */
export const none = new Markup("")

const written = (part: Part): string => {
  if (part instanceof Markup) return part.text
  return typeof part === "object" ? part.map(({ text }) => text).join("\n") : html(`${part}`)
}

/** Text of HTML, in an element or in an attribute in double quotes. */
export const html = (text: string): string =>
  visible(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;")

/** What could hide, reorder or steer becomes visible, as `\u{202e}`. */
export const visible = (text: string): string =>
  text
    .replaceAll(/\r\n?/g, "\n")
    .replace(Tainted.hidden, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)

/** One line of Markdown in which nothing is markup, a link or a mention. */
export const line = (text: string): string =>
  apart(visible(text))
    .replace(/\s+/g, " ")
    .trim()
    .split(/(`[^`]+`)/)
    .map((part) => (isCode(part) ? part : escaped(part)))
    .join("")
    .replace(/^([-+=]|\d+[.)])/, "\\$1")

/** A block of code in Markdown that its text can not close. */
export const code = (text: string): string => {
  const plain = visible(text)
  const longest = Math.max(2, ...[...plain.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = "`".repeat(longest + 1)
  return `${fence}text\n${plain.replace(/\n$/, "")}\n${fence}`
}

/** What a forge acts on is written apart, as in `@ ada` and `# 12`. */
const apart = (text: string): string => Result.getOrElse(Tainted.prose(1_000_000).accept(text), () => "")

const escaped = (text: string): string =>
  text
    .replace(/[\\`*_{}[\]<>#|~!&()@]/g, "\\$&")
    .replace(/:\/\//g, ":\\//")
    .replace(/\bwww\./gi, (found) => `${found.slice(0, 3)}\\.`)

/** Code in single backticks stays code, unless it would end a column. */
const isCode = (part: string): boolean => /^`[^`|]+`$/.test(part)
