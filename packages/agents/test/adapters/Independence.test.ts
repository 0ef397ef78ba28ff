import { assert, describe, it } from "@effect/vitest"
import * as Candidate from "@millwright/core/Candidate"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Usage from "@millwright/core/Usage"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Harness from "../../src/Harness.ts"
import * as Independence from "../../src/Independence.ts"
import * as ModelChoice from "../../src/ModelChoice.ts"
import * as Review from "../../src/roles/Review.ts"
import * as Role from "../../src/Role.ts"
import * as Rehearsal from "../../src/testing/Rehearsal.ts"
import * as ReviewLab from "../ReviewLab.ts"
import * as Lab from "./LoopLab.ts"
import * as RouteLab from "./RouteLab.ts"

const called = (model: string): FactoryEvent.Fact => ({
  _tag: "ModelCalled",
  model,
  provider: "anthropic",
  usage: Usage.zero,
  cost: Usage.known(0),
  latency: 0,
  rehearsed: true
})

/** Somebody in a role wrote with a model. */
const wrote = (role: string, model: string) => Journal.record(called(model)).pipe(Journal.as({ _tag: "Agent", role }))

const approving = [Rehearsal.turn(ReviewLab.approval()), Rehearsal.turn(ReviewLab.approval())]

/** A review by the router, after somebody wrote with a model. */
const routed = (around: RouteLab.Around, author: string) =>
  Effect.gen(function* () {
    const lab = yield* RouteLab.start({ anthropic: approving, openai: approving, ...around })
    const run = <A, E>(effect: Effect.Effect<A, E, Harness.Harness | Journal.Journal | Harness.Workplace>) =>
      effect.pipe(
        Effect.provideService(Harness.Harness, lab.harness),
        Effect.provideService(Journal.Journal, lab.journal),
        Effect.provide(NodeServices.layer)
      )
    yield* run(wrote("Implement", author))
    return { ...lab, run }
  })

/** The models of the lab by their maker. */
const families = { tiny: "red", middle: "red", big: "red", other: "blue" }
const candidateFamilies = (name: string) => ({ family: families[name as keyof typeof families] })

const reviewer = Review.Review.run(ReviewLab.input)

describe("Candidate.familyOf", () => {
  it("knows the family of a model, whoever provides it, and takes another one by name for one of its own", () => {
    const known = {
      "claude-sonnet-5-5": "claude",
      "anthropic/claude-opus-5-5": "claude",
      "us.anthropic.claude-haiku-4-5-v1:0": "claude",
      "gpt-5.4": "gpt",
      "openai/gpt-5.4-codex": "gpt",
      "o3-mini": "gpt",
      "gemini-3-pro": "gemini",
      "meta-llama/Llama-4": "llama",
      "Qwen/Qwen3-Coder": "qwen",
      "deepseek-v4": "deepseek",
      "grok-5": "grok",
      "House-Model-1": "house-model-1",
      "foo3-large": "foo3-large"
    }
    for (const [model, family] of Object.entries(known))
      assert.strictEqual(Candidate.familyOf({ model }), family, model)
    assert.strictEqual(Candidate.familyOf({ model: "house-1", family: "claude" }), "claude")
  })
})

