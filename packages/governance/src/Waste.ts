/**
 * **Waste**: tokens that a model was sent and that told it nothing new, found in transcripts, each with what it cost and what would mend
 * it. A pure function of an index and of prices: the same input gives the same bytes.
 *
 * What is told is a lower bound, and holds names, sizes, digests, times and places, and nothing of what was said.
 *
 * - The size of a result in tokens is estimated from its characters, of which many are taken to make a token ({@link Options}). It is never
 *   more than its share of what the prompt of the next answer grew by, as it was billed.
 * - It counts once for each answer whose prompt it stood in, until the conversation was compacted. Where a prompt is smaller than the one
 *   before it, what is missing is taken to be of it. In each prompt, the cheapest tokens are taken to be the wasted ones.
 * - What was written to a cache again is exact: it is what the bill says.
 * - What came of waste is not counted: the calls themselves, what the model thought of them, and the time of people.
 * - A token of a bill is wasted once, however many findings claim it, so all of them together are never more than the bill. The money of
 *   a finding is what its answers would have cost less without it.
 */
import * as Digest from "@millwright/core/Digest"
import * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import * as Schema from "effect/Schema"
import * as WasteBill from "./internal/WasteBill.ts"
import * as WasteClaims from "./internal/WasteClaims.ts"
import * as WasteText from "./internal/WasteText.ts"
import type * as TranscriptIndex from "./TranscriptIndex.ts"
import * as TranscriptTally from "./TranscriptTally.ts"

/** What kind of waste it is. Where a thing is waste of several kinds, it is of the first of them. */
export const Kind = Schema.Literals([
  /** What had been read from a cache was written to it again, after a pause that was longer than the cache keeps it. */
  "idle-cache",
  /** A call that had failed was made again, with the same input and nothing changed, and failed in the same way. */
  "same-failure",
  /** The same lines of a file were read again, unchanged, while they still stood in the conversation. */
  "reread",
  /** A command or a search was run again with nothing changed, and said the same. */
  "repeated-command",
  /** What a result was longer than the limit, as long as it stood in the conversation. */
  "oversized-result",
  /** Tools that stood in the prompt and were never called. */
  "unused-tools"
])
/** What kind of waste it is. */
export type Kind = typeof Kind.Type

/** One thing that was wasted in one conversation, however often. */
export const Finding = Schema.Struct({
  kind: Kind,
  /** Names what was repeated, the same in every conversation: a digest of the call, the file or the tools. */
  what: Digest.Digest,
  /** In the order of their names. */
  tools: Schema.Array(Schema.String),
  file: Schema.NullOr(Digest.Digest),
  range: Schema.NullOr(Schema.Struct({ from: Schema.NullOr(Schema.Natural), lines: Schema.NullOr(Schema.Natural) })),
  /** Where it was first: the session, its sub-agent (`null`: none), and when, in milliseconds since 1970, UTC. */
  session: Schema.String,
  agent: Schema.NullOr(Schema.String),
  at: Schema.NullOr(Schema.Natural),
  /** The keys of the calls, answers or loadings that were waste. */
  places: Schema.Array(Schema.String),
  /** How often an answer was sent it; what came twice counts twice. */
  answers: Schema.Natural,
  /** At least so many tokens. `null`: the size is not told. */
  usage: Schema.NullOr(Usage.Usage),
  /** At least so much, in US dollars at list price. `null`: none of the answers has a price, or the size is not told. */
  usd: Schema.NullOr(Schema.Finite),
  /** Of these, those without a price: they are not in `usd`. */
  unpriced: Schema.Natural
})
/** One thing that was wasted in one conversation. */
export type Finding = typeof Finding.Type

const sum = {
  findings: Schema.Natural,
  /** How often, all findings together. */
  times: Schema.Natural,
  usage: Usage.Usage,
  /** US dollars, of what has a price; `null`: there are findings, and none has one. */
  usd: Schema.NullOr(Schema.Finite),
  /** Findings of which no tokens, or not all the money, are known. */
  unknown: Schema.Natural
}

/** What some findings come to. */
export const Sum = Schema.Struct(sum)
/** What some findings come to. */
export type Sum = typeof Sum.Type

