import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Candidate from "../src/Candidate.ts"
import * as Forecast from "../src/Forecast.ts"
import type * as RouteDecision from "../src/RouteDecision.ts"
import * as Router from "../src/Router.ts"
import * as Usage from "../src/Usage.ts"
import { candidate, pricing } from "./Routing.ts"

const whole = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

const oneOf = <A>(values: ReadonlyArray<A>): Arbitrary.Arbitrary<A> =>
  Arbitrary.map(whole(0, values.length - 1), (at) => {
    const value = values[at]
    if (value === undefined) throw new Error("the index is in range")
    return value
  })

const models = ["a", "b", "c", "d", "e"]
const drawnCandidate = Arbitrary.map(
  Arbitrary.all([
    oneOf(["small", "standard", "large"] as const),
    oneOf([5_000, 50_000, 500_000]),
    oneOf<ReadonlyArray<Candidate.Capability>>([[], ["tools"], ["tools", "images"]]),
    oneOf(["written", "automatic", "none"] as const),
    oneOf(["maker", "reseller"])
  ]),
  ([tier, context, can, cache, provider]) => ({ tier, context, can, cache, provider })
)

const drawn = Arbitrary.map(
  Arbitrary.all([
    Arbitrary.array(drawnCandidate, { minLength: 1, maxLength: models.length }),
    // Few different prices and scores, so that there are ties.
    Arbitrary.array(whole(0, 6), { minLength: 5, maxLength: 5 }),
    Arbitrary.array(whole(0, 10), { minLength: 5, maxLength: 5 }),
    Arbitrary.all([whole(0, 60_000), whole(0, 6), whole(0, 2_000), whole(0, 500)]),
    Arbitrary.all([
      whole(0, 8),
      whole(0, 60_000),
      whole(0, 7),
      whole(0, 5),
      whole(0, 3),
      whole(0, 10),
      whole(0, 2),
      whole(0, 3)
    ])
  ]),
  ([
    parts,
    prices,
    scores,
    [context, turns, growth, output],
    [holder, cached, usd, doubted, mixed, threshold, returns, slack]
  ]) => {
    const candidates = parts.map((part, at) => candidate(models[at] ?? "z", part))
    const ids = candidates.map(Candidate.idOf)
    const rules: Router.Rules = { candidates, threshold: threshold / 10, slack: slack / 10 }
    const current = ids[holder]
    const doubtful = ids[doubted]
    const request: Router.Request = {
      task: { message: "Do it." },
      work: { context, turns, growth, output, ...(returns === 0 ? {} : { returns: returns / 2 }) },
      needs: mixed === 0 ? ["images"] : mixed === 1 ? ["tools"] : [],
      outages: mixed === 2 ? ["reseller"] : [],
      ...(current === undefined ? {} : { current: { candidate: current, cached } }),
      ...(usd === 7 ? {} : { left: { usd: usd / 10 } }),
      ...(doubtful === undefined ? {} : { evidence: [{ kind: "FailedValidation" as const, candidate: doubtful }] })
    }
    const table = Object.fromEntries(models.map((model, at) => [model, prices[at] ?? 0]))
    const quality = Object.fromEntries(ids.map((id, at) => [id, (scores[at] ?? 0) / 10]))
    return { rules, request, table, quality }
  }
)

type Case = typeof drawn extends Arbitrary.Arbitrary<infer A> ? A : never

const knowledge = ({ quality, table }: Pick<Case, "quality" | "table">): Router.Knowledge => ({
  pricing: pricing(table),
  scorer: "drawn",
  scores: quality
})

const decide = (one: Case): Result.Result<RouteDecision.RouteDecision, Router.RouteError> =>
  Router.select(one.rules, one.request, knowledge(one))

const chosenOf = (one: Case): string | undefined => {
  const answer = decide(one)
  return Result.isSuccess(answer) ? answer.success.chosen : undefined
}