describe("Independence", () => {
  it.live("refuses a model of an author's family before it is called, where a tier has one model", () =>
    Effect.gen(function* () {
      const judging = yield* Effect.gen(function* () {
        yield* wrote("Implement/scout", "rehearsal")
        const error = yield* Effect.flip(reviewer)
        const calls = yield* Journal.fold(0, (sum, { fact }) => sum + (fact._tag === "ModelCalled" ? 1 : 0))
        return { error, calls }
      }).pipe(Effect.provide(Rehearsal.layer([ReviewLab.approval()])))
      assert.strictEqual(judging.error._tag, "HarnessError")
      assert.strictEqual(judging.error.reason, "SameFamily")
      assert.match(judging.error.message, /standard.*another family/s)
      assert.strictEqual(judging.calls, 1, "the model was called before it was refused")
    })
  )

  it.live("warns with a fact where the policy says so, and knows families that it is told", () =>
    Effect.gen(function* () {
      const facts = Journal.fold([] as ReadonlyArray<FactoryEvent.Fact>, (all, { fact }) =>
        fact._tag === "IndependenceWaived" ? [...all, fact] : all
      )
      const waived = yield* wrote("Implement", "rehearsal").pipe(
        Effect.andThen(reviewer.pipe(Independence.within({ family: "warn" }))),
        Effect.andThen(facts),
        Effect.provide(Rehearsal.layer([ReviewLab.approval()]))
      )
      assert.deepStrictEqual(waived, [
        { _tag: "IndependenceWaived", role: "Review", model: "rehearsal", family: "rehearsal", authors: ["Implement"] }
      ])
      const other = yield* wrote("Implement", "gpt-5").pipe(
        Effect.andThen(Effect.flip(reviewer.pipe(Independence.within({ families: { rehearsal: "gpt" } })))),
        Effect.provide(Rehearsal.layer([ReviewLab.approval()]))
      )
      assert.strictEqual(other.reason, "SameFamily")
    })
  )

  it.live(
    "knows who wrote in a run that it was forked from, in one that waits for it, and in one that it waits for",
    () =>
      Effect.gen(function* () {
        const within = <A, E, R>(run: string, effect: Effect.Effect<A, E, R>) =>
          Effect.flatMap(Journal.Origin, (origin) =>
            Effect.provideService(effect, Journal.Origin, { ...origin, line: "Building", run })
          )
        const started = (more: Partial<Extract<FactoryEvent.Fact, { _tag: "LineStarted" }>>) =>
          Journal.record({ _tag: "LineStarted", title: "", execution: "", start: "", ...more })
        const families = Effect.fnUntraced(function* (run: string) {
          const known = yield* within(run, Independence.read)
          return [...Independence.families(known, yield* Independence.Policy).keys()].sort()
        })
        const outcome = yield* Effect.gen(function* () {
          yield* within("first", Effect.andThen(started({}), wrote("Implement", "gpt-5")))
          yield* within("fork", started({ forkOf: { run: "first", before: "review" } }))
          yield* within("fork-of-fork", started({ forkOf: { run: "fork", before: "review" } }))
          yield* within("fork-of-fork", Journal.record({ _tag: "ChildStarted", child: "child" }))
          yield* within(
            "child",
            Effect.andThen(
              started({ parent: { run: "fork-of-fork", stage: "part" } }),
              wrote("Implement/scout", "rehearsal")
            )
          )
          yield* within("other", Effect.andThen(started({}), wrote("Implement", "gemini-3")))
          assert.deepStrictEqual(yield* families("fork"), ["gpt"], "the run that it was forked from")
          assert.deepStrictEqual(yield* families("fork-of-fork"), ["gpt", "rehearsal"], "the run that it waits for")
          assert.deepStrictEqual(yield* families("child"), ["gpt", "rehearsal"], "the run that waits for it")
          const error = yield* within("fork-of-fork", Effect.flip(reviewer))
          assert.strictEqual(error.reason, "SameFamily", "a sub-agent of a child wrote with it")
          return yield* within("fork", reviewer)
        }).pipe(Effect.provide(Rehearsal.layer([ReviewLab.approval()])))
        assert.strictEqual(outcome._tag, "Approve")
      })
  )

  it.live("counts who answers a review, as it counts who wrote", () =>
    Effect.gen(function* () {
      const error = yield* wrote("Respond", "rehearsal").pipe(
        Effect.andThen(Effect.flip(reviewer)),
        Effect.provide(Rehearsal.layer([ReviewLab.approval()]))
      )
      assert.strictEqual(error.reason, "SameFamily")
    })
  )

  it.live("has nothing against who reads, plans or reviewed before", () =>
    Effect.gen(function* () {
      const outcome = yield* wrote("Triage", "rehearsal").pipe(
        Effect.andThen(wrote("Review", "rehearsal")),
        Effect.andThen(wrote("Implementer", "rehearsal")),
        Effect.andThen(reviewer),
        Effect.provide(Rehearsal.layer([ReviewLab.approval()]))
      )
      assert.strictEqual(outcome._tag, "Approve")
    })
  )

  it.live("makes the router choose another family, whoever is cheaper, and whoever is pinned", () =>
    Effect.gen(function* () {
      const lab = yield* routed({ families: candidateFamilies }, "tiny")
      const outcome = yield* lab.run(reviewer.pipe(Independence.within({ families })))
      assert.strictEqual(outcome._tag, "Approve")
      assert.deepStrictEqual(yield* lab.chosen, ["openai/other"])
      const [chosen] = yield* lab.facts("ModelChosen")
      assert.deepStrictEqual(
        chosen?.decision.alternatives.filter(({ out }) => out?.reason === "Avoided").map(({ candidate }) => candidate),
        ["anthropic/big", "anthropic/middle", "anthropic/tiny"]
      )
      const pinned = yield* lab.run(
        Effect.flip(
          reviewer.pipe(
            Independence.within({ families }),
            Effect.provideService(ModelChoice.Pin, Effect.succeed("anthropic/big"))
          )
        )
      )
      assert.strictEqual(pinned.reason, "PinCanNot")
    })
  )

  it.live("calls nobody where the router has no other family, unless the policy only warns", () =>
    Effect.gen(function* () {
      const lab = yield* routed(
        { families: candidateFamilies, candidates: ["anthropic/tiny", "anthropic/big"] },
        "middle"
      )
      const error = yield* lab.run(Effect.flip(reviewer.pipe(Independence.within({ families }))))
      assert.strictEqual(error.reason, "NobodyLeft")
      assert.lengthOf(yield* lab.called, 1)
      yield* lab.run(reviewer.pipe(Independence.within({ families, family: "warn" })))
      assert.deepStrictEqual(yield* lab.chosen, ["anthropic/tiny"])
      assert.lengthOf(yield* lab.facts("IndependenceWaived"), 1)
    })
  )

  it.live("refuses a conversation of an author, before a model is called", () =>
    Effect.gen(function* () {
      const lab = yield* routed({ families: candidateFamilies }, "nobody")
      yield* lab.run(Journal.record({ _tag: "AgentStarted", role: "Implement", session: "the-author", resumed: false }))
      const error = yield* lab.run(Effect.flip(reviewer.pipe(Role.goingOn("the-author"))))
      assert.strictEqual(error.reason, "SharedSession")
      assert.match(error.message, /the-author, which is one of Implement/)
      assert.lengthOf(yield* lab.called, 1)
      const handed = yield* lab.run(
        Effect.flip(
          Effect.flatMap(Independence.guard(lab.harness), ({ run }) =>
            Stream.runDrain(run(Lab.request({ session: { harness: "loop", data: { id: "the-author" } } })))
          )
        )
      )
      assert.strictEqual(handed.reason, "SharedSession", "a session that names the author's conversation is taken")
    })
  )

  it.live("does not take a judgement of a family that a harness chose by itself", () =>
    Effect.gen(function* () {
      const { harness, journal, run } = yield* ReviewLab.scripted({
        Review: [ReviewLab.approval(), ReviewLab.approval()]
      })
      const choosing: Harness.Harness["Service"] = {
        ...harness,
        run: (request) =>
          Stream.unwrap(
            Effect.as(
              Effect.provideService(Journal.record(called("claude-opus-5-5")), Journal.Journal, journal),
              harness.run(request)
            )
          )
      }
      const judged = (effect: typeof reviewer) => run(Effect.provideService(effect, Harness.Harness, choosing))
      assert.strictEqual((yield* judged(reviewer))._tag, "Approve", "nobody wrote yet")
      yield* run(wrote("Implement", "claude-haiku-4-5"))
      const error = yield* Effect.flip(judged(reviewer))
      assert.strictEqual(error.reason, "SameFamily")
      assert.match(error.message, /Its judgement is not taken/)
    })
  )

  it("finds what wrote with whom, and no other role", () => {
    const events = (["Implement", "Implement/scout", "Review"] as const).map(
      (role, seq): FactoryEvent.FactoryEvent => ({
        version: 1,
        seq: seq + 1,
        at: 0,
        line: null,
        run: null,
        item: null,
        stage: null,
        actor: { _tag: "Agent", role },
        fact: called(role === "Review" ? "gemini-3" : seq === 0 ? "gpt-5" : "claude-haiku-4-5")
      })
    )
    const known = events.reduce(Independence.see, Independence.none)
    const policy: Independence.Policy = { authors: ["Implement"], family: "refuse", families: {} }
    assert.deepStrictEqual(
      [...Independence.families(known, policy)],
      [
        ["gpt", ["Implement"]],
        ["claude", ["Implement/scout"]]
      ]
    )
  })
})
