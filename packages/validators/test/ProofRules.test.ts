import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ProofRules from "../src/ProofRules.ts"
import type * as Rule from "../src/Rule.ts"
import * as RuleTest from "../src/testing/RuleTest.ts"
import * as RuleLab from "./RuleLab.ts"
import * as Lab from "./ScrutinyLab.ts"

const tests = { run: "node --test --test-reporter=tap", report: "output" } as const

const before = {
  "package.json": `{ "type": "module" }`,
  "price.js": "export const price = (cents) => cents\n",
  "price.test.js": testsOf(`test("costs what it costs", () => assert.equal(price(5), 5))`)
}

function testsOf(...bodies: ReadonlyArray<string>): string {
  const head = [`import assert from "node:assert/strict"`, `import { test } from "node:test"`]
  return [...head, `import { price } from "./price.js"`, ...bodies, ""].join("\n")
}

const better = "export const price = (cents) => {\n  if (cents >= 100) return cents - 10\n  return cents\n}\n"
const old = `test("costs what it costs", () => assert.equal(price(5), 5))`
const red = `test("large ones cost less", () => assert.equal(price(100), 90))`
const green = `test("smaller ones do not", () => assert.equal(price(99), 99))`
const dead = `test("has a price", () => assert.equal(typeof price, "function"))`

/** Judges a change by both rules. */
const judge = (files: Lab.Files, options: Partial<ProofRules.Options> = {}) =>
  Effect.gen(function* () {
    const lab = yield* Lab.make(before)
    const context = yield* RuleLab.context(lab, lab.change(files))
    const rules = ProofRules.make({ tests, ...options })
    const found = { redGreen: yield* rules.redGreen.judge(context), breakFix: yield* rules.breakFix.judge(context) }
    const left = [...(yield* (yield* context.head).changed), ...(yield* (yield* context.base).changed)]
    assert.deepStrictEqual(left, [], "a checkout is not as it was before")
    return found
  })

const said = ({ problems = [], reason, status }: Rule.Judgement) => [
  status,
  ...problems.map(({ message, rule }) => `${rule}: ${message}`),
  reason
]

const proofs = ProofRules.make({ tests })
const changes = {
  before,
  holds: { "price.js": better, "price.test.js": testsOf(old, red, green) },
  fails: { "price.js": better, "price.test.js": testsOf(old, dead) }
}
RuleTest.suite("RULE-RED-GREEN", RuleLab.fixture(proofs.redGreen, changes))
RuleTest.suite("RULE-BREAK-FIX", RuleLab.fixture(proofs.breakFix, changes))

describe("ProofRules", () => {
  Lab.test(
    "an honest change is proved, test by test",
    Effect.gen(function* () {
      const found = yield* judge({ "price.js": better, "price.test.js": testsOf(old, red, green) })
      assert.deepStrictEqual(said(found.redGreen), [
        "pass",
        "1 test failed without the change, and passed with it; 1 new test passed without it as well"
      ])
      assert.deepStrictEqual(said(found.breakFix), ["pass", "each of 2 new tests failed when the change was broken"])
    })
  )

  Lab.test(
    "a test that nothing makes fail is found, beside one that is good",
    Effect.gen(function* () {
      const found = yield* judge({ "price.js": better, "price.test.js": testsOf(old, red, dead) })
      assert.strictEqual(found.redGreen.status, "pass", found.redGreen.reason)
      assert.deepStrictEqual(said(found.breakFix), [
        "fail",
        "dead-test: “has a price” passes whatever of the change is broken",
        "1 new test can not fail: nothing that was broken made it"
      ])
    })
  )

  Lab.test(
    "a change whose tests pass without it proves nothing",
    Effect.gen(function* () {
      const { redGreen } = yield* judge({ "price.js": better, "price.test.js": testsOf(old, green) })
      assert.deepStrictEqual(said(redGreen), [
        "fail",
        "test-never-red: “smaller ones do not” passes without the change as well",
        "no test fails without the change: what is new passes on the base as well. Add one that shows what was wrong"
      ])
    })
  )

  Lab.test(
    "a new test that is skipped or fails at the head is no proof",
    Effect.gen(function* () {
      const skipped = red.replace("test(", "test.skip(")
      const { redGreen } = yield* judge({ "price.js": better, "price.test.js": testsOf(old, skipped) })
      assert.deepStrictEqual(said(redGreen), [
        "fail",
        "test-not-green: “large ones cost less” is skipped at the head",
        "1 new test did not pass at the head"
      ])
      const worse = yield* judge({ "price.js": better.replace("10", "11"), "price.test.js": testsOf(old, red) })
      assert.strictEqual(worse.redGreen.status, "fail", worse.redGreen.reason)
    })
  )

  Lab.test(
    "tests of a module that is new are proved by breaking it, since nothing loads without it",
    Effect.gen(function* () {
      const fresh = (...bodies: ReadonlyArray<string>) => testsOf(...bodies).replace("./price.js", "./new.js")
      const found = yield* judge({ "new.js": better, "new.test.js": fresh(red.replace("large", "big"), dead) })
      assert.strictEqual(found.redGreen.status, "pass", found.redGreen.reason)
      assert.deepStrictEqual(
        found.breakFix.problems?.map(({ message }) => message),
        ["“has a price” passes whatever of the change is broken"]
      )
    })
  )

  Lab.test(
    "a failure that does not say what is wrong is one that nobody can work with",
    Effect.gen(function* () {
      const silent = `test("is less", () => { if (price(100) !== 90) throw new Error("") })`
      const { breakFix } = yield* judge({ "price.js": better, "price.test.js": testsOf(old, silent) })
      assert.deepStrictEqual(
        breakFix.problems?.map(({ rule }) => rule),
        ["unreadable-failure"],
        breakFix.reason
      )
    })
  )

  Lab.test(
    "a change without tests is skipped, or fails where one is demanded",
    Effect.gen(function* () {
      const { breakFix, redGreen } = yield* judge({ "price.js": better })
      assert.deepStrictEqual([redGreen.status, breakFix.status], ["skipped", "skipped"])
      const demanded = yield* judge({ "price.js": better }, { demand: true })
      assert.deepStrictEqual([demanded.redGreen.status, demanded.breakFix.status], ["fail", "fail"])
    })
  )

  Lab.test(
    "tests that can not be run are an error, and no time left for broken states is no pass",
    Effect.gen(function* () {
      const files = { "price.js": better, "price.test.js": testsOf(old, red, dead) }
      const gone = yield* judge(files, { tests: { run: "no-such-runner", report: "output" } })
      assert.deepStrictEqual([gone.redGreen.status, gone.breakFix.status], ["error", "error"], gone.redGreen.reason)
      const late = yield* judge(files, { within: 0, most: 3 })
      assert.strictEqual(late.breakFix.status, "blocked", late.breakFix.reason)
    })
  )
})
