/**
 * Prices of model calls from `@pydantic/genai-prices`: a table that ships with the package, so pricing needs no network.
 * Cache reads and writes have their own prices.
 */
import { calcPrice } from "@pydantic/genai-prices"
import * as Layer from "effect/Layer"
import * as Pricing from "../Pricing.ts"
import * as Usage from "../Usage.ts"

/** Prices a call with the table's prices of today. A call that it can not price has an unknown cost, never 0. */
export const price: Pricing.Pricing["Service"]["price"] = ({ model, provider, usage }) => {
  if (Usage.total(usage) === 0) return Usage.unknown(`${provider} reported no usage for ${model}`)
  try {
    const found = calcPrice(
      {
        // The table counts cache reads and writes as part of the input.
        input_tokens: usage.input + usage.cacheRead + usage.cacheWrite,
        cache_read_tokens: usage.cacheRead,
        cache_write_tokens: usage.cacheWrite,
        output_tokens: usage.output
      },
      model,
      { providerId: provider }
    )
    if (found === null) return Usage.unknown(`the price table does not know ${model} of ${provider}`)
    return Number.isFinite(found.total_price) && found.total_price > 0
      ? Usage.known(found.total_price)
      : Usage.unknown(`the price table has no price for all that ${model} of ${provider} used`)
  } catch (error) {
    return Usage.unknown(`the price table can not price ${model} of ${provider}: ${String(error).slice(0, 200)}`)
  }
}

/** The table as a service. */
export const layer: Layer.Layer<Pricing.Pricing> = Layer.succeed(Pricing.Pricing, { price })
