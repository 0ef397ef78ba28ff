import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Budget from "../src/Budget.ts"
import * as MemoryJournal from "../src/adapters/MemoryJournal.ts"
import * as Journal from "../src/Journal.ts"
import * as Model from "../src/Model.ts"
import * as Pricing from "../src/Pricing.ts"
import type * as RouteDecision from "../src/RouteDecision.ts"
import * as Router from "../src/Router.ts"
import * as Scorer from "../src/Scorer.ts"
import * as Usage from "../src/Usage.ts"
import { big, candidate, knowledge, little, pricing, request, rules, usual } from "./Routing.ts"

const choose = (
  more: Partial<Router.Request> = {},
  to: { readonly rules?: Partial<Router.Rules>; readonly knowledge?: Partial<Router.Knowledge> } = {}
) => Router.select({ ...rules, ...to.rules }, { ...request, ...more }, { ...knowledge, ...to.knowledge })

const chosen = (answer: Result.Result<RouteDecision.RouteDecision, Router.RouteError>): RouteDecision.RouteDecision =>
  Result.isSuccess(answer) ? answer.success : assert.fail(`nothing was chosen: ${answer.failure.message}`)

const refused = (answer: Result.Result<RouteDecision.RouteDecision, Router.RouteError>): Router.RouteError =>
  Result.isFailure(answer) ? answer.failure : assert.fail(`${answer.success.chosen} was chosen`)

const reasons = ({ alternatives }: RouteDecision.RouteDecision) =>
  Object.fromEntries(alternatives.map(({ candidate, out }) => [candidate, out?.reason ?? "chosen"]))

