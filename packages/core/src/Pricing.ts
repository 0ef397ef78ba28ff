/**
 * What a model call costs. Prices come from an adapter; a model that it does not know has an unknown cost, never 0. Whoever
 * needs a price asks {@link cost}: what comes out of it can be added up.
 */
import * as Context from "effect/Context"
import * as Usage from "./Usage.ts"

/** A call that is to be priced. */
export interface Call {
  readonly provider: string
  readonly model: string
  readonly usage: Usage.Usage
}

/** Prices a call. Pure: the same table gives the same answer. */
export class Pricing extends Context.Service<
  Pricing,
  {
    readonly price: (call: Call) => Usage.Cost
  }
>()("@millwright/core/Pricing") {}

/** No prices at all: every call has an unknown cost. */
export const unpriced: Pricing["Service"] = { price: () => Usage.unknown("no price table is installed") }

/** What a call costs. A table that breaks, or answers with what is no amount of money, does not know the price. */
export const cost = ({ price }: Pricing["Service"], call: Call): Usage.Cost => {
  const whose = `${call.model} of ${call.provider}`
  try {
    return sane(price(call), whose)
  } catch (error) {
    return Usage.unknown(`the price table broke at ${whose}: ${String(error).slice(0, 200)}`)
  }
}

/** A cost as it is, where it can be one; unknown, where it is below 0 or no number. `whose` names the call. */
export const sane = (cost: Usage.Cost, whose: string): Usage.Cost =>
  cost._tag === "Unknown" || (Number.isFinite(cost.usd) && cost.usd >= 0)
    ? cost
    : Usage.unknown(`a price of ${cost.usd} US dollars for ${whose} is none`)
