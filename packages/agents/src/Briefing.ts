/**
 * A **briefing** is a task as an agent reads it: text of the house with data in it. It is written as a template, and what stands in the template is all that is ever
 * taken for an instruction: a text from outside becomes a data block with its origin, and a plain string does not compile.
 *
 * ```ts
 * import * as Briefing from "@millwright/agents/Briefing"
 * import * as Tainted from "@millwright/core/Tainted"
 *
 * const task = (comment: Tainted.Tainted) => Briefing.make`Answer this comment in at most ${3} sentences.${comment}`
 * ```
 */
import * as Tainted from "@millwright/core/Tainted"
import * as Untrusted from "./Untrusted.ts"

const made: unique symbol = Symbol("@millwright/agents/Briefing")

/** A briefing. Only {@link make} makes one. */
export interface Briefing {
  readonly text: string
  readonly [made]: true
}

/** What a template can hold: a number, a text from outside, another briefing, or several of them, one below the other. */
export type Part = number | Tainted.Tainted | Briefing | ReadonlyArray<Tainted.Tainted | Briefing>

/** Makes a briefing of a template. */
export const make = (texts: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Briefing => ({
  text: texts.map((text, at) => `${text}${at < parts.length ? written(parts[at] ?? "") : ""}`).join(""),
  [made]: true
})

const written = (part: Part | ""): string => {
  if (part instanceof Tainted.Tainted) return `\n\n${Untrusted.block(part)}\n\n`
  if (typeof part !== "object") return `${part}`
  return "text" in part ? part.text : part.map(written).join("\n\n")
}
