/** HTML as a template whose holes are text: what is put in is escaped, unless it is markup itself. */
import * as SafeText from "./SafeText.ts"

/** HTML that may be shown as it is. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** What a template can hold. */
export type Part = string | number | Markup | ReadonlyArray<Markup>

/** Makes markup of a template. */
export const markup = (texts: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Markup =>
  new Markup(texts.map((text, at) => `${text}${written(parts[at] ?? "")}`).join(""))

/** Nothing. */
export const none = new Markup("")

const written = (part: Part): string => {
  if (part instanceof Markup) return part.text
  return typeof part === "object" ? part.map(({ text }) => text).join("\n") : SafeText.html(`${part}`)
}