/** What was wasted, and of how much. */
export const Waste = Schema.Struct({
  total: Sum,
  /** A line for each kind, in the order of {@link Kind}. */
  byKind: Schema.Array(Schema.Struct({ kind: Kind, fix: Schema.String, ...sum })),
  /** The most expensive first; those without a price behind them, by tokens. */
  findings: Schema.Array(Finding),
  /** What all answers used and cost; of them, those of which no tokens are known, and those without a price. */
  bill: Schema.Struct({
    answers: Schema.Natural,
    unknown: Schema.Natural,
    unpriced: Schema.Natural,
    usage: Usage.Usage,
    usd: Schema.Finite
  })
})
/** What was wasted, and of how much. */
export type Waste = typeof Waste.Type

/** The JSON codec of what was wasted. */
export const Json = Schema.toCodecJson(Waste)

/** What waste is taken to be. A number that can not be one is as if it were left out. */
export interface Options {
  /** So many characters are taken to make a token, at least 1. More makes every estimate smaller. Default 5, of which prose and code have fewer. */
  readonly charactersPerToken?: number
  /** A result of more characters is too long, and what is above is waste. Default 20,000. */
  readonly longest?: number
  /** How long a cache keeps what was read, in milliseconds. Default 5 minutes; an hour once something was written to be kept longer. */
  readonly cacheLifetime?: number
}

/** What would mend it. */
export const fix: Readonly<Record<Kind, string>> = {
  "idle-cache":
    "Ask for a longer cache lifetime where people are waited for, or compact before a long pause: what is written again is paid as if it were new.",
  "same-failure":
    "Let the harness stop a call that failed and comes again with nothing changed, and say in the skill what else to try.",
  reread:
    "Answer a read of unchanged lines with a note that they stand above, and say in the skill that a file that was read need not be read again.",
  "repeated-command":
    "Answer a command that comes again with nothing changed with a note that its result stands above.",
  "oversized-result":
    "Cut results at the tool: first lines, last lines and where the rest is kept; ask for a range or a filter.",
  "unused-tools": "Defer these tools: show their names, and load a schema when it is asked for."
}

/** What is waste in an index, at these prices; by default at none, so that no money is known. */
export const of = (
  index: TranscriptIndex.TranscriptIndex,
  pricing: Pricing.Pricing["Service"] = Pricing.unpriced,
  options: Options = {}
): Waste => {
  const claims = WasteClaims.of(index, {
    charactersPerToken: atLeast(1, options.charactersPerToken) ?? 5,
    longest: atLeast(0, options.longest) ?? 20_000,
    cacheLifetime: atLeast(0, options.cacheLifetime) ?? null
  })
  const findings = WasteBill.settle(claims, { index, pricing, kinds: Kind.literals })
  const { answers, unknown, unpriced, usage, usd } = TranscriptTally.of(index, pricing).total
  return {
    total: summed(findings),
    byKind: Kind.literals.map((kind) => ({
      kind,
      fix: fix[kind],
      ...summed(findings.filter((each) => each.kind === kind))
    })),
    findings,
    bill: { answers, unknown, unpriced, usage, usd }
  }
}

const atLeast = (least: number, given: number | undefined): number | undefined =>
  given !== undefined && given >= least ? given : undefined

/** What was wasted, as Markdown: the sum, what would mend it, and the most expensive findings, at most `most` (default 20). */
export const report = (waste: Waste, { most = 20 }: { readonly most?: number } = {}): string =>
  WasteText.of(waste, most)

const summed = (findings: ReadonlyArray<Finding>): Sum => {
  const priced = findings.flatMap(({ usd }) => (usd === null ? [] : [usd]))
  return {
    findings: findings.length,
    times: findings.reduce((all, { places }) => all + places.length, 0),
    usage: findings.reduce((all, { usage }) => Usage.add(all, usage ?? Usage.zero), Usage.zero),
    usd: priced.length === 0 && findings.length > 0 ? null : priced.reduce(Usage.plus, 0),
    unknown: findings.filter(({ unpriced, usd }) => usd === null || unpriced > 0).length
  }
}
