/** What a model call used: tokens by kind, and what they cost. */
import * as Schema from "effect/Schema"

/** Tokens of one or more model calls, by kind. Kinds do not overlap: `input` counts neither cache reads nor writes. */
export const Usage = Schema.Struct({
  input: Schema.Natural,
  cacheRead: Schema.Natural,
  cacheWrite: Schema.Natural,
  output: Schema.Natural
})
/** Tokens of one or more model calls, by kind. */
export type Usage = typeof Usage.Type

/** No tokens. */
export const zero: Usage = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 }

/** The sum of two. */
export const add = (a: Usage, b: Usage): Usage => ({
  input: a.input + b.input,
  cacheRead: a.cacheRead + b.cacheRead,
  cacheWrite: a.cacheWrite + b.cacheWrite,
  output: a.output + b.output
})

/** All tokens, whatever their kind. */
export const total = (usage: Usage): number => usage.input + usage.cacheRead + usage.cacheWrite + usage.output

/** Money in US dollars, or the reason why it is not known. A price that is not known is never 0. */
export const Cost = Schema.TaggedUnion({
  Known: { usd: Schema.Finite },
  Unknown: { why: Schema.String }
})
/** Money in US dollars, or the reason why it is not known. */
export type Cost = typeof Cost.Type

/** A known cost, in US dollars. */
export const known = (usd: number): Cost => ({ _tag: "Known", usd })

/** A cost that nobody knows, and why. */
export const unknown = (why: string): Cost => ({ _tag: "Unknown", why })

/** What a number of calls cost together: the part that is known, and how many calls could not be priced. */
export interface Bill {
  readonly usd: number
  readonly calls: number
  readonly unpriced: number
  readonly usage: Usage
}

/** The bill of no calls. */
export const emptyBill: Bill = { usd: 0, calls: 0, unpriced: 0, usage: zero }

/** A bill with one more call on it. */
export const charge = (bill: Bill, call: { readonly usage: Usage; readonly cost: Cost }): Bill => ({
  usd: bill.usd + (call.cost._tag === "Known" ? call.cost.usd : 0),
  calls: bill.calls + 1,
  unpriced: bill.unpriced + (call.cost._tag === "Unknown" ? 1 : 0),
  usage: add(bill.usage, call.usage)
})
