import { assert, describe, it } from "@effect/vitest"
import * as Budget from "@millwright/core/Budget"
import * as Digest from "@millwright/core/Digest"
import * as Journal from "@millwright/core/Journal"
import * as Scorer from "@millwright/core/Scorer"
import type * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"
import * as RouteLab from "./RouteLab.ts"

const { bash, call, done } = Lab
const escalate = (why = "It is beyond me"): ProviderTwin.Turn => ({ calls: [call("escalate", { why })] })
const list = bash("ls")

const rejected: Verdict.Verdict = {
  validator: "check",
  contract: Digest.of("contract"),
  findings: [],
  accepted: false
}

describe("the loop with a router", () => {
  it.live("begins with the cheapest that is good enough, records why, and keeps it in the session", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({ anthropic: [list, done("x")] })
      const { session } = yield* lab.run({ id: "s" })
      assert.deepStrictEqual(yield* lab.called, ["anthropic/tiny", "anthropic/tiny"])
      const [first, ...more] = yield* lab.facts("ModelChosen")
      assert.lengthOf(more, 0, "A choice that was none is in the journal")
      assert.strictEqual(first?.role, "Tester")
      assert.strictEqual(first.judged, false)
      assert.strictEqual(first.decision.why, "CheapestAboveThreshold")
      assert.deepStrictEqual(
        first.decision.alternatives.map(({ candidate, out }) => [candidate, out?.reason]),
        [
          ["anthropic/big", "Dearer"],
          ["anthropic/middle", "Dearer"],
          ["anthropic/tiny", undefined],
          ["openai/other", "Dearer"]
        ]
      )
      const entries = yield* lab.sessions.read("s")
      const bodies = entries.map(({ body }) => body)
      assert.deepStrictEqual(
        bodies.filter(({ _tag }) => _tag === "Routed"),
        [{ _tag: "Routed", candidate: "anthropic/tiny", why: "Begun", hasStronger: true }]
      )
      assert.strictEqual(session.harness, "loop")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("goes on with the model that a conversation had, at whichever entry it broke off", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const turns = [list, escalate(), list, done("x")]
      const called = ["anthropic/tiny", "anthropic/tiny", "anthropic/middle", "anthropic/middle"]
      // With somebody above the second one, and with nobody.
      for (const candidates of [RouteLab.names, ["anthropic/tiny", "anthropic/middle"] as const]) {
        const first = yield* RouteLab.start({ anthropic: turns, candidates })
        yield* first.run({ id: "s" })
        const entries = yield* first.sessions.read("s")
        assert.deepStrictEqual(yield* first.called, called)
        for (let kept = 1; kept <= entries.length; kept++) {
          const lab = yield* RouteLab.start({ anthropic: turns, candidates })
          yield* lab.sessions.append("s", entries.slice(0, kept))
          yield* lab.run({ id: "s" })
          const answered = entries.slice(0, kept).filter(({ body }) => body._tag === "Answered").length
          assert.deepStrictEqual(
            yield* lab.called,
            called.slice(answered),
            `After ${kept} of ${entries.length} entries`
          )
          const bodies = (yield* lab.bodies("anthropic")).join()
          if (answered < 4 && answered > 1)
            assert.include(bodies, "A stronger model goes on from here.", `After ${kept}`)
        }
      }
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("knows nothing of a router without one", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* Lab.start("anthropic", [escalate(), done("x")])
      yield* lab.run()
      assert.notInclude(yield* lab.offered(0), "escalate")
      assert.include((yield* lab.results(1)).join(), 'There is no tool "escalate"')
      assert.lengthOf(yield* lab.facts("ModelChosen"), 0)
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("knows of a task what the repository is, and how often it was tried", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const seen: Array<Scorer.Question> = []
      const lab = yield* RouteLab.start({
        anthropic: [done("x")],
        routed: {
          features: () => Effect.succeed({ lines: 100_000, languages: { TypeScript: 1, Rust: 1 } }),
          judged: ["Tester"]
        },
        scores: (question) => Effect.sync(() => (seen.push(question), { "anthropic/tiny": 0.9 }))
      })
      const origin = { ...(yield* Journal.Origin), line: "L", run: "1.1", item: "1", stage: "tester#2" }
      const past = { ...origin, stage: "tester", at: 0 }
      yield* lab.journal.append([
        { ...past, fact: { _tag: "StageFinished", attempt: 1, duration: 1 } },
        { ...past, stage: "check", fact: { _tag: "VerdictGiven", verdict: rejected } },
        { ...past, run: "2.1", fact: { _tag: "VerdictGiven", verdict: rejected } }
      ])
      yield* lab.run().pipe(Effect.provideService(Journal.Origin, origin))
      const [question] = seen
      assert.strictEqual(question?.task.failedAttempts, 1)
      assert.strictEqual(question.task.message, "Try it.")
      assert.closeTo(question.features["repository"] ?? 0, 5 / 6, 0.001)
      assert.closeTo(question.features["languages"] ?? 0, 1 / 3, 0.001)
      assert.lengthOf(seen, 1, "The scorer was asked twice for one choice")
      assert.strictEqual((yield* lab.facts("ModelChosen"))[0]?.judged, true)
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("holds a choice to what is left of every budget", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const rules = { threshold: 0.9 }
      const lab = yield* RouteLab.start({ anthropic: [done("x")], rules })
      yield* lab
        .run()
        .pipe(
          Budget.slice("a part", { usd: 0.2 }),
          Effect.provide(Budget.layer({ usd: 100 })),
          Effect.provideService(Journal.Journal, lab.journal)
        )
      const [fact] = yield* lab.facts("ModelChosen")
      assert.strictEqual(
        fact?.decision.alternatives.find(({ candidate }) => candidate === "anthropic/big")?.out?.reason,
        "OverBudget"
      )
      assert.deepStrictEqual(yield* lab.called, ["anthropic/middle"])
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("fails with the reason of each where nobody can be chosen", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({
        anthropic: [done("x")],
        contexts: { "anthropic/tiny": 100 },
        candidates: ["anthropic/tiny"]
      })
      const error = yield* Effect.flip(lab.run())
      assert.strictEqual(error._tag, "RouteError")
      assert.match(error.message, /anthropic\/tiny: It holds 100 tokens/)
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("names for each tier the first candidate of it, or of the next one that there is", () =>
    Effect.gen(function* () {
      for (const [candidates, expected] of [
        [RouteLab.names, ["tiny", "middle", "big"]],
        [["anthropic/big"], ["big", "big", "big"]],
        [
          ["anthropic/tiny", "openai/other"],
          ["tiny", "other", "other"]
        ]
      ] as const) {
        const { models } = yield* RouteLab.start({ candidates })
        const tiers = ["small", "standard", "large"] as const
        assert.deepStrictEqual(
          tiers.map((tier) => models.forTier(tier).name),
          [...expected]
        )
      }
    })
  )

  it.live("is not made for a candidate without a model", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(RouteLab.start({ routed: { models: {} } }))
      assert.include(String(error), "There is no model for anthropic/tiny, anthropic/middle")
    }).pipe(Effect.provide(Lab.Services))
  )
})

describe("evidence against a model", () => {
  it.live("an outcome of the wrong shape is mended by a stronger one, where there is one", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const malformed = { calls: [call("outcome", { outcome: { _tag: "Done", note: 7 } })] }
      for (const [candidates, expected] of [
        [RouteLab.names, "anthropic/middle"],
        [["anthropic/tiny"], "anthropic/tiny"]
      ] as const) {
        const lab = yield* RouteLab.start({ anthropic: [malformed, done("mended")], candidates })
        const { session } = yield* lab.run()
        const { outcome } = yield* lab.run({ session, prompt: "Mend it." })
        assert.deepStrictEqual(outcome, { _tag: "Done", note: "mended" })
        assert.deepStrictEqual(yield* lab.called, ["anthropic/tiny", expected])
      }
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("an outcome of the wrong shape is none when it is only asked for again", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({ anthropic: [{ calls: [call("outcome", { outcome: { _tag: "Wrong" } })] }] })
      yield* lab.run({ id: "s" })
      const { outcome } = yield* lab.run({ id: "s" })
      assert.deepStrictEqual(outcome, { _tag: "Wrong" })
      assert.lengthOf(yield* lab.facts("ModelChosen"), 1)
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("an outcome of the right shape is none when the conversation goes on", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({ anthropic: [done("one"), done("two")] })
      const { session } = yield* lab.run()
      yield* lab.run({ session, prompt: "Further." })
      assert.deepStrictEqual(yield* lab.called, ["anthropic/tiny", "anthropic/tiny"])
      assert.lengthOf(yield* lab.facts("ModelChosen"), 1)
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("a circle is left by a stronger one, once, after the warning did not help", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const circle = Array.from({ length: 6 }, () => list)
      const lab = yield* RouteLab.start({ anthropic: [...circle, list, done("out of it")] })
      yield* lab.run({ maxTurns: 20 })
      assert.deepStrictEqual(
        (yield* lab.facts("CircleFound")).map(({ told }) => told),
        [true, false]
      )
      const called = yield* lab.called
      assert.deepStrictEqual(called.slice(5), ["anthropic/tiny", "anthropic/middle", "anthropic/middle"])
      assert.include((yield* lab.bodies("anthropic"))[6] ?? "", "You take over here from another model")

      const endless = yield* RouteLab.start({ anthropic: Array.from({ length: 20 }, () => list) })
      const error = yield* Effect.flip(endless.run({ maxTurns: 20 }))
      assert.strictEqual(error.reason, "InACircle")
      assert.deepStrictEqual([...new Set(yield* endless.called)], ["anthropic/tiny", "anthropic/middle"])
      const alone = yield* RouteLab.start({ anthropic: circle, candidates: ["anthropic/tiny"] })
      assert.strictEqual((yield* Effect.flip(alone.run({ maxTurns: 20 }))).reason, "InACircle")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("an agent asks for a stronger one, until there is none", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({
        anthropic: [
          { calls: [...(list.calls ?? []), ...(escalate("too hard").calls ?? [])] },
          escalate(),
          escalate(),
          done("x")
        ]
      })
      yield* lab.run()
      assert.deepStrictEqual(yield* lab.called, [
        "anthropic/tiny",
        "anthropic/middle",
        "anthropic/big",
        "anthropic/big"
      ])
      const bodies = yield* lab.bodies("anthropic")
      assert.deepStrictEqual(
        bodies.map((body) => body.includes('"name":"escalate","description"')),
        [true, true, false, false],
        "The tool is offered to those who have somebody above them"
      )
      assert.include(bodies[1] ?? "", "A stronger model goes on from here.")
      assert.include(bodies[3] ?? "", 'There is no tool \\"escalate\\"')
      const [, second] = yield* lab.facts("ModelChosen")
      assert.deepStrictEqual(second?.decision.evidence, [{ kind: "Requested", candidate: "anthropic/tiny" }])
      assert.strictEqual(second.decision.from, "anthropic/tiny")
      const asked = (yield* lab.facts("ToolCalled")).filter(({ tool }) => tool === "escalate")
      assert.include(asked[0]?.summary ?? "", "too hard")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("a wish with an outcome beside it is none, and the tool can be left out", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const both = { calls: [...(escalate().calls ?? []), ...(done("x").calls ?? [])] }
      const lab = yield* RouteLab.start({ anthropic: [both] })
      yield* lab.run()
      assert.deepStrictEqual(yield* lab.called, ["anthropic/tiny"])
      const without = yield* RouteLab.start({ anthropic: [done("x")], routed: { escalate: false } })
      yield* without.run()
      assert.notInclude((yield* without.bodies("anthropic"))[0] ?? "", "escalate")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("a scorer that fails ends a beginning, and leaves a conversation with who has it", () =>
    Effect.gen(function* () {
      yield* workspace({})
      let asked = 0
      const scores = () =>
        asked++ === 0
          ? Effect.succeed({ "anthropic/tiny": 0.8, "anthropic/big": 0.95 })
          : Effect.fail(new Scorer.ScorerError({ reason: "Unavailable", message: "It is gone." }))
      const lab = yield* RouteLab.start({ anthropic: [escalate(), done("x")], scores })
      yield* lab.run()
      assert.deepStrictEqual(yield* lab.called, ["anthropic/tiny", "anthropic/tiny"])
      assert.include((yield* lab.bodies("anthropic"))[1] ?? "", "No stronger model can be had now")
      assert.strictEqual((yield* Effect.flip(lab.run()))._tag, "ScorerError")
    }).pipe(Effect.provide(Lab.Services))
  )
})