describe("Router.select", () => {
  it("takes the cheapest that clears the threshold, and says of each other why not", () => {
    const decision = chosen(choose())
    assert.strictEqual(decision.why, "CheapestAboveThreshold")
    assert.deepStrictEqual(reasons(decision), {
      "maker/little": "BelowThreshold",
      "maker/usual": "chosen",
      "maker/big": "Dearer"
    })
    assert.strictEqual(decision.scorer, "test")
    assert.strictEqual(decision.threshold, 0.7)
  })

  it("takes the faster one where somebody waits for whom that is worth it, and says how long each takes", () => {
    const slow = candidate("usual", { speed: { first: 2, perSecond: 50 } })
    const fast = candidate("big", { speed: { first: 1, perSecond: 500 } })
    const at = (hour: number, candidates = [little, slow, fast]) => chosen(choose({}, { rules: { candidates, hour } }))
    assert.strictEqual(at(0).chosen, "maker/usual", "nobody waits, and the dearer one is taken")
    assert.strictEqual(at(10_000).chosen, "maker/big")
    const seconds = Object.fromEntries(at(0).alternatives.map(({ candidate, seconds }) => [candidate, seconds]))
    const { output, turns } = request.work
    assert.deepStrictEqual(seconds, {
      "maker/little": undefined,
      "maker/usual": turns * (2 + output / 50),
      "maker/big": turns * (1 + output / 500)
    })
    assert.strictEqual(
      at(10_000, [little, usual, fast]).chosen,
      "maker/usual",
      "a speed that is not known does not count as the slowest that is"
    )
    for (const hour of [-1, Number.NaN, Infinity]) {
      assert.strictEqual(refused(choose({}, { rules: { hour } })).reason, "Misconfigured")
    }
    const still = candidate("big", { speed: { first: 0, perSecond: 0 } })
    assert.match(refused(choose({}, { rules: { candidates: [still] } })).message, /maker\/big has a speed that is none/)
  })

  it("leaves out who is not capable before it looks at a score or a price", () => {
    const sees = candidate("sees", { can: ["tools", "images"] })
    const decision = chosen(
      choose(
        { needs: ["images"] },
        {
          rules: { candidates: [little, usual, big, sees] },
          knowledge: { pricing: pricing({ little: 1, usual: 1, big: 1, sees: 99 }), scores: { "maker/sees": 0.71 } }
        }
      )
    )
    assert.strictEqual(decision.chosen, "maker/sees")
    assert.strictEqual(reasons(decision)["maker/usual"], "Incapable")
  })

  it("leaves out who does not hold the conversation to its end", () => {
    const short = candidate("usual", { context: 13_000 })
    const work = { context: 10_000, turns: 5, growth: 500, output: 200 }
    const fits = chosen(choose({ work }, { rules: { candidates: [short, big] } }))
    assert.strictEqual(fits.chosen, "maker/usual", "13,000 tokens are exactly enough for 10,000 + 5 × 200 + 4 × 500")
    const decision = chosen(choose({ work: { ...work, context: 10_001 } }, { rules: { candidates: [short, big] } }))
    assert.strictEqual(decision.chosen, "maker/big")
    assert.strictEqual(reasons(decision)["maker/usual"], "ContextTooSmall")
  })

  it("counts what a switch loses: whoever has the conversation in its cache may be the cheaper one", () => {
    const scores = { "maker/usual": 0.8, "maker/big": 0.8 }
    const price = pricing({ usual: 3, big: 5 })
    const work = { context: 100_000, turns: 1, growth: 0, output: 100 }
    const to = { rules: { candidates: [usual, big] }, knowledge: { scores, pricing: price } }
    const kept = chosen(choose({ work, current: { candidate: "maker/big", cached: 99_000 } }, to))
    assert.strictEqual(kept.chosen, "maker/big", "a switch would write 100,000 tokens again for one turn")
    assert.strictEqual(kept.from, "maker/big")
    const cold = chosen(choose({ work, current: { candidate: "maker/big", cached: 0 } }, to))
    assert.strictEqual(cold.chosen, "maker/usual", "nothing is lost where the cache has expired")
    const current = { candidate: "maker/big", cached: 99_000 }
    const long = chosen(choose({ work: { ...work, turns: 200, growth: 400 }, current }, to))
    assert.strictEqual(long.chosen, "maker/usual", "over many turns the switch pays")
  })

  it("counts the way back, where the conversation is likely to return", () => {
    const to = {
      knowledge: { scores: { "maker/little": 0.8, "maker/big": 0.9 } },
      rules: { candidates: [little, big] }
    }
    const current = { candidate: "maker/big", cached: 100_000 }
    const work = { context: 100_000, turns: 5, growth: 500, output: 200 }
    const costOf = (returns: number) => {
      const { alternatives } = chosen(choose({ current, work: { ...work, returns } }, to))
      const cost = alternatives.find(({ candidate }) => candidate === "maker/little")?.cost
      return cost?._tag === "Known" ? cost.usd : assert.fail("the price is not known")
    }
    assert.strictEqual(chosen(choose({ current, work }, to)).chosen, "maker/little", "going down pays by itself")
    assert.strictEqual(chosen(choose({ current, work: { ...work, returns: 1 } }, to)).chosen, "maker/big")
    const longest = 100_000 + 5 * 200 + 4 * 500
    assert.closeTo(costOf(0.5) - costOf(0), (0.5 * 15 * (1.25 - 0.1) * longest) / 1e6, 1e-9)
  })

  it("leaves the conversation where it is at the same cost, though another one is better", () => {
    const price = pricing({ little: 3, usual: 3, big: 3 })
    const free = chosen(choose({}, { knowledge: { pricing: price } }))
    assert.strictEqual(free.chosen, "maker/big", "of two at the same cost the better one begins")
    const current = { candidate: "maker/usual", cached: 0 }
    assert.strictEqual(chosen(choose({ current }, { knowledge: { pricing: price } })).chosen, "maker/usual")
  })

  it("lets a user's pin win over score, price, role, tier, budget, outages and evidence", () => {
    const decision = chosen(
      choose(
        {
          pin: "maker/little",
          role: "author",
          left: { usd: 0 },
          outages: ["maker"],
          evidence: [{ kind: "DoomLoop", candidate: "maker/little" }]
        },
        { rules: { roles: { author: { candidate: "maker/big", tier: "large" } } } }
      )
    )
    assert.strictEqual(decision.chosen, "maker/little")
    assert.strictEqual(decision.why, "Pinned")
    assert.strictEqual(decision.scorer, null)
    const error = refused(choose({ pin: "maker/little", needs: ["images"] }))
    assert.strictEqual(error.reason, "PinCanNot")
    assert.include(error.message, "It has no images.")
  })

  it("begins a role with its default, until that can not take the task or has failed", () => {
    const roles = {
      sorter: { candidate: "maker/little" },
      judge: { tier: "large" as const },
      careless: { threshold: 0.4 }
    }
    const pick = (more: Partial<Router.Request>) => chosen(choose(more, { rules: { roles } }))
    assert.strictEqual(pick({ role: "sorter" }).chosen, "maker/little")
    assert.strictEqual(pick({ role: "sorter" }).why, "RoleDefault")
    assert.strictEqual(pick({ role: "judge" }).chosen, "maker/big")
    assert.strictEqual(reasons(pick({ role: "judge" }))["maker/usual"], "BelowTier")
    assert.strictEqual(pick({ role: "careless" }).chosen, "maker/little")
    assert.strictEqual(pick({ role: "constructor" }).chosen, "maker/usual", "a role without a default has the rules'")
    const failed = pick({ role: "sorter", evidence: [{ kind: "FailedValidation", candidate: "maker/little" }] })
    assert.strictEqual(failed.chosen, "maker/usual")
    assert.strictEqual(reasons(failed)["maker/little"], "NotStronger")
  })

  it("escalates on evidence to who is predicted better, and says so when there is nobody", () => {
    const once = Router.escalate(request, { kind: "FailedValidation", candidate: "maker/usual" })
    const decision = chosen(choose(once))
    assert.strictEqual(decision.chosen, "maker/big")
    assert.deepStrictEqual(decision.evidence, [{ kind: "FailedValidation", candidate: "maker/usual" }])
    assert.strictEqual(reasons(decision)["maker/little"], "NotStronger", "a weaker one is not tried after a stronger")
    const error = refused(choose(Router.escalate(once, { kind: "DoomLoop", candidate: "maker/big" })))
    assert.strictEqual(error.reason, "NobodyStronger")
    assert.isFalse(error.isRetryable)
  })

  it("fails over to another provider on transient errors only", () => {
    const elsewhere = candidate("usual", { provider: "reseller" })
    const more = {
      rules: { candidates: [usual, elsewhere] },
      knowledge: { scores: { "maker/usual": 0.8, "reseller/usual": 0.8 } }
    }
    const failed = (reason: Model.ModelError["reason"]) =>
      Router.failOver(request, { candidate: usual, error: new Model.ModelError({ reason, message: "It broke." }) })
    for (const reason of ["RateLimited", "Overloaded", "Disconnected", "Unreachable"] as const) {
      const next = failed(reason)
      if (Result.isFailure(next)) return assert.fail(`${reason} is transient, and was not failed over`)
      const decision = chosen(choose(next.success, more))
      assert.strictEqual(decision.chosen, "reseller/usual")
      assert.deepStrictEqual(decision.outages, ["maker"])
      const error = refused(choose({ ...next.success, outages: ["maker", "reseller"] }, more))
      assert.strictEqual(error.reason, "Unavailable")
      assert.isTrue(error.isRetryable, "providers come back")
    }
    for (const reason of [
      "Unauthorized",
      "UnknownModel",
      "QuotaExhausted",
      "ContextOverflow",
      "Protocol",
      "Refused"
    ] as const) {
      const next = failed(reason)
      assert.isTrue(Result.isFailure(next) && next.failure.reason === "NotTransient", `${reason} was failed over`)
    }
  })

  it("takes the strongest when nobody clears the threshold, or fails where the rules say so", () => {
    const decision = chosen(choose({}, { rules: { threshold: 0.99 } }))
    assert.strictEqual(decision.chosen, "maker/big")
    assert.strictEqual(decision.why, "StrongestBelowThreshold")
    const error = refused(choose({}, { rules: { threshold: 0.99, belowThreshold: "fail" } }))
    assert.strictEqual(error.reason, "NobodyClears")
    for (const one of rules.candidates) assert.include(error.message, `maker/${one.model}: It is predicted at`)
  })

  it("takes the cheapest of those that are nearly as strong as the strongest, only where nobody clears", () => {
    const pick = (threshold: number, slack: number) => chosen(choose({}, { rules: { threshold, slack } })).chosen
    assert.strictEqual(pick(0.99, 0.1), "maker/big", "0.8 is farther than 0.1 from 0.95")
    assert.strictEqual(pick(0.99, 0.2), "maker/usual")
    assert.strictEqual(pick(0.99, 0.5), "maker/little")
    assert.strictEqual(pick(0.9, 0.5), "maker/big", "somebody clears")
  })

  it("never takes an unknown price for a low one, nor one that is no number", () => {
    const odd = (usd: number): Pricing.Pricing["Service"] => ({
      price: ({ model }) => Usage.known(model === "usual" ? usd : 1)
    })
    for (const price of [pricing({ little: 1, big: 15 }), odd(Number.NaN), odd(-1), odd(Infinity)]) {
      const decision = chosen(choose({}, { knowledge: { pricing: price } }))
      assert.strictEqual(decision.chosen, "maker/big")
      assert.strictEqual(reasons(decision)["maker/usual"], "Unpriced")
    }
    const unpriced = {
      knowledge: { pricing: Pricing.unpriced },
      rules: { roles: { local: { candidate: "maker/usual" } } }
    }
    assert.strictEqual(refused(choose({}, unpriced)).reason, "NobodyLeft")
    assert.strictEqual(chosen(choose({ role: "local" }, unpriced)).chosen, "maker/usual")
    assert.strictEqual(refused(choose({ role: "local", left: { usd: 1 } }, unpriced)).reason, "NobodyLeft")
  })

  it("leaves out what goes beyond what is left, of money and of tokens", () => {
    const price = pricing({ usual: 3, big: 15 })
    const poor = refused(choose({ left: { usd: 0.001 } }, { knowledge: { pricing: price } }))
    assert.strictEqual(poor.reason, "NobodyLeft")
    assert.match(poor.message, /maker\/usual: It would cost \$[\d.]+, and \$0\.001 are left\./)
    assert.include(refused(choose({ left: { tokens: 100 } })).message, "and 100 are left.")
    assert.strictEqual(chosen(choose({ left: { usd: 10, tokens: 1e6 } })).chosen, "maker/usual")
    const bill = { usd: 3, calls: 1, unpriced: 0, usage: { ...Usage.zero, output: 40 } }
    assert.deepStrictEqual(Budget.leftOf({ usd: 2, tokens: 100, time: "1 hour" }, { bill }), { usd: 0, tokens: 60 })
    assert.deepStrictEqual(Budget.leftOf({}, { bill }), {})
  })

  it("says of every candidate why nothing was chosen", () => {
    const error = refused(
      choose(
        { needs: ["images"], work: { ...request.work, context: 150_000 } },
        {
          rules: {
            candidates: [
              little,
              candidate("short", { context: 100, can: ["images"] }),
              candidate("silent", { can: ["images"] })
            ]
          },
          knowledge: { pricing: pricing({ silent: 1 }), scores: { "maker/silent": Number.NaN } }
        }
      )
    )
    assert.include(error.message, "maker/little: It has no images.")
    assert.include(error.message, "maker/short: It holds 100 tokens, the work comes to 153000.")
    assert.include(error.message, "maker/silent: The scorer says nothing about it.")
    assert.include(refused(choose({}, { rules: { candidates: [] } })).message, "There are no candidates.")
  })

  it("refuses rules and requests that can not be, and says how to mend them", () => {
    const wrong: ReadonlyArray<readonly [string, ReturnType<typeof choose>]> = [
      ["maker/nobody is no candidate", choose({ pin: "maker/nobody" })],
      ["maker/gone is no candidate", choose({ role: "a" }, { rules: { roles: { a: { candidate: "maker/gone" } } } })],
      ["Two candidates are called maker/big", choose({}, { rules: { candidates: [big, big] } })],
      ["a context of NaN", choose({}, { rules: { candidates: [candidate("big", { context: Number.NaN })] } })],
      ["A threshold of NaN", choose({}, { rules: { threshold: Number.NaN } })],
      ["A slack of -1", choose({}, { rules: { slack: -1 } })],
      ["A threshold of 70", choose({}, { rules: { threshold: 70 } })],
      ["turns of NaN", choose({ work: { ...request.work, turns: Number.NaN } })],
      ["returns with 2", choose({ work: { ...request.work, returns: 2 } })],
      ["usd of NaN", choose({ left: { usd: Number.NaN } })]
    ]
    for (const [text, answer] of wrong) {
      const error = refused(answer)
      assert.strictEqual(error.reason, "Misconfigured", text)
      assert.include(error.message, text)
    }
  })
})

