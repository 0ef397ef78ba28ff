import { assert, describe, it } from "vitest"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Bench from "../Bench.ts"
import * as Cases from "../triage/Cases.ts"
import * as Score from "../triage/Score.ts"

const of = (id: string, expected: Cases.Case["expected"], duplicateOf?: string): Cases.Case => ({
  id,
  title: id,
  body: "",
  expected,
  ...(duplicateOf !== undefined && { duplicateOf })
})

describe("the score of triage", () => {
  const cases = [
    of("a", "Automatable"),
    of("b", "Automatable"),
    of("c", "Automatable"),
    of("d", "NeedsSpec"),
    of("e", "NeedsInfo"),
    of("f", "Duplicate", "a"),
    of("g", "Duplicate", "f"),
    of("h", "Park")
  ]

  it("is what one computes by hand", () => {
    const score = Score.of(cases, [
      { id: "a", outcome: "Automatable" },
      { id: "b", outcome: "Automatable" },
      { id: "c", outcome: "NeedsInfo", questions: 3 },
      { id: "d", outcome: "Automatable" },
      { id: "e", outcome: "NeedsInfo", questions: 2 },
      { id: "f", outcome: "Duplicate", of: "g" },
      { id: "g", outcome: "Duplicate", of: "h" },
      { id: "h", fault: "BudgetError" }
    ])
    assert.deepStrictEqual(
      { cases: score.cases, failed: score.failed, right: score.right, accuracy: score.accuracy },
      // a, b, e and f: f and g are of one group, so either names it.
      { cases: 8, failed: 1, right: 4, accuracy: 0.5 }
    )
    assert.deepStrictEqual(score.kinds, [
      { kind: "Automatable", expected: 3, answered: 3, right: 2, precision: 2 / 3, recall: 2 / 3 },
      { kind: "NeedsSpec", expected: 1, answered: 0, right: 0, precision: undefined, recall: 0 },
      { kind: "NeedsInfo", expected: 1, answered: 2, right: 1, precision: 0.5, recall: 1 },
      { kind: "Duplicate", expected: 2, answered: 2, right: 1, precision: 0.5, recall: 0.5 },
      { kind: "Park", expected: 1, answered: 0, right: 0, precision: undefined, recall: 0 }
    ])
    assert.deepStrictEqual(score.confusion.Automatable, {
      Automatable: 2,
      NeedsSpec: 0,
      NeedsInfo: 1,
      Duplicate: 0,
      Park: 0,
      none: 0
    })
    assert.strictEqual(score.confusion.Park.none, 1, "a failure is no answer")
    assert.deepStrictEqual(score.rash, { cases: ["d"], share: 1 / 3 })
    assert.deepStrictEqual(score.timid, { cases: ["c"], share: 1 / 3 })
    assert.strictEqual(score.questions, 2.5)
  })

  it("counts what nobody answered as failed, and leaves out what nobody asked", () => {
    const score = Score.of(cases, [{ id: "z", outcome: "Park" }])
    assert.deepStrictEqual([score.failed, score.right, score.rash.share, score.timid.share], [8, 0, undefined, 1])
  })

  it("does not take a case for a duplicate of itself", () => {
    assert.strictEqual(Score.of(cases, [{ id: "f", outcome: "Duplicate", of: "f" }]).right, 0)
  })
})

describe("the cases of triage", () => {
  const load = (text: string) => {
    const folder = mkdtempSync(join(tmpdir(), "triage-"))
    try {
      writeFileSync(join(folder, "cases.jsonl"), text)
      return Cases.load(join(folder, "cases.jsonl"))
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  const line = (more: object) => JSON.stringify({ id: "a", title: "A", body: "", expected: "Park", ...more })

  it("come with the project: each kind, and every duplicate names its case", () => {
    const cases = Cases.load(join(import.meta.dirname, "../data/triage/issues.jsonl"))
    assert.deepStrictEqual(
      Cases.kinds.filter((kind) => !cases.some(({ expected }) => expected === kind)),
      [],
      "a kind has no case"
    )
  })

  it.each([
    ["nothing", "\n\n", /holds no cases/],
    ["half a line", `${line({})}\n{"id":`, /^Line 2 of /],
    ["an unknown kind", line({ expected: "Maybe" }), /^Line 1 of .*expected/],
    ["an id twice", `${line({})}\n${line({})}`, /one id/],
    ["a duplicate of nothing", line({ expected: "Duplicate", duplicateOf: "b" }), /The case a /],
    ["a duplicate of itself", line({ expected: "Duplicate", duplicateOf: "a" }), /The case a /],
    ["a case that is none and names one", line({ duplicateOf: "a" }), /The case a /]
  ])("are refused when they hold %s", (_, text, message) => {
    assert.throws(() => load(text), message)
    assert.throws(() => load(text), Bench.BadInput)
  })
})
