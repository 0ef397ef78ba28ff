import { assert, describe, it } from "@effect/vitest"
import * as Candidate from "../src/Candidate.ts"
import * as Forecast from "../src/Forecast.ts"
import * as Pricing from "../src/Pricing.ts"
import * as Usage from "../src/Usage.ts"
import { little } from "./Routing.ts"

const call: Pricing.Call = { provider: "p", model: "m", usage: { ...Usage.zero, output: 1 } }
const table = (price: () => Usage.Cost): Pricing.Pricing["Service"] => ({ price })

describe("Pricing", () => {
  it("does not know a price that is no amount of money", () => {
    for (const usd of [Number.NaN, Infinity, -Infinity, -0.01]) {
      const cost = Pricing.cost(
        table(() => Usage.known(usd)),
        call
      )
      assert.strictEqual(cost._tag, "Unknown", `${usd} became a price`)
      assert.include(cost._tag === "Unknown" ? cost.why : "", `a price of ${usd} US dollars for m of p is none`)
    }
    const free = table(() => Usage.known(0))
    assert.deepStrictEqual(Pricing.cost(free, call), Usage.known(0), "what is free is known to be")
  })

  it("does not know the price where the table breaks", () => {
    const broken = table(() => {
      throw new Error("no such row")
    })
    const cost = Pricing.cost(broken, call)
    assert.include(cost._tag === "Unknown" ? cost.why : "", "the price table broke at m of p: Error: no such row")
  })

  it("is asked the same way by a forecast", () => {
    const work = { context: 100, turns: 2, growth: 1, output: 1 }
    const broken = table(() => Usage.known(Number.NaN))
    const turns = Forecast.usages(little, work)
    assert.strictEqual(Forecast.priced(little, turns, broken)._tag, "Unknown", Candidate.idOf(little))
  })
})
