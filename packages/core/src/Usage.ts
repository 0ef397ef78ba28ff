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

/** Who pays a call: an account with a key, call by call, or a subscription, for which one more call costs nothing more. */
export const PaidBy = Schema.Literals(["key", "subscription"])
/** Who pays a call. */
export type PaidBy = typeof PaidBy.Type

/**
 * Money in US dollars, added up in whole billionths: however many amounts there are, and in whatever order and groups they
 * are added, the sum is the same. Exact up to some million dollars.
 */
export const plus = (a: number, b: number): number => (Math.round(a * 1e9) + Math.round(b * 1e9)) / 1e9

/** What a number of calls cost together: the part that is known, and how many calls could not be priced. */
export interface Bill {
  /** US dollars that were really paid. */
  readonly usd: number
  readonly calls: number
  readonly unpriced: number
  readonly usage: Usage
}

/** The bill of no calls. */
export const emptyBill: Bill = { usd: 0, calls: 0, unpriced: 0, usage: zero }

/** Two bills together. */
export const addBill = (a: Bill, b: Bill): Bill => ({
  usd: plus(a.usd, b.usd),
  calls: a.calls + b.calls,
  unpriced: a.unpriced + b.unpriced,
  usage: add(a.usage, b.usage)
})

/** A bill with one more call on it. What a subscription pays costs nothing more, also where it has no known price. */
export const charge = (
  bill: Bill,
  call: { readonly usage: Usage; readonly cost: Cost; readonly paidBy?: PaidBy }
): Bill => {
  const cost = call.paidBy === "subscription" ? known(0) : call.cost
  return {
    usd: cost._tag === "Known" ? plus(bill.usd, cost.usd) : bill.usd,
    calls: bill.calls + 1,
    unpriced: bill.unpriced + (cost._tag === "Unknown" ? 1 : 0),
    usage: add(bill.usage, call.usage)
  }
}
