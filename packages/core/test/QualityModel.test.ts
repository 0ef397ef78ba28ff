import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as QualityModel from "../src/QualityModel.ts"
import * as Scorer from "../src/Scorer.ts"
import * as TaskFeatures from "../src/TaskFeatures.ts"
import * as ScorerTest from "../src/testing/ScorerTest.ts"
import { big, little, usual } from "./Routing.ts"

const { assumed, explain, fit, predict } = QualityModel
const candidates = [little, usual, big]

const Trials = Schema.Array(
  Schema.Struct({
    candidate: Schema.Literals(["maker/little", "maker/usual", "maker/unknown"]),
    features: Schema.Struct({
      message: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
      own: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
    }),
    passed: Schema.Boolean
  })
)

const trials = (candidate: string, passed: boolean, { count, message }: { count: number; message: number }) =>
  Array.from({ length: count }, (): QualityModel.Trial => ({ candidate, passed, features: { message } }))

ScorerTest.suite("Scorer.linear", { layer: Scorer.layer(assumed) })

describe("QualityModel", () => {
  it.prop(
    "assumes that a harder task is done less well, and a larger tier does it better",
    [TaskFeatures.Features, Schema.Literals(Object.keys(assumed.tiers.small.features))],
    ([features, feature]) => {
      const at = (value: number, of = usual) => predict(assumed, of, { ...features, [feature]: value })
      assert.isAtMost(at(1), at(0))
      assert.isBelow(at(0.5, little), at(0.5, usual))
      assert.isBelow(at(0.5, usual), at(0.5, big))
    }
  )

  it("explains a prediction by its parts, the heaviest first", () => {
    const features = { message: 0.5, repository: 1, unheard: 1 }
    const { bias, parts } = explain(assumed, usual, features)
    assert.deepStrictEqual(
      parts.map(({ feature }) => feature),
      ["repository", "message"]
    )
    const odds = parts.reduce((sum, { value, weight }) => sum + value * weight, bias)
    assert.closeTo(predict(assumed, usual, features), 1 / (1 + Math.exp(-odds)), 1e-12)
  })

  it("moves nobody without trials, and nobody for the trials of another", () => {
    assert.deepStrictEqual(fit(assumed, { candidates, trials: [] }), assumed)
    const fitted = fit(assumed, { candidates, trials: trials("maker/little", false, { count: 20, message: 0.2 }) })
    assert.deepStrictEqual(Object.keys(fitted.candidates), ["maker/little"])
    assert.strictEqual(predict(fitted, usual, {}), predict(assumed, usual, {}))
  })

  it("comes to what trials say, the more of them the nearer, and learns features of its own", () => {
    const half = (count: number) =>
      fit(assumed, {
        candidates,
        trials: [
          ...trials("maker/usual", true, { count: count / 2, message: 0.5 }),
          ...trials("maker/usual", false, { count: count / 2, message: 0.5 })
        ]
      })
    const away = [2, 20, 200, 2_000].map((count) => Math.abs(predict(half(count), usual, { message: 0.5 }) - 0.5))
    for (const [at, distance] of away.entries())
      assert.isBelow(distance, away[at - 1] ?? 1, "more trials, farther away")
    assert.isBelow(away.at(-1) ?? 1, 0.01)
    const own = fit(assumed, {
      candidates,
      trials: Array.from({ length: 400 }, (_, at) => ({
        candidate: "maker/big",
        features: { own: at % 2 },
        passed: at % 2 === 0
      }))
    })
    assert.isBelow(predict(own, big, { own: 1 }), 0.1)
    assert.isAbove(predict(own, big, { own: 0 }), 0.9)
  })

  it.prop(
    "fits any trials to numbers, the same in whatever order they stand",
    [Trials],
    ([drawn]) => {
      const fitted = fit(assumed, { candidates, trials: drawn })
      assert.isTrue(Schema.is(QualityModel.QualityModel)(fitted), JSON.stringify(fitted.candidates))
      const turned = fit(assumed, { candidates, trials: [...drawn].reverse() })
      for (const each of candidates) {
        const features = { message: 0.3, own: 0.7 }
        assert.closeTo(predict(turned, each, features), predict(fitted, each, features), 1e-6)
      }
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop(
    "predicts no less for one more trial that passed, where it passed",
    [Trials, Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))],
    ([drawn, message]) => {
      const features = { message, own: 0 }
      const more = [...drawn, { candidate: "maker/usual", features, passed: true } as const]
      const at = (all: ReadonlyArray<QualityModel.Trial>) =>
        predict(fit(assumed, { candidates, trials: all }), usual, features)
      assert.isAtLeast(at(more), at(drawn) - 1e-6)
    },
    { arbitrary: { runs: 300 } }
  )
})
