/** Calls of one kind, of one agent in one stage of a run, and what they used and cost together. */
import * as Schema from "effect/Schema"
import * as Usage from "../Usage.ts"

/** Calls that differ in nothing but their size. */
export const Charge = Schema.Struct({
  stage: Schema.NullOr(Schema.String),
  /** The role of who called, with those it works for before it: `Implement/explorer`. `null`: no agent. */
  agent: Schema.NullOr(Schema.String),
  provider: Schema.String,
  model: Schema.String,
  paidBy: Usage.PaidBy,
  /** A loopback server answered in the place of the provider. */
  rehearsed: Schema.Boolean,
  /** The answers broke off: what stands here is the least that is billed. */
  broken: Schema.Boolean,
  calls: Schema.Natural,
  usage: Usage.Usage,
  /** US dollars at list price, of the calls that have one. */
  usd: Schema.Finite,
  /** How many have none. */
  unpriced: Schema.Natural
})
/** Calls that differ in nothing but their size. */
export type Charge = typeof Charge.Type

/** Makes one of all that are of a kind. */
export const sums = (charges: Iterable<Charge>): ReadonlyArray<Charge> => {
  const kinds = new Map<string, Charge>()
  for (const { agent, broken, calls, model, paidBy, provider, rehearsed, stage, unpriced, usage, usd } of charges) {
    const kind = { stage, agent, provider, model, paidBy, rehearsed, broken }
    const key = JSON.stringify(kind)
    const before = kinds.get(key) ?? { ...kind, calls: 0, usage: Usage.zero, usd: 0, unpriced: 0 }
    kinds.set(key, {
      ...kind,
      calls: before.calls + calls,
      usage: Usage.add(before.usage, usage),
      usd: Usage.plus(before.usd, usd),
      unpriced: before.unpriced + unpriced
    })
  }
  return [...kinds.values()]
}
