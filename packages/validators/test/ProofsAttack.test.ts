/** Changes that try to get through the proofs of their tests, or to leave something behind. */
import { assert, describe } from "@effect/vitest"
import * as Contract from "@millwright/core/Contract"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Checkout from "../src/Checkout.ts"
import * as Overlay from "../src/internal/Overlay.ts"
import * as ProofRules from "../src/ProofRules.ts"
import type * as Rule from "../src/Rule.ts"
import * as Lab from "./ScrutinyLab.ts"

const contract = Contract.freeze("item", [{ statement: "Large orders cost a tenth less." }])
const tests = { run: "node --test --test-reporter=tap", report: "output" } as const
const before = { "package.json": `{ "type": "module" }`, "price.js": "export const price = (cents) => cents\n" }
const better = "export const price = (cents) => {\n  if (cents >= 100) return cents - 10\n  return cents\n}\n"

const testsOf = (...bodies: ReadonlyArray<string>) =>
  [
    `import assert from "node:assert/strict"`,
    `import { test } from "node:test"`,
    `import { price } from "../price.js"`,
    ...bodies,
    ""
  ].join("\n")
const red = `test("large ones cost less", () => assert.equal(price(100), 90))`

/** Judges a change by both rules, in checkouts that are as they were afterwards. */
const judge = (lab: Lab.Lab, files: Lab.Files, options: Partial<ProofRules.Options> = {}) =>
  Effect.gen(function* () {
    const change = lab.change(files)
    const { repository } = lab
    const open = (commit: string) => Checkout.open({ repository, commit })
    const [head, base] = [yield* open(change.head), yield* open(change.base)]
    const context: Rule.Context = {
      contract,
      change,
      repository,
      head: Effect.succeed(head),
      base: Effect.succeed(base)
    }
    const rules = ProofRules.make({ tests, ...options })
    const found = { redGreen: yield* rules.redGreen.judge(context), breakFix: yield* rules.breakFix.judge(context) }
    assert.deepStrictEqual([yield* head.changed, yield* base.changed], [[], []], "a checkout is not as it was before")
    return found
  })

const said = ({ problems = [], reason, status }: Rule.Judgement) =>
  [status, reason, ...problems.map(({ message, rule }) => `${rule}: ${message}`)].join("\n")

