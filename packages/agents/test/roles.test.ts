import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Grant from "../src/Grant.ts"
import * as Arbiter from "../src/roles/Arbiter.ts"
import * as Dedupe from "../src/roles/Dedupe.ts"
import * as Implement from "../src/roles/Implement.ts"
import * as Improve from "../src/roles/Improve.ts"
import * as Monitor from "../src/roles/Monitor.ts"
import * as Respond from "../src/roles/Respond.ts"
import * as Review from "../src/roles/Review.ts"
import * as Spec from "../src/roles/Spec.ts"
import * as Triage from "../src/roles/Triage.ts"
import * as Verify from "../src/roles/Verify.ts"
import * as Skill from "../src/Skill.ts"

const roles = [
  { name: "triage", role: Triage.Triage, cases: Triage.Outcome.cases, grants: ["read", "grep", "bash"] },
  { name: "dedupe", role: Dedupe.Dedupe, cases: Dedupe.Outcome.cases, grants: ["read", "grep"] },
  { name: "respond", role: Respond.Respond, cases: Respond.Outcome.cases, grants: Grant.all },
  { name: "spec", role: Spec.Spec, cases: Spec.Outcome.cases, grants: ["read", "grep"] },
  { name: "implement", role: Implement.Implement, cases: Implement.Outcome.cases, grants: Grant.all },
  { name: "review", role: Review.Review, cases: Review.Outcome.cases, grants: ["read", "grep"] },
  { name: "arbiter", role: Arbiter.Arbiter, cases: Arbiter.Outcome.cases, grants: ["read", "grep"] },
  { name: "verify", role: Verify.Verify, cases: Verify.Outcome.cases, grants: ["read", "grep", "bash"] },
  { name: "monitor", role: Monitor.Monitor, cases: Monitor.Outcome.cases, grants: ["read", "grep"] },
  { name: "improve", role: Improve.Improve, cases: Improve.Outcome.cases, grants: [] }
] as const

/** The part of a skill below a heading, up to the next one. */
const section = (text: string, heading: string): string =>
  text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ""

const words = (text: string): ReadonlyArray<string> => [...text.matchAll(/`([\w?]+)`/g)].map(([, word = ""]) => word)

describe.each(roles)("the bundled role $name", ({ cases, grants, name, role }) => {
  it.effect("has a skill that names each of its outcomes, with each of their fields, and no other", () =>
    Effect.gen(function* () {
      const { instructions } = yield* Skill.bundled(name)
      const said = section(instructions, "Outcomes")
      assert.notStrictEqual(said, "", "the skill has no section Outcomes")
      const named = [...said.matchAll(/^- \*\*`(\w+)`\*\* \{ ([^}]*) \}/gm)].map(
        ([, tag = "", fields = ""]) => [tag, words(fields).toSorted()] as const
      )
      const declared = Object.entries(cases).map(
        ([tag, { fields }]) =>
          [
            tag,
            Object.keys(fields)
              .filter((field) => field !== "_tag")
              .toSorted()
          ] as const
      )
      assert.deepStrictEqual(Object.fromEntries(named), Object.fromEntries(declared))
      assert.lengthOf(named, declared.length, "an outcome is explained twice")
    })
  )

  it.effect("is granted what its skill says, and no more", () =>
    Effect.gen(function* () {
      const { instructions } = yield* Skill.bundled(name)
      assert.deepStrictEqual([...role.grants].toSorted(), [...grants].toSorted())
      const mentioned = words(instructions).filter((word) => Grant.all.some((grant) => grant === word))
      for (const tool of mentioned)
        assert.include(role.grants, tool, `the skill speaks of ${tool}, which is not granted`)
      if (/you change nothing/i.test(instructions)) {
        assert.notIncludeMembers([...role.grants], ["edit"])
        assert.notIncludeMembers([...role.grants], ["write"])
        assert.notIncludeMembers([...role.grants], ["bash"])
      }
    })
  )

  it.effect("is told that what it reads is data", () =>
    Effect.gen(function* () {
      const { instructions, metadata } = yield* Skill.bundled(name)
      assert.match(instructions, /untrusted|are data/)
      assert.strictEqual(metadata["role"], name)
    })
  )
})
