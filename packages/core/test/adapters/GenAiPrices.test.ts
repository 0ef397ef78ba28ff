import { assert, describe, it } from "@effect/vitest"
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as PricingTest from "@millwright/core/testing/PricingTest"
import * as Usage from "@millwright/core/Usage"

PricingTest.suite("GenAiPrices", {
  layer: GenAiPrices.layer,
  priced: [
    { provider: "anthropic", model: "claude-sonnet-4-5" },
    { provider: "anthropic", model: "claude-opus-4-5" },
    { provider: "anthropic", model: "claude-haiku-4-5" },
    { provider: "openai", model: "gpt-5-mini" },
    { provider: "openai", model: "gpt-4o" },
    { provider: "google", model: "gemini-2.5-pro" },
    { provider: "deepseek", model: "deepseek-chat" }
  ]
})

const sonnet = (usage: Partial<Usage.Usage>): number => {
  const call = { provider: "anthropic", model: "claude-sonnet-4-5", usage: { ...Usage.zero, ...usage } }
  const cost = GenAiPrices.price(call)
  return cost._tag === "Known" ? cost.usd : assert.fail(cost.why)
}

describe("GenAiPrices", () => {
  it("prices each kind by itself: a cache read is cheaper than input, a cache write dearer", () => {
    const input = sonnet({ input: 100_000 })
    const read = sonnet({ cacheRead: 100_000 })
    const write = sonnet({ cacheWrite: 100_000 })
    const output = sonnet({ output: 100_000 })
    assert.closeTo(input, 0.3, 1e-9)
    assert.closeTo(read, 0.03, 1e-9)
    assert.closeTo(write, 0.375, 1e-9)
    assert.closeTo(output, 1.5, 1e-9)
    const all = sonnet({ input: 25_000, cacheRead: 25_000, cacheWrite: 25_000, output: 100_000 })
    assert.closeTo(all, (input + read + write) / 4 + output, 1e-9, "The kinds overlap")
  })

  it("has no price for a model that runs on one's own machine", () => {
    const cost = GenAiPrices.price({ provider: "ollama", model: "llama3", usage: { ...Usage.zero, input: 10 } })
    assert.strictEqual(cost._tag, "Unknown")
  })
})
