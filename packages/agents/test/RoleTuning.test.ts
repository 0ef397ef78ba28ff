import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Dedupe from "../src/roles/Dedupe.ts"
import * as Implement from "../src/roles/Implement.ts"
import * as Respond from "../src/roles/Respond.ts"
import * as Review from "../src/roles/Review.ts"
import * as Spec from "../src/roles/Spec.ts"
import * as Triage from "../src/roles/Triage.ts"
import * as Skill from "../src/Skill.ts"
import * as Lab from "./ReviewLab.ts"

const skill = Skill.parse("---\nname: own\ndescription: Ours.\n---\nOur way.", "inline")

describe("a role that comes with this package", () => {
  it.live("is made with another skill, tier, number of turns and tools, and with no other grants", () =>
    Effect.gen(function* () {
      const { item, repository } = Lab.input
      const park = { _tag: "Park", reason: "No." }
      const { requests, run } = yield* Lab.scripted({
        Triage: [park],
        Dedupe: [{ _tag: "Distinct", why: "No." }],
        Review: [Lab.approval()]
      })
      const tuning = { skill, tier: "large", maxTurns: 3, tools: ["ci/*"] } as const
      yield* run(Triage.make(tuning).run({ item, repository, answers: [] }))
      yield* run(Dedupe.make(tuning).run({ item, candidates: [] }))
      yield* run(Review.make(tuning).run(Lab.input))
      for (const request of yield* requests) {
        const { maxTurns, role, system, tier, tools } = request
        assert.deepStrictEqual({ tier, maxTurns, tools }, { tier: "large", maxTurns: 3, tools: ["ci/*"] }, role)
        assert.include(system, "Our way.", role)
      }
      const same = [Triage, Dedupe, Spec, Respond, Implement, Review].map(({ make }) => make(tuning).grants)
      assert.deepStrictEqual(same, [
        Triage.Triage.grants,
        Dedupe.Dedupe.grants,
        Spec.Spec.grants,
        Respond.Respond.grants,
        Implement.Implement.grants,
        Review.Review.grants
      ])
    })
  )
})
