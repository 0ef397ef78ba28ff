import { assert, describe, it } from "@effect/vitest"
import type * as Change from "@millwright/core/Change"
import * as Contract from "@millwright/core/Contract"
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as HoldoutValidator from "../src/HoldoutValidator.ts"
import * as HttpSurface from "../src/adapters/HttpSurface.ts"
import * as SurfaceJudge from "../src/SurfaceJudge.ts"
import type * as EvidenceStore from "../src/EvidenceStore.ts"
import type * as Holdouts from "../src/Holdouts.ts"
import type * as Judge from "../src/Judge.ts"
import * as Planner from "../src/Planner.ts"
import type * as Scenario from "../src/Scenario.ts"
import * as TestedApp from "../src/TestedApp.ts"
import * as Vault from "../src/Vault.ts"
import * as LoopbackServer from "./LoopbackServer.ts"
import * as NotesApi from "./NotesApi.ts"
import { judging, sayings, services, shown, subject, vault } from "./vaultFixture.ts"

type Needs = Holdouts.Services | EvidenceStore.EvidenceStore | Scope.Scope

const test = (name: string, body: Effect.Effect<void, unknown, Needs>) =>
  it.live(name, () => Effect.provide(Effect.scoped(body), services), 30_000)

const keeps: Scenario.Draft = {
  persona: "note-taker",
  kind: "api",
  story: "Somebody writes down the recipe of a plum cake and finds it the next morning",
  steps: [NotesApi.add("plum cake"), NotesApi.list, NotesApi.holds('["plum cake"]')],
  criteria: ["The note is there as it was written", "It is there once"],
  antiPatterns: ["Another note is gone"]
}
const empty: Scenario.Draft = {
  persona: "first-time-user",
  kind: "api",
  story: "Somebody who never was here before opens the list and expects nothing in it",
  steps: [NotesApi.list, NotesApi.holds("[]")],
  criteria: ["The list is there and nothing is in it"],
  antiPatterns: []
}

const change: Change.Change = { branch: "b", base: "0", head: "1", files: [] }

/** A contract with an assertion for each scenario of a vault, and one that names none of them. */
const contractOf = (opened: Vault.Vault, of: (scenario: Scenario.Scenario) => string) =>
  Contract.freeze("item", [
    { statement: "Notes are kept", check: { _tag: "Scenario", scenario: "SCN-0123456789abcdef" } },
    ...Vault.scenarios(opened).map((scenario) => ({
      statement: of(scenario),
      check: { _tag: "Scenario" as const, scenario: scenario.id }
    }))
  ])

const statuses = ({ findings }: Verdict.Verdict) => findings.map(({ assertion, status }) => [assertion, status])

const judgeOf = Effect.fnUntraced(function* (
  app: TestedApp.TestedApp,
  options: Omit<SurfaceJudge.Options, "apps"> = {}
) {
  const surface = yield* HttpSurface.make({ timeout: "2 seconds" })
  return SurfaceJudge.make({ apps: [{ surface, app }], ...options })
})

const common = { budget: { bits: 100 }, seed: 1 }