/** What a decision should be, said in another way: one list, filtered by what the rules say. */
const able = ({ quality, request, rules, table }: Case) => {
  const holder = rules.candidates.find((each) => Candidate.idOf(each) === request.current?.candidate)
  const back = holder === undefined ? Usage.known(0) : Forecast.back(holder, request.work, pricing(table))
  const lost = back._tag === "Known" ? (request.work.returns ?? 0) * back.usd : 0
  return rules.candidates.flatMap((each) => {
    const id = Candidate.idOf(each)
    const bare = Forecast.priced(each, Forecast.usages(each, request.work, request.current), pricing(table))
    const cost = bare._tag === "Known" && each !== holder ? Usage.known(bare.usd + lost) : bare
    const failed = request.evidence?.map((evidence) => evidence.candidate) ?? []
    const floor = Math.max(-1, ...failed.map((name) => quality[name] ?? -1))
    const takes =
      (request.needs ?? []).every((need) => each.can.includes(need)) &&
      Forecast.longest(request.work) <= each.context &&
      !(request.outages ?? []).includes(each.provider)
    const its = quality[id] ?? 0
    if (!takes || cost._tag === "Unknown" || cost.usd > (request.left?.usd ?? Infinity)) return []
    return failed.includes(id) || its <= floor ? [] : [{ id, usd: cost.usd, quality: its }]
  })
}

const runs = { arbitrary: { runs: 1_000 } }

describe("Router.select, over drawn rules and requests", () => {
  it.prop(
    "is never dearer than the cheapest that clears the threshold, and never weaker than all where none does",
    [drawn],
    ([one]) => {
      const those = able(one)
      const clear = those.filter(({ quality }) => quality >= (one.rules.threshold ?? 0))
      const its = those.find(({ id }) => id === chosenOf(one))
      if (clear.length > 0) assert.strictEqual(its?.usd, Math.min(...clear.map(({ usd }) => usd)))
      if (clear.length > 0)
        assert.isTrue(
          clear.some(({ id }) => id === its?.id),
          "the chosen one does not clear"
        )
      if (clear.length === 0 && those.length > 0) {
        const least = Math.max(...those.map(({ quality }) => quality)) - (one.rules.slack ?? 0)
        const strong = those.filter(({ quality }) => quality >= least)
        assert.include(strong, its, "the chosen one is weaker than the slack allows")
        assert.strictEqual(its?.usd, Math.min(...strong.map(({ usd }) => usd)))
      }
    },
    runs
  )

  it.prop(
    "never chooses who can not take the task, and then says of each why",
    [drawn],
    ([one]) => {
      const answer = decide(one)
      const those = able(one).map(({ id }) => id)
      if (Result.isSuccess(answer)) {
        assert.include(those, answer.success.chosen)
        const without = answer.success.alternatives.filter(({ out }) => out === null)
        assert.deepStrictEqual(
          without.map((each) => each.candidate),
          [answer.success.chosen]
        )
        assert.strictEqual(answer.success.alternatives.length, one.rules.candidates.length)
      } else {
        assert.isEmpty(those, `${those.join()} can take the task: ${answer.failure.message}`)
        for (const each of one.rules.candidates) {
          assert.match(answer.failure.message, new RegExp(`${Candidate.idOf(each)}: [A-Z]`))
        }
      }
    },
    runs
  )

  it.prop(
    "never chooses somebody for being dearer, nor leaves the chosen one for being cheaper",
    [drawn, whole(0, 4), whole(1, 5)],
    ([one, at, by]) => {
      const model = models[at] ?? ""
      // A dear model that the conversation comes back to is one that it is dear to leave.
      if ((one.request.work.returns ?? 0) > 0 && one.request.current?.candidate.endsWith(`/${model}`) === true) return
      const before = chosenOf(one)
      const raised = { ...one, table: { ...one.table, [model]: (one.table[model] ?? 0) + by } }
      const isIts = (id: string | undefined) => id?.endsWith(`/${model}`) === true
      if (!isIts(before)) assert.isFalse(isIts(chosenOf(raised)), `${model} is dearer, and is chosen now`)
      if (isIts(chosenOf(raised))) assert.strictEqual(before, chosenOf(raised), "what is cheaper was left")
    },
    runs
  )

  it.prop(
    "answers the same, in whatever order candidates stand",
    [drawn],
    ([one]) => {
      const turned = { ...one, rules: { ...one.rules, candidates: [...one.rules.candidates].reverse() } }
      assert.deepStrictEqual(decide(turned), decide(one))
      assert.deepStrictEqual(decide(one), decide(one))
    },
    runs
  )

  it.prop(
    "keeps the conversation where it is, when nobody is cheaper",
    [drawn],
    ([one]) => {
      const those = able(one).filter(({ quality }) => quality >= (one.rules.threshold ?? 0))
      const current = those.find(({ id }) => id === one.request.current?.candidate)
      if (current === undefined || those.some(({ usd }) => usd < current.usd)) return
      assert.strictEqual(chosenOf(one), current.id)
    },
    runs
  )
})
