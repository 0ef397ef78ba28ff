/** What a model call costs. Prices come from an adapter; a model that it does not know has an unknown cost, never 0. */
import * as Context from "effect/Context"
import * as Usage from "./Usage.ts"

/** Prices a call. Pure: the same table gives the same answer. */
export class Pricing extends Context.Service<
  Pricing,
  {
    readonly price: (call: {
      readonly provider: string
      readonly model: string
      readonly usage: Usage.Usage
    }) => Usage.Cost
  }
>()("@millwright/core/Pricing") {}

/** No prices at all: every call has an unknown cost. */
export const unpriced: Pricing["Service"] = { price: () => Usage.unknown("no price table is installed") }
