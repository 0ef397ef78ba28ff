import { assert, describe, it } from "vitest"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Bench from "../Bench.ts"
import * as Cases from "../triage/Cases.ts"
import * as Triage from "../triage.ts"
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

describe("the triage bench", () => {
  const usual = { issues: undefined, model: undefined, repo: undefined, sandbox: undefined, slips: 0, usd: 1 }

  it("scores what a rehearsed model says as the file of cases has it", { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "triage-"))
    try {
      const file = join(folder, "cases.jsonl")
      const text = { title: "Paging drops row 22 of the list", body: "Page two of the list begins with row 22." }
      const cases = [
        { id: "a", ...text, expected: "Automatable" },
        { id: "b", ...text, expected: "Duplicate", duplicateOf: "a" },
        { id: "c", title: "Colours", body: "Pick some.", expected: "NeedsSpec" },
        { id: "d", title: "Colours of the menu", body: "Other ones.", expected: "NeedsSpec" }
      ]
      writeFileSync(file, cases.map((each) => JSON.stringify(each)).join("\n"))
      const measure = async (slips: number) => {
        const { details, figures } = await Triage.run({ ...usual, issues: file, slips }, () => {})
        const among = figures.find(({ name }) => name.startsWith("duplicates"))
        assert.deepStrictEqual([among?.value, among?.unit], [1, "of 1"])
        return { right: figures[0]?.value, answers: details?.["answers"] }
      }
      assert.deepStrictEqual(await measure(0), {
        right: 1,
        answers: [
          { id: "a", outcome: "Automatable" },
          { id: "b", outcome: "Duplicate", of: "a" },
          { id: "c", outcome: "NeedsSpec" },
          { id: "d", outcome: "NeedsSpec" }
        ]
      })
      assert.strictEqual((await measure(1)).right, 0.25, "the first of each kind is taken for another: d alone is left")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it.each([
    ["a model that is none", { model: "gpt" }, /--model takes/],
    ["a model without its key", { model: "openai/x" }, /set OPENAI_API_KEY/],
    ["a sandbox that is none", { sandbox: "jail" }, /--sandbox takes/],
    ["a repository without issues", { repo: "." }, /--repo is for/]
  ])("refuses %s", async (_, wrong, message) => {
    const key = process.env["OPENAI_API_KEY"]
    delete process.env["OPENAI_API_KEY"]
    const error = await Triage.run({ ...usual, ...wrong }, () => {}).then(
      () => undefined,
      (error: unknown) => error
    )
    if (key !== undefined) process.env["OPENAI_API_KEY"] = key
    assert.instanceOf(error, Bench.BadInput)
    assert.match((error as Bench.BadInput).message, message)
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
