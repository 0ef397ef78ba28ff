/**
 * A **briefing** is a task as an agent reads it: text of the house with data in it. It is written as a template, and what stands in the
 * template is all that is ever taken for an instruction. A text from outside becomes a data block with its origin, and a plain string
 * does not compile: what the house wants to say in one place or another is a briefing of its own.
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
  /** As the agent reads it. */
  readonly text: string
  readonly [made]: true
}

/** What a template can hold: a number, a text from outside, another briefing, or a list of the last two, one below the other. */
export type Part = number | Tainted.Tainted | Briefing | ReadonlyArray<Tainted.Tainted | Briefing>

/** Makes a briefing of a template. Each block stands in lines of its own. */
export const make = (texts: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Briefing => {
  const pieces = texts.flatMap((text, at) => [text, ...(at < parts.length ? [written(parts[at] ?? [])] : [])])
  return { text: pieces.join("").trim(), [made]: true }
}

/** For code that no compiler has seen. */
const plain =
  "A briefing takes no plain string. Make it Tainted.of(origin, text) where it comes from outside, or write it into the template."

const written = (part: Part): string => {
  if (part instanceof Tainted.Tainted) return `\n\n${Untrusted.block(part)}\n\n`
  if (typeof part === "number") return `${part}`
  if (typeof part === "string") throw new TypeError(plain)
  return "text" in part ? part.text : part.map((each) => written(each).trim()).join("\n\n")
}
