import { assert, describe, it } from "@effect/vitest"
import * as TestProof from "../src/internal/TestProof.ts"
import type * as TestReport from "../src/TestReport.ts"

const report = (cases: Readonly<Record<string, TestReport.Status | readonly [TestReport.Status, string]>>) => ({
  cases: Object.entries(cases).map(([name, said]): TestReport.Case => {
    const [status, message] = typeof said === "string" ? ([said, ""] as const) : said
    return { name, file: "a.test.js", status, duration: null, message }
  })
})
const names = (cases: ReadonlyArray<TestReport.Case>) => cases.map(({ name }) => name)

describe("TestProof", () => {
  it("tells what fails without the change from what holds anyway, does not load, or does not pass", () => {
    const proof = TestProof.redThenGreen({
      base: report({ old: "passed", changed: "passed" }),
      head: report({
        old: "passed",
        changed: "passed",
        red: "passed",
        green: "passed",
        lazy: "skipped",
        bad: "failed",
        far: "passed"
      }),
      parent: report({ old: "passed", changed: "failed", red: "failed", green: "passed", bad: "failed" })
    })
    assert.deepStrictEqual(names(proof.proved), ["changed", "red"])
    assert.deepStrictEqual(names(proof.green), ["green"])
    assert.deepStrictEqual(names(proof.unloaded), ["far"])
    assert.deepStrictEqual(names(proof.unproved), ["lazy", "bad"])
  })

  it("counts cases of one name, and takes none for new that only moved", () => {
    const one = report({ a: "passed" }).cases
    assert.deepStrictEqual(names(TestProof.added({ cases: one }, { cases: [...one, ...one] })), ["a"])
    assert.deepStrictEqual(
      TestProof.added({ cases: one }, { cases: one.map((it) => ({ ...it, file: "b.test.js" })) }),
      []
    )
    assert.deepStrictEqual(TestProof.added({ cases: one }, { cases: [] }), [])
  })

  it("finds the tests that nothing makes fail, and what nothing notices", () => {
    const fresh = report({ live: "passed", dead: "passed", skipped: "skipped" }).cases
    const found = TestProof.breakFix(fresh, [
      { what: "one", report: report({ live: "passed", dead: "passed" }) },
      { what: "two", report: report({ live: ["failed", "5 is not 4"], dead: "passed" }) },
      { what: "does not load", report: { cases: [] } }
    ])
    assert.deepStrictEqual(
      found.caught.map(({ by, message, test }) => [test.name, by, message]),
      [["live", "two", "5 is not 4"]]
    )
    assert.deepStrictEqual(names(found.dead), ["dead"])
    assert.deepStrictEqual(found.survived, ["one"], "a file that does not load says nothing")
  })

  it("knows a failure that says nothing", () => {
    const silent = ["", "AssertionError", "Error: ", "assertion failed", "AssertionError: expected false to be true"]
    for (const message of silent) assert.isFalse(TestProof.isReadable(message), message)
    const telling = [
      "AssertionError: 5 is not 4",
      "expected 3 to be 4",
      "Expected values to be strictly equal:\n\n1 !== 2"
    ]
    for (const message of telling) assert.isTrue(TestProof.isReadable(message), message)
  })
})
