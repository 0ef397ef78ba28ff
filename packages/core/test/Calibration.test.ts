import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryJournal from "../src/adapters/MemoryJournal.ts"
import * as Actor from "../src/Actor.ts"
import * as Calibration from "../src/Calibration.ts"
import * as Contract from "../src/Contract.ts"
import * as Digest from "../src/Digest.ts"
import * as Journal from "../src/Journal.ts"
import * as Pricing from "../src/Pricing.ts"
import * as QualityModel from "../src/QualityModel.ts"
import * as Router from "../src/Router.ts"
import * as Scorer from "../src/Scorer.ts"
import type * as Verdict from "../src/Verdict.ts"
import { knowledge, little, request, rules } from "./Routing.ts"

const services = Layer.mergeAll(
  MemoryJournal.layer,
  Layer.succeed(Pricing.Pricing, knowledge.pricing),
  Layer.succeed(Scorer.Scorer, { name: "test", score: () => Effect.succeed(knowledge.scores) })
)

const within = (run: string) =>
  Effect.provideService(Journal.Origin, { line: "L", run, item: "i", stage: null, actor: Actor.host })

const choose = (more: Partial<Router.Request> = {}, judged = true) =>
  Router.route(rules, { ...request, ...more }, { judged })

const verdict = (accepted: boolean, status: Verdict.Status = accepted ? "pass" : "fail") =>
  Journal.record({
    _tag: "VerdictGiven",
    verdict: {
      validator: "tests",
      contract: Digest.of("contract"),
      findings: [{ assertion: Contract.AssertionId.make("VAL-001"), status, reason: "so it is", evidence: [] }],
      accepted
    }
  })

const ended = Journal.record({ _tag: "LineFinished", result: null })

const outcomes = Effect.map(Journal.fold(Calibration.empty, Calibration.see), (calibration) =>
  Calibration.trials(calibration).map(({ candidate, passed }) => `${candidate} ${passed ? "passed" : "failed"}`)
)

const test = (
  title: string,
  facts: Effect.Effect<unknown, unknown, Layer.Success<typeof services>>,
  expected: ReadonlyArray<string>
) =>
  it.effect(title, () =>
    Effect.gen(function* () {
      yield* facts
      assert.deepStrictEqual(yield* outcomes, expected)
    }).pipe(Effect.provide(services))
  )

describe("Calibration", () => {
  test("takes the verdict of a choice", Effect.all([choose(), verdict(true), ended]).pipe(within("r")), [
    "maker/usual passed"
  ])

  test(
    "lets one verdict that rejects outweigh those that accept",
    Effect.all([choose(), verdict(true), verdict(false), verdict(true)]).pipe(within("r")),
    ["maker/usual failed"]
  )

  test(
    "takes nothing from a choice that nobody judges, and nothing from a verdict that could not",
    Effect.all([choose({}, false), verdict(true), choose(), verdict(false, "blocked"), ended]).pipe(within("r")),
    []
  )

  test(
    "gives each attempt the verdict that followed it",
    Effect.gen(function* () {
      yield* choose()
      yield* verdict(false)
      yield* choose({ evidence: [{ kind: "FailedValidation", candidate: "maker/usual" }] })
      yield* choose({ pin: "maker/little" }, false)
      yield* verdict(true)
      yield* ended
    }).pipe(within("r")),
    ["maker/usual failed", "maker/big passed"]
  )

  test(
    "counts a doom loop as a failure, and a wish for another model as nothing",
    Effect.gen(function* () {
      yield* choose().pipe(within("r"))
      yield* choose({ evidence: [{ kind: "DoomLoop", candidate: "maker/usual" }] }).pipe(within("r"))
      yield* choose().pipe(within("s"))
      yield* choose({ evidence: [{ kind: "Requested", candidate: "maker/usual" }] }).pipe(within("s"))
      yield* Effect.all([ended.pipe(within("r")), ended.pipe(within("s"))])
    }),
    ["maker/usual failed"]
  )

  test(
    "keeps runs apart",
    Effect.gen(function* () {
      yield* choose().pipe(within("r"))
      yield* choose({ pin: "maker/little" }).pipe(within("s"))
      yield* verdict(false).pipe(within("r"))
      yield* verdict(true).pipe(within("s"))
      yield* Effect.all([ended.pipe(within("s")), ended.pipe(within("r"))])
    }),
    ["maker/little passed", "maker/usual failed"]
  )

  it.effect("moves the scorer: a model that fails its verdicts is no longer chosen", () =>
    Effect.gen(function* () {
      const pinned = { pin: "maker/little" }
      const easy = { ...request, task: { message: "Fix the typo." } }
      const before = yield* Router.route(rules, easy).pipe(Effect.provide(Scorer.layer(QualityModel.assumed)))
      assert.strictEqual(before.chosen, "maker/little")
      for (let at = 0; at < 30; at++) yield* Effect.all([choose(pinned), verdict(false), ended]).pipe(within(`r.${at}`))
      const trials = Calibration.trials(yield* Journal.fold(Calibration.empty, Calibration.see))
      const model = QualityModel.fit(QualityModel.assumed, { candidates: rules.candidates, trials })
      assert.isBelow(QualityModel.predict(model, little, before.features), 0.3)
      const after = yield* Router.route(rules, easy).pipe(Effect.provide(Scorer.layer(model)))
      assert.strictEqual(after.chosen, "maker/usual")
    }).pipe(Effect.provide(services))
  )
})
