import { assert, describe, it } from "@effect/vitest"
import * as Digest from "@millwright/core/Digest"
import * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as HoldoutValidator from "../src/HoldoutValidator.ts"
import * as EvidenceStore from "../src/EvidenceStore.ts"
import * as Holdouts from "../src/Holdouts.ts"
import type * as Judge from "../src/Judge.ts"
import * as Vault from "../src/Vault.ts"
import { failed, held, judging, sayings, services, shown, subject, vault } from "./vaultFixture.ts"

const budget = { bits: 100 }
const seed = 7

const test = (name: string, body: Effect.Effect<void, unknown, Holdouts.Services | EvidenceStore.EvidenceStore>) =>
  it.live(name, () => Effect.provide(body, services), 30_000)

describe("HoldoutValidator", () => {
  test(
    "gives a verdict that may go to the author: nothing of a scenario, of a judge, or of how many",
    Effect.gen(function* () {
      const opened = yield* vault()
      const judge = (answer: (trial: Judge.Trial) => unknown) =>
        HoldoutValidator.make({ vault: opened, judge: judging(answer), budget, seed, trials: 3 })
      const verdict = yield* judge(failed).judge(subject)
      assert.isFalse(verdict.accepted)
      const finding = verdict.findings.find(({ assertion }) => assertion === HoldoutValidator.rule)
      assert.strictEqual(finding?.status, "fail")
      for (const saying of sayings([...Vault.scenarios(opened)])) assert.notInclude(shown(verdict), saying)
      for (const id of opened.label.scenarios) assert.notInclude(shown(verdict), id, "which scenarios it was")
      assert.match(Verdict.complaint(verdict), /A shop keeper came to an end with a result that is wrong/)
      const again = yield* judge(failed).judge(subject)
      const digests = [verdict, again].map(({ findings }) => findings.flatMap(({ evidence }) => evidence))
      assert.notStrictEqual(
        digests[0]?.[0]?.digest,
        digests[1]?.[0]?.digest,
        "a digest that can be guessed tells the report"
      )
      assert.strictEqual(digests[0]?.[0]?.bytes, digests[1]?.[0]?.bytes)
      const store = yield* EvidenceStore.EvidenceStore
      const kept = yield* store.read(digests[0]?.[0]?.digest ?? Digest.of(""))
      assert.include(Vault.openText(opened, kept) ?? "", '"satisfied":0', "the house can read the whole report")
      assert.isUndefined(Vault.openText(yield* vault(), kept), "and nobody else")
    })
  )

  test(
    "passes, is an error where trials errored, and is blocked where the budget is used up: never accepted by silence",
    Effect.gen(function* () {
      const opened = yield* vault()
      const status = (answer: (trial: Judge.Trial) => unknown, looks?: number) =>
        Effect.map(
          HoldoutValidator.make({
            vault: opened,
            judge: judging(answer),
            budget: { ...budget, ...(looks !== undefined && { looks }) },
            seed
          }).judge(subject),
          ({ findings }) => findings.find(({ assertion }) => assertion === HoldoutValidator.rule)?.status
        )
      assert.strictEqual(yield* status(held), "pass")
      assert.strictEqual(yield* status(() => "prose"), "error")
      assert.strictEqual(yield* status(held, 2), "blocked")
    })
  )

  test(
    "is not made with options that would accept everything or nothing",
    Effect.gen(function* () {
      const good = { vault: yield* vault(), judge: judging(held), budget, seed }
      assert.doesNotThrow(() => HoldoutValidator.make(good))
      for (const bad of [
        { acceptAt: 0 },
        { acceptAt: -1 },
        { acceptAt: 1.1 },
        { acceptAt: Number.NaN },
        { seed: 0.5 },
        { trials: Number.NaN },
        { trials: 0 },
        { stop: { bad: 0.9, good: 0.5 } }
      ]) {
        assert.throws(() => HoldoutValidator.make({ ...good, ...bad }), TypeError, /can not be looked at/)
      }
    })
  )

  test(
    "is blocked, and not tried again, where every scenario has leaked",
    Effect.gen(function* () {
      const opened = yield* vault()
      const content = Vault.scenarios(opened)
        .map(({ canary }) => canary)
        .join("\n")
      const options = { vault: opened, judge: judging(held), budget, seed }
      const shownTo = [{ _tag: "Text" as const, name: "a prompt", content }]
      const first = yield* HoldoutValidator.make({ ...options, visible: shownTo }).judge(subject)
      const after = yield* HoldoutValidator.make(options).judge(subject)
      for (const { findings } of [first, after]) {
        assert.strictEqual(findings.find(({ assertion }) => assertion === HoldoutValidator.rule)?.status, "blocked")
      }
    })
  )

  it("has no field in what crosses that could hold a text of a scenario", () => {
    const free: Array<unknown> = []
    const walk = (schema: unknown): void => {
      if (typeof schema !== "object" || schema === null) return
      const closed = ["enum", "const", "pattern", "allOf"].some((key) => Object.hasOwn(schema, key))
      if ("type" in schema && schema.type === "string" && !closed) free.push(schema)
      for (const each of Object.values(schema)) walk(each)
    }
    walk(Schema.toJsonSchemaDocument(Holdouts.Glimpse))
    // The kind of person, which the label of the vault names to everybody, and the address of an assertion, which is the contract's.
    assert.deepStrictEqual(free, [{ type: "string", maxLength: 40 }, { type: "string" }], "a field may hold any text")
  })
})
