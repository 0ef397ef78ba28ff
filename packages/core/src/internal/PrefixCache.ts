/**
 * A provider's **prompt cache**, counted exactly: which tokens of a request are read from it, which are written to it, and which
 * are neither. A state machine without state of its own: it is given the entries that are known, and says which join.
 *
 * Anthropic, as its documentation has it (Prompt caching, as of October 2026):
 * - An entry is written at each block that carries a mark, for the whole prompt up to there, and nowhere else. A prompt
 *   up to a mark that is shorter than the model's minimum is not cached, and nobody says so.
 * - Each mark looks for an entry that an earlier request wrote: at its own place first, then backward block by block, at
 *   most 20 places in all. Uses of tools that follow each other are one place, and so are their results (the Claude
 *   API; elsewhere each block is one: `places`). The longest entry that a mark finds is read.
 * - What stands behind the last mark is plain input. Another model is another cache.
 *
 * OpenAI, for models before GPT-5.6: prompts of at least 1,024 tokens are cached by themselves, in steps of 128, and
 * what is written costs nothing and is not told. Those from GPT-5.6 on have marks of their own (`ChatBlocks`).
 *
 * Our reading: a token is four characters; an entry is there as soon as its request is (a provider wants the answer to
 * have begun, so that requests at the same time do not share); nothing expires; a run of blocks is left in one step,
 * and an entry anywhere within it is found.
 */
import * as Digest from "../Digest.ts"
import type * as Usage from "../Usage.ts"

/** One block of a prompt, in the order in which a cache reads it. */
export interface Block {
  /** What makes it another block: its content, and the settings that a cache of this part of the prompt depends on. */
  readonly key: string
  readonly tokens: number
  /** Blocks of one run that follow each other are one place. Without it, a block is a place of its own. */
  readonly run?: string | undefined
  readonly isMarked: boolean
}

/** What was counted, and the entries that are known from now on. */
export interface Counted {
  readonly usage: Omit<Usage.Usage, "output">
  readonly written: ReadonlyArray<string>
}

/** A prompt in blocks, for a cache of marks. */
export interface Marked {
  readonly model: string
  readonly blocks: ReadonlyArray<Block>
  /** The least that is cached, in tokens. */
  readonly minimum: number
  /** What counts as a place when a mark looks back. Default: runs. */
  readonly places?: "runs" | "blocks" | undefined
  /** How many places a mark looks at, its own included. Default: {@link window}. */
  readonly window?: number | undefined
}

/** How many places a mark of Anthropic looks at, its own included. */
export const window = 20

/** The most marks that a request may have. */
export const maxMarks = 4

/** Counts a request to a cache of marks. */
export const marked = (known: ReadonlySet<string>, cache: Marked): Counted => {
  const { blocks, minimum, model } = cache
  let key: string = Digest.of(model)
  let length = 0
  const ends = blocks.map((block) => {
    key = Digest.of(`${key}\n${block.key}`)
    length += block.tokens
    return { key, length }
  })
  const lengthTo = (at: number): number => ends[at]?.length ?? 0
  const marks = blocks.flatMap(({ isMarked }, at) => (isMarked ? [at] : []))
  const isKnown = (at: number): boolean => known.has(ends[at]?.key ?? "")
  const reads = marks.map((mark) => lookback(cache, mark).find(isKnown) ?? -1)
  const writes = marks.filter((mark) => lengthTo(mark) >= minimum)
  const cacheRead = lengthTo(Math.max(-1, ...reads))
  const cached = Math.max(cacheRead, lengthTo(writes.at(-1) ?? -1))
  return {
    usage: { cacheRead, cacheWrite: cached - cacheRead, input: length - cached },
    written: ends.filter((_, at) => writes.includes(at)).map((end) => end.key)
  }
}

/** Where a mark looks for an entry, in this order. */
const lookback = ({ blocks, places = "runs", window: most = window }: Marked, mark: number): ReadonlyArray<number> => {
  const seen: Array<number> = []
  let count = 0
  for (let at = mark; at >= 0; at--) {
    const run = blocks[at]?.run
    const goesOn = places === "runs" && at < mark && run !== undefined && run === blocks[at + 1]?.run
    if (!goesOn) count++
    if (count > most) break
    seen.push(at)
  }
  return seen
}

const step = 128
const leastSteps = 8
const charactersPerToken = 4

/** Counts a request to a cache that works by itself. */
export const automatic = (
  known: ReadonlySet<string>,
  { model, text }: { readonly model: string; readonly text: string }
): Counted => {
  const length = tokens(text)
  const size = step * charactersPerToken
  let key: string = Digest.of(model)
  const ends = Array.from({ length: Math.floor(text.length / size) }, (_, at) => {
    key = Digest.of(`${key}\n${text.slice(at * size, (at + 1) * size)}`)
    return key
  })
  const found = ends.findLastIndex((end) => known.has(end)) + 1
  const cacheRead = found >= leastSteps ? found * step : 0
  return { usage: { cacheRead, cacheWrite: 0, input: length - cacheRead }, written: ends }
}

/** About four characters are a token. */
export const tokens = (text: string): number => Math.ceil(text.length / charactersPerToken)

const minimums: ReadonlyArray<readonly [RegExp, number]> = [
  [/(?:opus-4-[56]|haiku-4-5)(?!\d)/, 4_096],
  [/opus-4-7|mythos-preview|haiku-3|3-5-haiku|3-haiku/, 2_048],
  [/(?:opus|fable|mythos)-5|(?:sonnet|haiku)-5-5/, 512]
]

/** The least that Anthropic caches of a prompt for a model, in tokens: 1,024 where it does not say otherwise. */
export const minimumOf = (model: string): number => minimums.find(([name]) => name.test(model))?.[1] ?? 1_024
