import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as ModelChoice from "../../src/ModelChoice.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"
import * as RouteLab from "./RouteLab.ts"

const { bash, done } = Lab
const list = bash("ls")
const { overloaded } = RouteLab
const refusing = (status: number) => ({ _tag: "Refuse", status }) as const

/** Runs by a clock that is so many hours fast, whenever it is read. */
const clocked = <A, E, R>(run: Effect.Effect<A, E, R>, hours: () => number) =>
  Effect.gen(function* () {
    const real = yield* Clock.Clock
    const millis = () => real.currentTimeMillisUnsafe() + hours() * 3_600_000
    const clock: Clock.Clock = Object.create(real, {
      currentTimeMillisUnsafe: { value: millis },
      currentTimeMillis: { value: Effect.sync(millis) }
    })
    return yield* Effect.provideService(run, Clock.Clock, clock)
  })

describe("a provider that does not answer", () => {
  it.live("hands the conversation to another one in its middle, and is left alone by the next one", () =>
    Effect.gen(function* () {
      yield* workspace({ "a.txt": "a" })
      const lab = yield* RouteLab.start({ anthropic: [list, list, done("x"), done("x")] })
      yield* lab.twins.anthropic.breakNext([{ _tag: "Slow", delay: 0 }, overloaded])
      const { session } = yield* lab.run()
      assert.deepStrictEqual(yield* lab.called, ["anthropic/tiny", "openai/other", "openai/other"])
      const [, second] = yield* lab.facts("ModelChosen")
      assert.deepStrictEqual(second?.decision.outages, ["anthropic"])
      assert.strictEqual(second.decision.from, "anthropic/tiny")
      const [failed] = yield* lab.facts("ModelFailed")
      assert.isNull(failed?.delay, "It was waited for a provider that does not want to be asked for an hour")

      yield* lab.run({ session, prompt: "Further." })
      assert.strictEqual((yield* lab.called).at(-1), "openai/other", "A switch back that nothing speaks for")
      yield* lab.run({ prompt: "Another one." })
      assert.lengthOf(yield* lab.twins.anthropic.requests, 2, "Another conversation asked who is known to be down")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("is asked again when it has rested, and by all when it has answered", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({ anthropic: [done("x")] })
      yield* lab.twins.anthropic.breakNext([overloaded, overloaded])
      const later = <A, E, R>(hours: number, run: Effect.Effect<A, E, R>) => clocked(run, () => hours)
      const asked = (hours: number) =>
        Effect.map(Effect.andThen(later(hours, lab.run()), lab.called), (all) => all.at(-1))
      assert.strictEqual(yield* asked(0), "openai/other")
      assert.strictEqual(yield* asked(0.9), "openai/other", "It was asked before it had rested")
      assert.lengthOf(yield* lab.twins.anthropic.requests, 1)
      assert.strictEqual(yield* asked(1.1), "openai/other", "It failed again")
      assert.lengthOf(yield* lab.twins.anthropic.requests, 2, "It was not asked when it had rested")
      assert.strictEqual(yield* asked(2.2), "anthropic/tiny")
      assert.strictEqual(yield* asked(2.2), "anthropic/tiny", "It answered, and is left alone")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("is not what a deterministic failure is: that ends the conversation as before", () =>
    Effect.gen(function* () {
      yield* workspace({})
      for (const [status, reason] of [
        [401, "Unauthorized"],
        [402, "QuotaExhausted"],
        [400, "Protocol"],
        [404, "UnknownModel"]
      ] as const) {
        const lab = yield* RouteLab.start({ anthropic: [done("x")] })
        yield* lab.twins.anthropic.breakNext([refusing(status)])
        assert.strictEqual((yield* Effect.flip(lab.run())).reason, reason)
        yield* lab.run()
        assert.lengthOf(yield* lab.twins.openai.requests, 0, `Another provider was asked after ${status}`)
      }
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("is not what a refusal is: nobody else is asked what one did not want to answer", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const chunk = { id: "c", object: "chat.completion.chunk", created: 1, model: "other" }
      const refusal = { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: "content_filter" }] }
      const { url } = yield* Lab.answering([[refusal]])
      const candidates = ["openai/other", "anthropic/big"] as const
      const lab = yield* RouteLab.start({ anthropic: [done("x")], openAiUrl: `${url}/v1`, candidates })
      assert.strictEqual((yield* Effect.flip(lab.run())).reason, "Refused")
      assert.lengthOf(yield* lab.twins.anthropic.requests, 0)
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("ends the conversation where nobody else can be had, and each is asked once between two answers", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({ anthropic: [done("x")], options: { silence: "400 hours" } })
      const down = { _tag: "Refuse", status: 503, retryAfter: 301 } as const
      yield* lab.twins.anthropic.breakNext([down, down, down])
      yield* lab.twins.openai.breakNext([down, down, down])
      // Each has rested long before the next one has failed.
      let hours = 0
      const before = Effect.sync(() => void hours++)
      const run = lab.run().pipe(Effect.provideService(ModelChoice.Pin, Effect.as(before, undefined)))
      const error = yield* Effect.flip(clocked(run, () => hours))
      assert.strictEqual(error.reason, "Overloaded")
      assert.lengthOf(yield* lab.twins.anthropic.requests, 1)
      assert.lengthOf(yield* lab.twins.openai.requests, 1)
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("is asked all the same where all are down", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({ anthropic: [done("x")], candidates: ["anthropic/tiny"] })
      yield* lab.twins.anthropic.breakNext([overloaded])
      assert.strictEqual((yield* Effect.flip(lab.run())).reason, "Overloaded")
      yield* lab.run()
      assert.deepStrictEqual(yield* lab.called, ["anthropic/tiny"])
    }).pipe(Effect.provide(Lab.Services))
  )
})

describe("a conversation that is too long for its model", () => {
  it.live("goes on with one that holds more", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({
        anthropic: [bash("yes 0123456789 | head -c 24000"), done("x")],
        contextTokens: 4_000,
        contexts: { "anthropic/tiny": 50_000, "anthropic/middle": 50_000, "anthropic/big": 50_000 },
        // It would be made shorter first.
        options: { compaction: false }
      })
      yield* lab.run()
      assert.deepStrictEqual(yield* lab.called, ["anthropic/tiny", "openai/other"])
      const [, second] = yield* lab.facts("ModelChosen")
      const reasons = second?.decision.alternatives.map(({ out }) => out?.reason)
      assert.deepStrictEqual(reasons, ["ContextTooSmall", "ContextTooSmall", "ContextTooSmall", undefined])
      assert.deepStrictEqual(second?.decision.outages, [], "The provider is not down")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("ends where nobody holds more", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({ anthropic: [done("x")], contextTokens: 10 })
      assert.strictEqual((yield* Effect.flip(lab.run())).reason, "ContextOverflow")
    }).pipe(Effect.provide(Lab.Services))
  )
})

describe("a pin", () => {
  it.live("wins at the beginning, and over evidence, wishes and failures", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({ anthropic: [done("x")], routed: { pin: "anthropic/big" } })
      yield* lab.run()
      assert.deepStrictEqual(yield* lab.called, ["anthropic/big"])
      assert.strictEqual((yield* lab.facts("ModelChosen"))[0]?.decision.why, "Pinned")
      assert.notInclude((yield* lab.bodies("anthropic"))[0] ?? "", "escalate")
      yield* lab.twins.anthropic.breakNext([overloaded])
      assert.strictEqual((yield* Effect.flip(lab.run())).reason, "Overloaded")
      assert.lengthOf(yield* lab.twins.openai.requests, 0)
      assert.lengthOf(yield* lab.facts("ModelChosen"), 2, "A choice is recorded that was none")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("of who steers is heard before the next turn, and before that of the layer", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({
        anthropic: [list, list, list, list, done("x")],
        routed: { pin: "anthropic/middle" }
      })
      const steered: ReadonlyArray<string | undefined> = [undefined, "openai/other", "no/such", "anthropic/big"]
      const pin = Effect.map(Effect.orDie(lab.called), (calls) => steered[calls.length])
      yield* lab.run().pipe(Effect.provideService(ModelChoice.Pin, pin))
      assert.deepStrictEqual(yield* lab.called, [
        "anthropic/middle",
        "openai/other",
        "openai/other",
        "anthropic/big",
        "anthropic/big"
      ])
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("that is no candidate's is said at once, with the names of all", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({ anthropic: [done("x")], routed: { pin: "anthropic/opus" } })
      const error = yield* Effect.flip(lab.run())
      assert.match(error.message, /anthropic\/opus is no candidate.*openai\/other/)
    }).pipe(Effect.provide(Lab.Services))
  )
})
