import { assert, describe, it } from "@effect/vitest"
import * as Specification from "@millwright/agents/Specification"
import * as Contract from "@millwright/core/Contract"
import * as Result from "effect/Result"
import * as SpecContract from "../src/SpecContract.ts"

const specification: Specification.Specification = Specification.seal({
  item: "issue-7",
  product: {
    problem: "Page 2 drops a row",
    decisions: [],
    stories: [
      { id: "US-1", as: "a reader", want: "every row", soThat: "I can trust the page" },
      { id: "US-2", as: "an accountant", want: "an export", soThat: "I can add it up" }
    ],
    criteria: [
      { id: "AC-1", story: "US-1", statement: "Page 2 begins with row 21", command: "node --test page" },
      { id: "AC-2", story: "US-1", statement: "Page 0 is refused" },
      { id: "AC-3", story: "US-2", statement: "The export has every row" }
    ]
  },
  tech: {
    strategy: "Count from one",
    steps: ["Mend the bound"],
    places: [{ path: "src/page.js", symbol: "pageOf", why: "it is there" }],
    interfaces: [],
    edgeCases: [{ situation: "no rows", behaviour: "one empty page" }],
    risks: [],
    outOfScope: []
  }
})

const refused = (options: SpecContract.Options, of = specification) =>
  Result.match(SpecContract.freeze(of, options), {
    onFailure: (problems) => problems.join("\n"),
    onSuccess: () => assert.fail("it was frozen")
  })

describe("a contract from a specification", () => {
  it("has a clause for each criterion, with where it comes from, its area and its kind", () => {
    const contract = Result.getOrThrow(
      SpecContract.freeze(specification, {
        areas: { "US-1": "PAGE", "US-2": "EXPORT" },
        kinds: { "US-1": "ui", "AC-2": "api" },
        more: [{ statement: "The tests pass", check: { _tag: "Command", run: "pnpm test" } }],
        base: "a".repeat(40),
        acceptAt: 0.9
      })
    )
    assert.deepStrictEqual(
      contract.assertions.map(({ from, id, kind }) => [id, from, kind]),
      [
        ["VAL-PAGE-001", "AC-1", "ui"],
        ["VAL-PAGE-002", "AC-2", "api"],
        ["VAL-EXPORT-001", "AC-3", undefined],
        ["VAL-001", undefined, undefined]
      ]
    )
    assert.deepStrictEqual(contract.assertions[0].check, { _tag: "Command", run: "node --test page" })
    assert.deepInclude(contract, { item: "issue-7", base: "a".repeat(40), acceptAt: 0.9 })
    assert.isTrue(Contract.isIntact(contract))
    assert.deepStrictEqual(SpecContract.uncovered(specification, contract), [])
  })

  it.each<readonly [string, SpecContract.Options, string]>([
    ["a story that is not there has an area", { areas: { "US-9": "PAGE" } }, "has no US-9"],
    ["a criterion that is not there has a kind", { kinds: { "AC-9": "ui" } }, "has no AC-9"],
    ["an area is none", { areas: { "US-1": "page" } }, "assertions.0.id"],
    [
      "a clause comes from a criterion that is not there",
      { more: [{ statement: "x", from: "AC-9" }] },
      "VAL-004 comes from AC-9"
    ],
    ["acceptAt is none", { acceptAt: NaN }, "acceptAt"]
  ])("is none where %s", (_, options, said) => {
    assert.include(refused(options), said)
  })

  it("is none of a specification that was changed after it was approved", () => {
    assert.include(refused({}, { ...specification, item: "issue-8" }), "changed after it was sealed")
  })

  it("tells which criterion lost its clause", () => {
    const [first] = Result.getOrThrow(SpecContract.freeze(specification)).assertions
    const less = Contract.seal({ item: "issue-7", assertions: [first] })
    assert.deepStrictEqual(
      SpecContract.uncovered(specification, less).map((problem) => problem.slice(0, 25)),
      ["No clause comes from AC-2", "No clause comes from AC-3"]
    )
    const other = Contract.seal({ ...less, item: "issue-8" })
    assert.include(SpecContract.uncovered(specification, other).join("\n"), "of issue-8")
  })
})
