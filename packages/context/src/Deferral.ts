/**
 * **Deferral**: whether the tools of an index are loaded from the start, or when they are needed. Loading a few that are small
 * costs less than to search for them; many, or large ones, cost less when most of them never come.
 */

/** `auto` decides by what it costs. */
export type Deferral = "auto" | "always" | "never"

/** What the decision is made of, in estimated tokens. */
export interface Sizes {
  /** All definitions. */
  readonly definitions: number
  /** What stands before them in each request: system prompt, task, and the tools of the role's own. */
  readonly prefix: number
  /** The text of the index, and the tools that search it. */
  readonly index: number
  /** The provider reads a prefix that it knows from a cache. */
  readonly isCached: boolean
}

/** The least that is worth a search. */
const least = 3_000

/** Whether to defer. */
export const decide = ({ definitions, index, isCached, prefix }: Sizes): boolean =>
  definitions - index > (isCached ? Math.max(least, 0.3 * prefix) : 0.7 * prefix)
