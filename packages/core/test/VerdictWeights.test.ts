import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Contract from "../src/Contract.ts"
import * as Digest from "../src/Digest.ts"
import * as Verdict from "../src/Verdict.ts"

const evidence: Verdict.Evidence = {
  kind: "command",
  summary: "ran",
  digest: Digest.of("out"),
  bytes: 3,
  excerpt: "out"
}
const finding = (assertion: string, status: Verdict.Status): Verdict.Finding => ({
  assertion,
  status,
  reason: `it is ${status}`,
  evidence: [evidence]
})

/** Three clauses that weigh 6, 3 and 1. */
const contract = (acceptAt: number, essential?: true) =>
  Contract.freeze(
    "item",
    [
      { statement: "a", weight: 6 },
      { statement: "b", weight: 3 },
      { statement: "c", ...(essential !== undefined && { essential }) }
    ],
    { acceptAt }
  )

const judged = (contract: Contract.Contract, ...statuses: ReadonlyArray<Verdict.Status>) =>
  Verdict.make(
    "v",
    contract,
    statuses.map((status, at) => finding(contract.assertions[at]?.id ?? "RULE-HOUSE", status))
  ).accepted

describe("a contract with weights", () => {
  it.each<readonly [string, number, ReadonlyArray<Verdict.Status>, boolean]>([
    ["all of the weight", 1, ["pass", "pass", "pass"], true],
    ["all but one where all is asked for", 1, ["pass", "pass", "fail"], false],
    ["exactly what is asked for", 0.9, ["pass", "pass", "fail"], true],
    ["less than what is asked for", 0.91, ["pass", "pass", "fail"], false],
    ["exactly seven tenths, whatever numbers do", 0.7, ["pass", "blocked", "pass"], true],
    ["blocked counts as not passed", 0.71, ["pass", "blocked", "pass"], false],
    ["what was skipped has no weight", 1, ["pass", "pass", "skipped"], true],
    ["nothing passed", 0.1, ["skipped", "skipped", "skipped"], false],
    ["a rule of the house is outweighed by nothing", 0.1, ["pass", "pass", "pass", "fail"], false],
    ["a rule of the house that holds has no weight", 0.95, ["pass", "pass", "fail", "pass"], false]
  ])("%s", (_, acceptAt, statuses, accepted) => {
    assert.strictEqual(judged(contract(acceptAt), ...statuses), accepted)
  })

  it.each<readonly [Verdict.Status, boolean]>([
    ["pass", true],
    ["fail", false],
    ["blocked", false],
    ["error", false],
    ["skipped", true]
  ])("what is essential and is %s is outweighed by nothing", (status, accepted) => {
    assert.strictEqual(judged(contract(0.1, true), "pass", "pass", status), accepted)
  })

  it("a finding about what the contract does not have is outweighed by nothing", () => {
    const frozen = contract(0.1)
    const findings = [...frozen.assertions.map(({ id }) => finding(id, "pass")), finding("VAL-999", "pass")]
    assert.isFalse(Verdict.make("v", frozen, findings).accepted)
  })

  it.prop(
    "asks for the same as one without weights when it asks for all, and accepts no less when it asks for less",
    [
      Arbitrary.array(Arbitrary.schema(Verdict.Status), { minLength: 3, maxLength: 4 }),
      Contract.Draft.fields.acceptAt.schema
    ],
    ([statuses, acceptAt]) => {
      const plain = Contract.freeze("item", [{ statement: "a" }, { statement: "b" }, { statement: "c" }])
      assert.strictEqual(judged(contract(1), ...statuses), judged(plain, ...statuses))
      if (judged(contract(1), ...statuses)) assert.isTrue(judged(contract(acceptAt), ...statuses))
    }
  )
})
