/** What of a conversation is taken out when it is compacted, and what stays. Sizes are in tokens. */
import * as Retelling from "./Retelling.ts"
import type * as Transcript from "./Transcript.ts"
import * as Weight from "./Weight.ts"

/** The most that notes take. */
const mostNotes = 8_000

/** What a plan is made from. */
export interface Situation {
  readonly transcript: Transcript.Transcript
  /** The tools of a request, estimated. */
  readonly tools: number
  /** How much a request may have, if that is known. */
  readonly limit: number | undefined
  /** How much of the last turns stays, at most. */
  readonly keep: number
}

/** What is taken out, and what stays. */
export interface Plan {
  readonly removed: ReadonlyArray<Transcript.Item>
  readonly tail: ReadonlyArray<Transcript.Item>
  /** The entry that the tail follows. */
  readonly kept: string | null
  /** The whole request, and what of it can not be taken out: tools and instructions. */
  readonly before: number
  readonly fixed: number
  readonly removedTokens: number
  /** The most that notes may take. */
  readonly notes: number
  /** What is left, with notes of that length. */
  readonly after: number
  /** Tokens for each one that is estimated, by what the provider counted last. */
  readonly scale: number
}

/** Plans it. The tail begins with an answer: no result stays without its call. */
export const make = ({ keep, limit = Number.POSITIVE_INFINITY, tools, transcript }: Situation): Plan => {
  const { items, path, used } = transcript
  const counted = used === undefined ? 0 : tools + Weight.sum(items.filter(({ at }) => at <= used.at))
  const scale = used === undefined || used.tokens === 0 ? 1 : used.tokens / counted
  const weigh = (some: ReadonlyArray<Transcript.Item>) => Math.ceil(scale * Weight.sum(some))
  const before = Math.ceil(scale * tools) + weigh(items)
  const fixed = Math.ceil(scale * tools) + weigh(items.filter(({ isInstruction }) => isInstruction))
  // What stays may not fill what was made free, or it is all to be done again a turn later.
  const free = Math.max(0, Math.min(limit, before) - fixed)
  const room = Math.min(keep, free / 2)
  const [, ...turns] = Retelling.turns(items)
  let start = turns.length
  for (let size = 0; start > 0; start--) {
    size += weigh((turns[start - 1] ?? []).filter(({ isInstruction }) => !isInstruction))
    if (size > room) break
  }
  const tail = turns.slice(start).flat()
  const first = tail[0]
  const removed = items.slice(0, items.length - tail.length).filter(({ isInstruction }) => !isInstruction)
  const removedTokens = weigh(removed)
  const notes = Math.floor(Math.min(mostNotes, free / 4))
  return {
    removed,
    tail,
    kept: first === undefined ? null : (path[first.at - 2]?.id ?? null),
    before,
    fixed,
    removedTokens,
    notes,
    after: before - removedTokens + notes,
    scale
  }
}

/** Whether it makes so much room that it is not to be done again at once. */
export const isWorthIt = ({ after, removed }: Plan, limit: number): boolean =>
  removed.length > 0 && after <= (limit * 15) / 16

/** The longest beginning of a conversation that ends before an answer and has at most so many tokens, or nothing. */
export const beginning = (
  items: ReadonlyArray<Transcript.Item>,
  { most, scale, tools }: { readonly most: number; readonly scale: number; readonly tools: number }
): ReadonlyArray<Transcript.Item> => {
  const [opening = [], ...turns] = Retelling.turns(items)
  const taken = [...opening]
  let size = scale * (tools + Weight.sum(opening))
  for (const turn of turns) {
    size += scale * Weight.sum(turn)
    if (size > most) break
    taken.push(...turn)
  }
  return taken.length === opening.length ? [] : taken
}