describe("SurfaceJudge", () => {
  for (const [defects, expected] of [
    [[], ["pass", "pass", "pass"]],
    [["loses-notes"], ["fail", "pass", "fail"]]
  ] as const) {
    test(
      `judges each assertion that names a holdout by what an API does: ${defects.join() || "an honest one"}`,
      Effect.gen(function* () {
        const opened = yield* vault([keeps, empty])
        const api = yield* NotesApi.listening(...defects)
        const judge = yield* judgeOf(TestedApp.at({ address: api.address }, { reset: api.reset }))
        const contract = contractOf(opened, ({ persona }) => `A ${persona} gets what they came for`)
        const verdict = yield* HoldoutValidator.make({ vault: opened, judge, ...common }).judge({ contract, change })
        const [kept, first, rule] = expected
        assert.deepStrictEqual(statuses(verdict), [
          ["VAL-001", "blocked"],
          ["VAL-002", kept],
          ["VAL-003", first],
          ["RULE-HOLDOUTS", rule]
        ])
        for (const saying of sayings(Vault.scenarios(opened))) assert.notInclude(shown(verdict), saying)
      })
    )
  }

  const answer = (draft: Scenario.Draft, app: TestedApp.TestedApp, options: Omit<SurfaceJudge.Options, "apps"> = {}) =>
    Effect.gen(function* () {
      const [scenario] = Vault.scenarios(yield* vault([draft]))
      const judge = yield* judgeOf(app, options)
      return yield* Effect.result(judge.observe({ scenario, seed: 1, number: 0 }, subject))
    })

  test(
    "errs where the app is not there, where a step can not be done, and where a scenario has no steps",
    Effect.gen(function* () {
      const gone = TestedApp.at({ address: yield* LoopbackServer.nobody }, { within: "100 millis" })
      assert.deepInclude(yield* answer(keeps, gone), { _tag: "Failure" })
      const api = yield* NotesApi.listening()
      const app = TestedApp.at({ address: api.address }, { reset: api.reset })
      const click: Scenario.Draft = {
        ...keeps,
        steps: [{ _tag: "Act", action: { _tag: "Back" } }, NotesApi.list, NotesApi.status(200)]
      }
      for (const draft of [
        click,
        { ...keeps, steps: [NotesApi.list] },
        { ...keeps, steps: [] },
        { ...keeps, kind: "ui" as const }
      ]) {
        const result = yield* answer(draft, app)
        assert.strictEqual(result._tag, "Failure", JSON.stringify(draft.steps))
      }
      const spent = yield* answer(keeps, app, { steps: 1 })
      assert.strictEqual(spent._tag, "Failure", "a budget that is spent says nothing")
    })
  )

  test(
    "asks a planner for each criterion and each anti-pattern of a scenario without steps",
    Effect.gen(function* () {
      const api = yield* NotesApi.listening("loses-notes")
      const app = TestedApp.at({ address: api.address }, { reset: api.reset })
      const asked: Array<string> = []
      const planner: Planner.Planner["Service"] = {
        ...Planner.scripted({}),
        plan: (brief) => {
          asked.push(brief.statement)
          const json = brief.statement.endsWith("once") ? '["plum cake"]' : "[]"
          return Planner.scripted({
            [brief.assertion]: [NotesApi.add("plum cake"), NotesApi.list, NotesApi.holds(json)]
          }).plan(brief)
        }
      }
      const { steps: _, ...told } = keeps
      const result = yield* answer(told, app, { planner })
      assert.deepInclude(result, { success: { criteria: [true, false], antiPatterns: [false] } })
      assert.lengthOf(asked, 3)
      for (const each of asked) assert.include(each, keeps.story)
    })
  )
})

describe("assertions that name a holdout", () => {
  test(
    "cost an answer each, and are tried also where a look stops before it comes to them",
    Effect.gen(function* () {
      const opened = yield* vault([{ ...keeps, weight: 1_000_000 }, empty])
      const contract = contractOf(opened, ({ persona }) => persona)
      const answers: Judge.Judge = judging(({ scenario }) => ({
        criteria: scenario.criteria.map(() => scenario.persona === "note-taker"),
        antiPatterns: scenario.antiPatterns.map(() => false)
      }))
      const look = (bits: number) =>
        HoldoutValidator.make({
          vault: opened,
          judge: answers,
          seed: 1,
          trials: 50,
          stop: { bad: 0.5, good: 0.9 },
          budget: { bits }
        }).judge({ contract, change })
      // Two kinds of people, eight kinds of symptoms, one of them; and three answers for each of two assertions.
      const cost = Math.log2(3 + 16) + 2 * Math.log2(3)
      const ends = (verdict: Verdict.Verdict) => statuses(verdict).map(([, status]) => status)
      assert.deepStrictEqual(ends(yield* look(cost - 0.01)), ["blocked", "blocked", "blocked", "blocked"])
      assert.deepStrictEqual(ends(yield* look(cost)), ["blocked", "pass", "fail", "pass"])
      assert.deepStrictEqual(ends(yield* look(cost)), ["blocked", "blocked", "blocked", "blocked"], "it is used up")
    })
  )
})
