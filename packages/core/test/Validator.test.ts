import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Contract from "../src/Contract.ts"
import * as Digest from "../src/Digest.ts"
import * as Validator from "../src/Validator.ts"
import type * as Verdict from "../src/Verdict.ts"

const contract = Contract.freeze("item", [{ statement: "a" }, { statement: "b" }])
const subject: Validator.Subject = { contract, change: { branch: "b", base: "0", head: "1", files: [] } }
const pass = (assertion: string): Verdict.Finding => ({
  assertion,
  status: "pass",
  reason: "holds",
  evidence: [{ kind: "command", summary: "ran", digest: Digest.of("x"), bytes: 1, excerpt: "x" }]
})
const judge = (findings: ReadonlyArray<Verdict.Finding>) =>
  Validator.make({ name: "v", findings: () => Effect.succeed(findings) }).judge(subject)

describe("Validator.make", () => {
  it.effect("accepts when it has a pass with evidence for each assertion", () =>
    Effect.gen(function* () {
      const verdict = yield* judge([pass("VAL-002"), pass("VAL-001")])
      assert.isTrue(verdict.accepted)
      assert.deepStrictEqual(
        verdict.findings.map(({ assertion }) => assertion),
        ["VAL-001", "VAL-002"],
        "in the order of the contract"
      )
    })
  )

  it.effect("takes silence for blocked, never for a pass", () =>
    Effect.gen(function* () {
      const verdict = yield* judge([pass("VAL-001")])
      assert.isFalse(verdict.accepted)
      assert.deepStrictEqual(
        verdict.findings.map(({ status }) => status),
        ["pass", "blocked"]
      )
      assert.include(verdict.findings[1]?.reason ?? "", "v ", "the reason names the validator")
    })
  )

  it.effect("passes the error of judging on", () =>
    Effect.gen(function* () {
      const broken = new Validator.ValidatorError({
        reason: "SubjectUnavailable",
        message: "No such commit. Fetch it."
      })
      const validator = Validator.make({ name: "v", findings: () => Effect.fail(broken) })
      assert.strictEqual(yield* Effect.flip(validator.judge(subject)), broken)
    })
  )
})
