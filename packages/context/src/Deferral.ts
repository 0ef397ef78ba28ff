/**
 * **Deferral**: whether the tools of an index are loaded from the start, or when they are needed. Loading a few that are small
 * costs less than to search for them; many, or large ones, cost less when most of them never come.
 *
 * What deferring saves, it saves in each request. What it costs are the turns that search, and each of them sends the whole
 * conversation once more: the longer the prefix, the more there has to be saved. Where a provider reads what it knows from a
 * cache, such a turn costs a tenth of that, and what a load writes into the cache is most of the rest. The two numbers were
 * taken so that `pnpm bench tools` finds no size at which the middle one of real sessions loses.
 */

/** `auto` decides by what it costs. */
export type Deferral = "auto" | "always" | "never"

/** What the decision is made of, in estimated tokens. What is not known (`NaN`) is a reason not to defer. */
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

/** What some searches leave in a conversation and send once more of it, however short the prefix is. */
const searches = 5_000

/** What part of the prefix the turns that search send once more, spread over the session. */
const again = { cached: 0.3, uncached: 0.7 }

/** Whether to defer. */
export const decide = ({ definitions, index, isCached, prefix }: Sizes): boolean =>
  definitions - Math.max(0, index) > searches + (isCached ? again.cached : again.uncached) * Math.max(0, prefix)
