import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Outages from "../src/Outages.ts"

const rest = { first: 100, longest: 1_000 }
const failing = (times: number, outages = Outages.none) =>
  Array.from({ length: times }).reduce<Outages.Outages>(
    (all) => Outages.failed(all, "anthropic", { now: 0, rest }),
    outages
  )
const down = (outages: Outages.Outages, now: number) => Outages.down(outages, { now, rest })

describe("a provider that does not answer", () => {
  it("is left alone for a while, twice as long after each failure, and never longer than it may be", () => {
    for (const [times, until] of [
      [1, 100],
      [2, 200],
      [3, 400],
      [9, 1_000],
      [5_000, 1_000]
    ] as const) {
      const outages = failing(times)
      assert.deepStrictEqual(down(outages, until - 1).providers, ["anthropic"], `${times} failures, just before`)
      assert.deepStrictEqual(down(outages, until).providers, [], `${times} failures, just after`)
    }
  })

  it("is left alone as long as it asks for", () => {
    const outages = Outages.failed(Outages.none, "anthropic", { now: 0, rest, retryAfter: 5_000 })
    assert.deepStrictEqual(down(outages, 4_999).providers, ["anthropic"])
    assert.deepStrictEqual(down(outages, 5_000).providers, [])
  })

  it("is tried by one at a time when it has rested", () => {
    const first = down(failing(1), 100)
    assert.deepStrictEqual(first.providers, [])
    const second = down(first.outages, 100)
    assert.deepStrictEqual(second.providers, ["anthropic"], "Two tried it at once")
    assert.deepStrictEqual(down(second.outages, 200).providers, [], "Who tried it was never heard of again")
  })

  it("is there again with its first answer, and begins anew when it fails later", () => {
    const outages = Outages.answered(failing(5), "anthropic")
    assert.deepStrictEqual(down(outages, 0).providers, [])
    assert.deepStrictEqual(down(Outages.failed(outages, "anthropic", { now: 0, rest }), 100).providers, [])
  })

  it("says nothing about others", () => {
    assert.deepStrictEqual(down(Outages.failed(failing(3), "openai", { now: 0, rest }), 100).providers, ["anthropic"])
  })

  const Step = Schema.Struct({
    what: Schema.Literals(["failed", "answered", "down"]),
    provider: Schema.Literals(["a", "b"]),
    wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_000 }))
  })
  it.prop(
    "is down for no longer than the longest rest, whatever happened before, and was down only if it failed",
    [Schema.Array(Step)],
    ([steps]) => {
      let [outages, now] = [Outages.none, 0]
      const failed = new Set<string>()
      for (const { provider, wait, what } of steps) {
        now += wait
        if (what === "failed") {
          outages = Outages.failed(outages, provider, { now, rest })
          failed.add(provider)
        }
        if (what === "answered") {
          outages = Outages.answered(outages, provider)
          failed.delete(provider)
        }
        if (what === "down") {
          const seen = down(outages, now)
          outages = seen.outages
          assert.isTrue(seen.providers.every((each) => failed.has(each)))
        }
      }
      assert.deepStrictEqual(down(outages, now + rest.longest).providers, [])
    }
  )
})
