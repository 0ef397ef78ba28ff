/**
 * A **lens**: one thing that a review looks for. A review looks through several, or through one alone beside reviews that look through
 * others. These are the five of the skill `review`; one of your own is a name and a text.
 *
 * ```ts
 * import type * as Lens from "@millwright/agents/Lens"
 *
 * const accessibility: Lens.Lens = {
 *   name: "accessibility",
 *   looksFor: "Controls without a name, an order of focus that jumps, colour as the only sign."
 * }
 * ```
 */
import * as Digest from "@millwright/core/Digest"
import type * as Skill from "./Skill.ts"

/** One thing that a review looks for. */
export interface Lens {
  /** One or several words, as in `spec drift`. */
  readonly name: string
  /** What to look for, as the reviewer reads it. It is an instruction: write it yourself. */
  readonly looksFor: string
}

/** Wrong results. */
export const correctness: Lens = {
  name: "correctness",
  looksFor:
    "Boundaries, empty and huge input, order, time zones, encodings, errors on every path, resources that are released, two at once, a crash " +
    "half-way, retries that do a thing twice. Callers that relied on the old behaviour. Does it mend the cause, or hide the symptom?"
}

/** What somebody could do with it who means harm. */
export const security: Lens = {
  name: "security",
  looksFor:
    "Trace every input from outside to where it is used: shell, paths, queries, markup, deserialisation, regular expressions, redirects, logs, " +
    "prompts. Missing permission checks, secrets in code or output, limits that went away, a new dependency or permission, files that run " +
    "with the repository's credentials."
}

/** What differs from what was agreed. */
export const specDrift: Lens = {
  name: "spec drift",
  looksFor:
    "What the contract asks and the change does not do; what the change does and nobody asked for. Behaviour, formats, defaults or messages " +
    "that differ from the specification. Documents that are now wrong."
}

/** Tests that hold nothing. */
export const tests: Lens = {
  name: "tests",
  looksFor:
    "Would each new test fail without the change? Does it check behaviour, or repeat the code? Does a failure say what went wrong? Tests that " +
    "were weakened, skipped or deleted; special cases for a test's input; an assertion that can not fail; set-up that tests share and do not " +
    "see, or do not take down; doubles without types; waiting by sleeping; missing bad cases."
}

/** What makes the next change harder. */
export const hygiene: Lens = {
  name: "hygiene",
  looksFor:
    "Dead or left-over code, misleading names, needless complexity, copies of what exists, exceptions for control flow, comments that repeat " +
    "the code, things unlike the code around them, unrelated changes."
}

/** The five, in the order of the skill. */
export const all: ReadonlyArray<Lens> = [correctness, security, specDrift, tests, hygiene]

/** The list of lenses as a skill holds it. */
export const text = (lenses: ReadonlyArray<Lens>): string =>
  lenses.map(({ looksFor, name }) => `- **${name.charAt(0).toUpperCase()}${name.slice(1)}.** ${looksFor}`).join("\n")

const heading = "## Lenses"

/** A skill that looks through these lenses and no others: they take the place of its section `Lenses`. */
export const through = (skill: Skill.Skill, lenses: ReadonlyArray<Lens>): Skill.Skill => {
  const section = `${heading}\n\nThese are yours; others look for the rest.\n\n${text(lenses)}\n\n`
  const [before = "", ...after] = skill.instructions.split(new RegExp(`^${heading}$`, "m"))
  const rest = after.join(heading)
  const next = rest.search(/^## /m)
  const instructions =
    after.length === 0 ? `${before}\n\n${section}` : `${before}${section}${next === -1 ? "" : rest.slice(next)}`
  return { ...skill, instructions: instructions.trim(), digest: Digest.ofJson([skill.digest, section]) }
}
