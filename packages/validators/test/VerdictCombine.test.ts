import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import * as Verdict from "@millwright/core/Verdict"

const contract = Contract.freeze("item", [{ statement: "a" }, { statement: "b" }])
const ids = contract.assertions.map(({ id }) => id)
const evidence: Verdict.Evidence = { kind: "review", summary: "read", digest: Digest.of("x"), bytes: 1, excerpt: "x" }

const verdict = (validator: string, ...statuses: ReadonlyArray<Verdict.Status>): Verdict.Verdict =>
  Verdict.make(
    validator,
    contract,
    statuses.map((status, at) => ({
      assertion: ids[at] ?? "VAL-999",
      status,
      reason: `${validator} says ${status}`,
      evidence: [evidence]
    }))
  )

const combined = (...statuses: ReadonlyArray<ReadonlyArray<Verdict.Status>>) =>
  Verdict.combine(
    contract,
    statuses.map((each, at) => verdict(`v${at}`, ...each))
  )
const statusesOf = ({ findings }: Verdict.Verdict) => findings.map(({ status }) => status)

const drawn = Arbitrary.array(
  Arbitrary.map(
    Arbitrary.all([Arbitrary.schema(Verdict.Status), Arbitrary.schema(Verdict.Status)]),
    (statuses): ReadonlyArray<Verdict.Status> => statuses
  ),
  { maxLength: 4 }
)

describe("Verdict.combine", () => {
  it.each([
    [
      "each speaks to what it can judge",
      [
        ["pass", "blocked"],
        ["blocked", "pass"]
      ],
      ["pass", "pass"],
      true
    ],
    [
      "one fails what another passes",
      [
        ["pass", "pass"],
        ["blocked", "fail"]
      ],
      ["pass", "fail"],
      false
    ],
    [
      "one breaks over what another passes",
      [
        ["error", "pass"],
        ["pass", "pass"]
      ],
      ["error", "pass"],
      false
    ],
    [
      "a failure weighs more than a breakage",
      [
        ["error", "pass"],
        ["fail", "pass"]
      ],
      ["fail", "pass"],
      false
    ],
    [
      "nobody can judge an assertion",
      [
        ["pass", "blocked"],
        ["pass", "blocked"]
      ],
      ["pass", "blocked"],
      false
    ],
    [
      "one skips what another passes",
      [
        ["pass", "skipped"],
        ["pass", "pass"]
      ],
      ["pass", "pass"],
      true
    ],
    [
      "all skip everything",
      [
        ["skipped", "skipped"],
        ["skipped", "skipped"]
      ],
      ["skipped", "skipped"],
      false
    ]
  ] as const)("%s", (_, verdicts, statuses, accepted) => {
    const together = combined(...verdicts)
    assert.deepStrictEqual(statusesOf(together), [...statuses])
    assert.strictEqual(together.accepted, accepted)
    assert.strictEqual(together.contract, contract.digest)
  })

  it("tells the reason of one who tried, and not that another one has none", () => {
    const { findings } = Verdict.combine(contract, [verdict("quiet"), verdict("tester", "blocked")])
    assert.deepStrictEqual(
      findings.map(({ reason }) => reason),
      ["tester says blocked", "quiet has no finding about this assertion"]
    )
  })

  it("of nobody accepts nothing", () => {
    const together = Verdict.combine(contract, [])
    assert.deepInclude(together, { validator: "nobody", accepted: false })
    assert.deepStrictEqual(statusesOf(together), ["blocked", "blocked"])
  })

  it("names all who judged, and keeps the reason and the evidence of the finding that stands", () => {
    const together = combined(["pass", "pass"], ["fail", "blocked"])
    assert.strictEqual(together.validator, "v0 + v1")
    assert.deepInclude(together.findings[0], { reason: "v1 says fail", evidence: [evidence] })
  })

  it.prop(
    "does not depend on the order, and one more verdict never takes a complaint away",
    [drawn, Arbitrary.schema(Schema.Tuple([Verdict.Status, Verdict.Status]))],
    ([verdicts, more]) => {
      const together = combined(...verdicts)
      assert.deepStrictEqual(
        statusesOf(combined(...verdicts.toReversed())),
        statusesOf(together),
        "the other way round"
      )
      const after = combined(...verdicts, more)
      for (const [at, before] of together.findings.entries()) {
        const finding = after.findings[at]
        if (Verdict.isAgainst(before))
          assert.isTrue(finding !== undefined && Verdict.isAgainst(finding), "it still stands")
      }
      assert.strictEqual(
        together.accepted,
        ids.every((_, at) => {
          const said = verdicts.map((each) => each[at]).filter((status) => status !== "blocked")
          return said.length > 0 && said.every((status) => status === "pass" || status === "skipped")
        }) && verdicts.flat().includes("pass"),
        "accepts what nobody speaks against and somebody speaks to, with one pass"
      )
    },
    { arbitrary: { runs: 500 } }
  )
})