describe("the proofs of a hostile change", () => {
  Lab.test(
    "are written through no link that leads out of the checkout, and put links back",
    Effect.gen(function* () {
      const lab = yield* Lab.make(before)
      const outside = join(lab.folder, "outside")
      mkdirSync(outside)
      writeFileSync(join(outside, "kept.test.js"), "kept\n")
      symlinkSync(outside, join(lab.repository, "test"))
      symlinkSync(join(outside, "kept.test.js"), join(lab.repository, "one.test.js"))
      lab.change({})
      lab.git("rm", "-q", "--cached", "test", "one.test.js")
      lab.git("clean", "-fdq")
      const found = yield* judge(lab, {
        "price.js": better,
        "test/new.test.js": testsOf(red),
        "one.test.js": testsOf(red.replace("large", "big")).replace("../price", "./price")
      })
      assert.deepStrictEqual(readdirSync(outside), ["kept.test.js"], "a test was written out of the checkout")
      assert.strictEqual(readFileSync(join(outside, "kept.test.js"), "utf8"), "kept\n")
      assert.strictEqual(found.redGreen.status, "pass", said(found.redGreen))
      assert.strictEqual(found.breakFix.status, "pass", said(found.breakFix))
    })
  )

  Lab.test(
    "put an executable file back as one",
    Effect.gen(function* () {
      const lab = yield* Lab.make({ ...before, "test/run.test.js": testsOf(red.replace("90", "100")) })
      lab.git("update-index", "--chmod=+x", "test/run.test.js")
      lab.git("commit", "-q", "-m", "mode")
      lab.git("reset", "-q", "--hard")
      lab.change({})
      const found = yield* judge(lab, {
        "price.js": better,
        "test/run.test.js": null,
        "test/walk.test.js": testsOf(red)
      })
      assert.strictEqual(found.redGreen.status, "pass", said(found.redGreen))
    })
  )

  Lab.test(
    "do not wait for a broken state that loops without end",
    Effect.gen(function* () {
      const lab = yield* Lab.make(before)
      const loops =
        "export const price = (cents) => {\n  let left = 10\n  while (left > 0) left = left - 1\n  return cents - 10 + left\n}\n"
      const dead = `test("has a price", () => assert.equal(typeof price, "function"))`
      const options = { tests: { ...tests, timeout: "1 hour" }, within: "20 seconds", most: 12 } as const
      const { breakFix } = yield* judge(lab, { "price.js": loops, "test/a.test.js": testsOf(red, dead) }, options)
      assert.include(["fail", "blocked"], breakFix.status, said(breakFix))
      assert.include(said(breakFix), "has a price")
    }),
    120_000
  )

  Lab.test(
    "know a test from another one of its name",
    Effect.gen(function* () {
      const lab = yield* Lab.make(before)
      const dead = `test("large ones cost less", () => assert.equal(typeof price, "function"))`
      const { breakFix } = yield* judge(lab, { "price.js": better, "test/a.test.js": testsOf(red, dead) })
      assert.strictEqual(breakFix.status, "fail", said(breakFix))
    })
  )

  Lab.test(
    "say nothing of a change that has tests alone",
    Effect.gen(function* () {
      const lab = yield* Lab.make({ ...before, "price.js": better })
      const found = yield* judge(lab, { "test/a.test.js": testsOf(red), "README.md": "Tested.\n" })
      assert.deepStrictEqual(
        [found.redGreen.status, found.breakFix.status],
        ["skipped", "skipped"],
        said(found.redGreen)
      )
    })
  )

  Lab.test(
    "are an error where the tests hang on the code of the base",
    Effect.gen(function* () {
      const lab = yield* Lab.make(before)
      const hangs = `if (price(100) === 100) for (;;) {}\n${red}`
      const options = { tests: { ...tests, timeout: "5 seconds" } } as const
      const { redGreen } = yield* judge(lab, { "price.js": better, "test/a.test.js": testsOf(hangs) }, options)
      assert.strictEqual(redGreen.status, "error", said(redGreen))
    })
  )

  Lab.test(
    "of 1,000 tests that can not fail name some, and count all",
    Effect.gen(function* () {
      const lab = yield* Lab.make(before)
      const dead = Array.from(
        { length: 1_000 },
        (_, n) => `test("is ${n}", () => assert.equal(typeof price, "function"))`
      )
      const { breakFix } = yield* judge(
        lab,
        { "price.js": better, "test/a.test.js": testsOf(red, ...dead) },
        { most: 1 }
      )
      assert.strictEqual(breakFix.status, "fail", said(breakFix))
      assert.include(breakFix.reason, "1000 new tests")
      assert.isAtMost(breakFix.problems?.length ?? 0, 200)
    })
  )
})

/** When it was written, in whole seconds, which is all that Python's cache looks at. */
const mtime = (folder: string) => String(Math.floor(statSync(join(folder, "price.js")).mtimeMs / 1_000))

describe("files laid over a checkout", () => {
  const laid = (bytes: string) => ({ mode: "100644", bytes: Buffer.from(bytes) })

  Lab.test(
    "are taken back when the use of them is interrupted",
    Effect.gen(function* () {
      const lab = yield* Lab.make(before)
      const checkout = yield* Checkout.open({ repository: lab.repository, commit: "HEAD" })
      const reached = yield* Deferred.make<void>()
      const use = Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
      const files = new Map([
        ["price.js", laid("broken\n")],
        ["deep/er/new.js", laid("new\n")]
      ])
      const fiber = yield* Effect.forkScoped(Overlay.within(checkout, files)(use))
      yield* Deferred.await(reached)
      assert.isTrue(existsSync(join(checkout.directory, "deep/er/new.js")))
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* checkout.changed, [])
      assert.isFalse(existsSync(join(checkout.directory, "deep/er/new.js")))
    })
  )

  Lab.test(
    "have another time of writing each time, by which caches know them",
    Effect.gen(function* () {
      const lab = yield* Lab.make(before)
      const checkout = yield* Checkout.open({ repository: lab.repository, commit: "HEAD" })
      const seconds: Array<string> = []
      for (const text of ["one\n", "two\n", "six\n"]) {
        const files = new Map([["price.js", laid(text)]])
        const look = Effect.sync(() => seconds.push(mtime(checkout.directory)))
        yield* Overlay.within(checkout, files)(look)
        seconds.push(mtime(checkout.directory))
      }
      assert.strictEqual(new Set(seconds).size, 6, seconds.join(" "))
    })
  )
})
