import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Contract from "../src/Contract.ts"
import * as Digest from "../src/Digest.ts"
import * as Verdict from "../src/Verdict.ts"

const contract = Contract.freeze("item", [{ statement: "a" }, { statement: "b" }, { statement: "c" }])
const evidence: Verdict.Evidence = {
  kind: "command",
  summary: "ran",
  digest: Digest.of("out"),
  bytes: 3,
  excerpt: "out"
}

const finding = (assertion: string, status: Verdict.Finding["status"], withEvidence = true): Verdict.Finding => ({
  assertion,
  status,
  reason: `it is ${status}`,
  evidence: withEvidence ? [evidence] : []
})

const findings = Arbitrary.array(
  Arbitrary.map(
    Arbitrary.all([
      Arbitrary.schema(Schema.Literals(["VAL-001", "VAL-002", "VAL-003", "VAL-004"])),
      Arbitrary.schema(Verdict.Status),
      Arbitrary.schema(Schema.Boolean)
    ]),
    ([assertion, status, withEvidence]) => finding(assertion, status, withEvidence)
  ),
  { maxLength: 5 }
)

describe("Verdict.make", () => {
  it.prop(
    "accepts only if every assertion passed with evidence or was skipped, and one passed",
    [findings],
    ([all]) => {
      const verdict = Verdict.make("v", contract, all)
      const good =
        contract.assertions.every(
          ({ id }) =>
            all.some(({ assertion }) => assertion === id) &&
            all
              .filter(({ assertion }) => assertion === id)
              .every(({ evidence, status }) => status === "skipped" || (status === "pass" && evidence.length > 0))
        ) &&
        all.every(({ assertion }) => assertion !== "VAL-004") &&
        all.some(({ status }) => status === "pass")
      assert.strictEqual(verdict.accepted, good)
      assert.isTrue(
        contract.assertions.every(({ id }) => verdict.findings.some(({ assertion }) => assertion === id)),
        "every assertion has a finding"
      )
      assert.strictEqual(
        verdict.accepted,
        Verdict.complaint(verdict) === "" && verdict.findings.some(({ status }) => status === "pass"),
        "what is not accepted says why"
      )
    },
    { arbitrary: { runs: 1_000 } }
  )

  it("accepts when all passed with evidence", () => {
    const verdict = Verdict.make(
      "v",
      contract,
      ["VAL-001", "VAL-002", "VAL-003"].map((id) => finding(id, "pass"))
    )
    assert.deepInclude(verdict, { validator: "v", contract: contract.digest, accepted: true })
  })

  it.each([
    ["nothing was found", []],
    ["an assertion was not spoken about", [finding("VAL-001", "pass"), finding("VAL-002", "pass")]],
    ["all were skipped", ["VAL-001", "VAL-002", "VAL-003"].map((id) => finding(id, "skipped"))],
    [
      "a pass has no evidence",
      [finding("VAL-001", "pass", false), finding("VAL-002", "pass"), finding("VAL-003", "pass")]
    ],
    [
      "one passed and failed",
      [finding("VAL-001", "fail"), ...["VAL-001", "VAL-002", "VAL-003"].map((id) => finding(id, "pass"))]
    ],
    ["a finding is about something else", ["VAL-001", "VAL-002", "VAL-003", "VAL-999"].map((id) => finding(id, "pass"))]
  ])("does not accept when %s, and says so", (_, all) => {
    const verdict = Verdict.make("v", contract, all)
    assert.isFalse(verdict.accepted)
    assert.isTrue(Schema.is(Verdict.Verdict)(verdict), "a verdict as its schema has it")
  })

  it("keeps the problems and the evidence of every finding against an assertion, each once", () => {
    const problem = (message: string): Verdict.Problem => ({ rule: "r", message, path: "a.ts", line: 1 })
    const other = { ...evidence, digest: Digest.of("other") }
    const about = (status: Verdict.Status, problems: ReadonlyArray<Verdict.Problem>): Verdict.Finding => ({
      ...finding("RULE-TESTS", status),
      problems
    })
    const all = [
      about("pass", [problem("harmless")]),
      about("error", [problem("one"), problem("two")]),
      { ...about("fail", [problem("three"), problem("two")]), evidence: [other] }
    ]
    const [, , , found] = Verdict.make("v", contract, all).findings
    assert.strictEqual(found?.reason, "it is fail")
    assert.deepStrictEqual(
      found.problems?.map(({ message }) => message),
      ["three", "two", "one"]
    )
    assert.deepStrictEqual(found.evidence, [other, evidence])
  })

  it("lends no evidence to a pass that has none", () => {
    const forged = {
      validator: "forged",
      contract: contract.digest,
      accepted: true,
      findings: [finding("VAL-001", "pass", false)]
    }
    const blocked = Verdict.make("other", contract, [finding("VAL-001", "blocked")])
    assert.strictEqual(Verdict.combine(contract, [forged, blocked]).findings[0]?.status, "blocked")
  })

  it("complains with reasons and excerpts that an author can work from", () => {
    const verdict = Verdict.make("v", contract, [
      finding("VAL-001", "pass"),
      finding("VAL-002", "fail"),
      finding("VAL-003", "skipped")
    ])
    assert.strictEqual(Verdict.complaint(verdict), "VAL-002 fail: it is fail\nout")
  })
})
