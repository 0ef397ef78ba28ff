/** What an author is told of a verdict, whatever is in it. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Contract from "../src/Contract.ts"
import * as Digest from "../src/Digest.ts"
import * as Verdict from "../src/Verdict.ts"

const contract = Contract.freeze("item", [{ statement: "a" }, { statement: "b" }])
const house = "a known secret of the house"
const secrets = [
  house,
  Buffer.from(house).toString("base64"),
  `ghp_${"aB3d".repeat(9)}`,
  `sk-${"x1-Y".repeat(8)}`,
  "AKIAABCDEFGHIJKLMNOP"
]

const drawn = <A>(...values: readonly [A, ...ReadonlyArray<A>]) =>
  Arbitrary.map(Arbitrary.schema(Schema.Int), (number) => values[Math.abs(number) % values.length] ?? values[0])

const noise = "\u001b[32m ok \u001b[0m nothing to see here\n"

/** A text with noise, a secret and a mistake in it, in any order and of any size. */
const text = Arbitrary.map(
  Arbitrary.all([
    Arbitrary.array(
      drawn(noise, noise.repeat(300), "Error: it broke\n", "\ud800 lone\n", ...secrets.map((each) => `at ${each}\n`)),
      {
        maxLength: 6
      }
    ),
    drawn("", "é".repeat(3_000))
  ]),
  ([parts, end]) => parts.join("") + end
)

const finding = Arbitrary.map(
  Arbitrary.all([
    drawn("VAL-001", "VAL-002", "RULE-SECRETS", "RULE-CHEATS"),
    Arbitrary.schema(Verdict.Status),
    text,
    Arbitrary.array(text, { maxLength: 3 }),
    Arbitrary.array(text, { maxLength: 30 })
  ]),
  ([assertion, status, reason, excerpts, problems]): Verdict.Finding => ({
    assertion,
    status,
    reason,
    evidence: excerpts.map((excerpt) => ({
      kind: "command",
      summary: "ran",
      digest: Digest.of(excerpt),
      bytes: 1,
      excerpt
    })),
    problems: problems.map((message) => ({ rule: "r", message, path: "a.ts", line: 1 }))
  })
)

const verdict = Arbitrary.map(Arbitrary.array(finding, { maxLength: 6 }), (findings) =>
  Verdict.make("v", contract, findings)
)

describe("Verdict.complaint", () => {
  it.prop(
    "is never longer than it may be, and no secret survives, wherever it is cut",
    [verdict, drawn(0, 1, 50, 200, 1_000, 4_000, 16_000)],
    ([drawn, longest]) => {
      const told = Verdict.complaint(drawn, { longest, secrets: [Redacted.make(house)] })
      assert.isAtMost(told.length, longest)
      for (const secret of secrets) assert.notInclude(told, secret)
      assert.notInclude(told, "\u001b", "colours are left")
    },
    { arbitrary: { runs: 150 } }
  )

  it("keeps the first error of the first finding, however much stands before it and after it", () => {
    for (const before of [0, 10, 5_000]) {
      for (const longest of [500, 2_000, 16_000]) {
        const excerpt = `${noise.repeat(before)}TypeError: the first one\n${noise.repeat(5_000)}Error: the last one\n`
        const findings = ["VAL-001", "VAL-002"].map((assertion): Verdict.Finding => ({
          assertion,
          status: "fail",
          reason: `exit code 1 ${"and so on ".repeat(500)}`,
          evidence: [{ kind: "command", summary: "ran", digest: Digest.of(excerpt), bytes: 1, excerpt }]
        }))
        const told = Verdict.complaint(Verdict.make("v", contract, findings), { longest })
        assert.include(told, "VAL-001 fail: exit code 1")
        assert.include(told, "TypeError: the first one", `${before} lines before it, ${longest} characters`)
        assert.isAtMost(told.length, longest)
        assert.include(told, "VAL-002 fail", "the other one is told too")
      }
    }
  })

  it("says how many findings there was no room for", () => {
    const findings = Array.from({ length: 100 }, (_, at): Verdict.Finding => ({
      assertion: `RULE-R${at}`,
      status: "fail",
      reason: "it is wrong, and that is a long story ".repeat(5),
      evidence: []
    }))
    const told = Verdict.complaint(Verdict.make("v", contract, findings), { longest: 2_000 })
    assert.match(told, /… and \d+ more$/)
    assert.isAtMost(told.length, 2_000)
  })
})