describe("Router.route", () => {
  const events = Effect.flatMap(Journal.Journal, (journal) => Stream.runCollect(journal.read()))
  const services = (scorer: Scorer.Scorer["Service"]) =>
    Layer.mergeAll(
      MemoryJournal.layer,
      Layer.succeed(Pricing.Pricing, knowledge.pricing),
      Layer.succeed(Scorer.Scorer, scorer)
    )
  const fixed: Scorer.Scorer["Service"] = { name: "test", score: () => Effect.succeed(knowledge.scores) }

  it.effect("records what select decides, with its alternatives", () =>
    Effect.gen(function* () {
      const decision = yield* Router.route(rules, { ...request, role: "author" }, { judged: true })
      assert.deepStrictEqual(decision, chosen(choose({ role: "author" })))
      const [first] = yield* events
      assert.deepStrictEqual(first?.fact, { _tag: "ModelChosen", role: "author", judged: true, decision })
    }).pipe(Effect.provide(services(fixed)))
  )

  it.effect("asks no scorer where the choice is given, and records nothing where there is none", () =>
    Effect.gen(function* () {
      const pinned = yield* Router.route(rules, { ...request, pin: "maker/big" })
      assert.strictEqual(pinned.chosen, "maker/big")
      const error = yield* Effect.flip(Router.route(rules, request))
      assert.strictEqual(error.reason, "Unavailable")
      yield* Effect.flip(Router.route(rules, { ...request, pin: "maker/none" }))
      assert.strictEqual((yield* events).length, 1)
    }).pipe(
      Effect.provide(
        services({
          name: "broken",
          score: () => Effect.fail(new Scorer.ScorerError({ reason: "Unavailable", message: "It is down." }))
        })
      )
    )
  )
})
