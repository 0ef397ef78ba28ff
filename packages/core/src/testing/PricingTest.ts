/**
 * What every price table holds to. An adapter proves itself with one line:
 *
 * ```text
 * PricingTest.suite("MyPrices", { layer: MyPrices.layer, priced: [{ provider: "anthropic", model: "claude-sonnet-4-5" }] })
 * ```
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Pricing from "../Pricing.ts"
import * as Usage from "../Usage.ts"

/** The table, and some calls that it can price. */
export interface Options {
  readonly layer: Layer.Layer<Pricing.Pricing, unknown>
  readonly priced: ReadonlyArray<{ readonly provider: string; readonly model: string }>
}

/** Registers the tests of a price table with vitest. */
export const suite = (name: string, { layer, priced }: Options): void => {
  describe(name, () => {
    it.effect("says why it can not price a call", () => Effect.provide(unpriced(priced), layer))
    it.effect.prop(
      "a priced model costs something for any tokens, and more for more of any kind",
      [Usage.Usage, Schema.Int],
      ([drawn, choice]) => Effect.provide(growing(drawn, priced[Math.abs(choice) % priced.length]), layer)
    )
  })
}

const unpriced = Effect.fnUntraced(function* (priced: Options["priced"]) {
  const pricing = yield* Pricing.Pricing
  const usage = { ...Usage.zero, input: 10 }
  const calls = [
    { provider: "no-such-provider", model: "no-such-model", usage },
    ...priced.flatMap(({ model, provider }) => [
      { provider, model: `no-such-${model}-model`, usage },
      { provider, model, usage: Usage.zero }
    ])
  ]
  for (const call of calls) {
    const cost = pricing.price(call)
    if (cost._tag === "Known") assert.fail(`${call.provider} ${call.model} costs ${cost.usd}, and nobody can know that`)
    assert.include(cost.why, call.model, "The reason does not name the model")
  }
})

const growing = Effect.fnUntraced(function* (drawn: Usage.Usage, call: Options["priced"][number] | undefined) {
  if (call === undefined) return assert.fail("The suite needs at least one call that can be priced")
  const pricing = yield* Pricing.Pricing
  const usd = (usage: Usage.Usage): number => {
    const cost = pricing.price({ ...call, usage })
    return cost._tag === "Known" ? cost.usd : assert.fail(`${call.provider} ${call.model} is not priced: ${cost.why}`)
  }
  const bounded = (tokens: number) => tokens % 10_000_000
  const usage = {
    input: bounded(drawn.input),
    cacheRead: bounded(drawn.cacheRead),
    cacheWrite: bounded(drawn.cacheWrite),
    output: bounded(drawn.output) + 1
  }
  const cost = usd(usage)
  assert.isAbove(cost, 0)
  for (const kind of ["input", "cacheRead", "cacheWrite", "output"] as const) {
    assert.isAbove(usd({ ...usage, [kind]: usage[kind] + 1_000 }), cost, `1,000 tokens more of ${kind} cost nothing`)
  }
})
