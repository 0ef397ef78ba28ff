/** A **verdict**: the judgement of a change against its contract, per assertion, with the evidence by digest. */
import * as Schema from "effect/Schema"
import * as Contract from "./Contract.ts"
import * as Digest from "./Digest.ts"

/** What was found for one assertion. `blocked`: it could not be judged; `error`: judging it broke. Neither is a pass. */
export const Status = Schema.Literals(["pass", "fail", "blocked", "error", "skipped"])
/** What was found for one assertion. */
export type Status = typeof Status.Type

/** What supports a finding. `excerpt` is a bounded part of the content that `digest` names. */
export const Evidence = Schema.Struct({
  kind: Schema.Literals(["command", "review", "artifact"]),
  summary: Schema.String,
  digest: Digest.Digest,
  /** The size of the whole content, in bytes. */
  bytes: Schema.Natural,
  excerpt: Schema.String
})
/** What supports a finding. */
export type Evidence = typeof Evidence.Type

/** What was found for one assertion, and why. A `pass` has evidence. */
export const Finding = Schema.Struct({
  assertion: Contract.AssertionId,
  status: Status,
  reason: Schema.String,
  evidence: Schema.Array(Evidence)
})
/** What was found for one assertion, and why. */
export type Finding = typeof Finding.Type

/** The judgement of one validator, or of several together. */
export const Verdict = Schema.Struct({
  validator: Schema.NonEmptyString,
  contract: Digest.Digest,
  findings: Schema.Array(Finding),
  accepted: Schema.Boolean
})
/** The judgement of one validator, or of several together. */
export type Verdict = typeof Verdict.Type

/**
 * The verdict that findings amount to: accepted when no assertion failed, broke or stayed blocked, at least one passed,
 * and every pass has evidence. A pass without evidence becomes `blocked`.
 */
export const make = (
  validator: string,
  contract: Contract.Contract,
  findings: ReadonlyArray<Finding>
): Verdict => {
  const supported = findings.map((finding): Finding =>
    finding.status === "pass" && finding.evidence.length === 0
      ? { ...finding, status: "blocked", reason: `${finding.reason} (no evidence was given)` }
      : finding
  )
  const accepted = supported.some(({ status }) => status === "pass") &&
    supported.every(({ status }) => status === "pass" || status === "skipped")
  return { validator, contract: contract.digest, findings: supported, accepted }
}

/** The findings that stand against acceptance, as one text that an author can work from. */
export const complaint = (verdict: Verdict): string =>
  verdict.findings
    .filter(({ status }) => status !== "pass" && status !== "skipped")
    .map(({ assertion, evidence, reason, status }) =>
      [`${assertion} ${status}: ${reason}`, ...evidence.map(({ excerpt }) => excerpt)].join("\n")
    )
    .join("\n\n")
