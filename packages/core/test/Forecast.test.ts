import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Forecast from "../src/Forecast.ts"
import * as Usage from "../src/Usage.ts"
import { candidate, pricing } from "./Routing.ts"

const work: Forecast.Work = { context: 1_000, turns: 3, growth: 100, output: 10 }

describe("Forecast", () => {
  it("writes what is new and reads what was sent, turn by turn", () => {
    assert.deepStrictEqual(Forecast.usages(candidate("a"), work), [
      { input: 0, cacheRead: 0, cacheWrite: 1_000, output: 10 },
      { input: 0, cacheRead: 1_000, cacheWrite: 110, output: 10 },
      { input: 0, cacheRead: 1_110, cacheWrite: 110, output: 10 }
    ])
    const current = { candidate: "maker/a", cached: 900 }
    assert.deepStrictEqual(Forecast.usages(candidate("a"), work, current)[0], {
      input: 0,
      cacheRead: 900,
      cacheWrite: 100,
      output: 10
    })
    const other = Forecast.usages(candidate("b"), work, current)[0]
    assert.strictEqual(other?.cacheRead, 0, "another model has nothing of it in its cache")
  })

  it("bills what is new as input where a provider caches by itself, and everything where nothing is cached", () => {
    const automatic = Forecast.usages(candidate("a", { cache: "automatic" }), work)
    assert.deepStrictEqual(automatic[1], { input: 110, cacheRead: 1_000, cacheWrite: 0, output: 10 })
    const none = Forecast.usages(candidate("a", { cache: "none" }), work, { candidate: "maker/a", cached: 900 })
    assert.deepStrictEqual(none[2], { input: 1_220, cacheRead: 0, cacheWrite: 0, output: 10 })
  })

  it("knows how long the conversation gets", () => {
    assert.strictEqual(Forecast.longest(work), 1_000 + 3 * 10 + 2 * 100)
  })

  it("prices each turn by itself: a tier of long prompts holds for the turns that reach it", () => {
    const tiered = {
      price: ({ usage }: { readonly usage: Usage.Usage }) =>
        Usage.known(usage.input + usage.cacheRead + usage.cacheWrite > 1_100 ? 2 : 1)
    }
    const turns = Forecast.usages(candidate("a"), work)
    assert.deepStrictEqual(Forecast.priced(candidate("a"), turns, tiered), Usage.known(1 + 2 + 2))
  })

  it("knows no price where one turn has none", () => {
    const some = {
      price: ({ usage }: { readonly usage: Usage.Usage }) =>
        usage.cacheRead > 0 ? Usage.unknown("no read price") : Usage.known(1)
    }
    const cost = Forecast.priced(candidate("a"), Forecast.usages(candidate("a"), work), some)
    assert.deepStrictEqual(cost, Usage.unknown("no read price"))
  })

  it.prop(
    "is never dearer with more of the conversation in the cache, whatever the provider",
    [Schema.Natural, Schema.Natural, Schema.Literals(["written", "automatic", "none"])],
    ([context, cached, cache]) => {
      const one = candidate("a", { cache })
      const usd = (held: number) => {
        const current = { candidate: "maker/a", cached: held }
        const turns = Forecast.usages(one, { ...work, context: context % 1_000_000 }, current)
        const cost = Forecast.priced(one, turns, pricing({ a: 3 }))
        return cost._tag === "Known" ? cost.usd : assert.fail(cost.why)
      }
      const held = cached % 1_000_000
      assert.isAtMost(usd(held), usd(0) + 1e-9)
      assert.isAtMost(usd(held * 2), usd(held) + 1e-9)
    }
  )
})
