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
  kind: Schema.Literals([
    "command",
    "review",
    "artifact",
    /** What a program that tests or looks for problems reported. */
    "report",
    /** What a tester did, and what was there then, so that it can be done again. */
    "steps",
    "screenshot",
    /** What a screen reader is told. */
    "accessibility",
    /** What was asked of a server, and what it answered. */
    "exchange",
    "terminal"
  ]),
  summary: Schema.String,
  digest: Digest.Digest,
  /** The size of the whole content, in bytes. */
  bytes: Schema.Natural,
  excerpt: Schema.String
})
/** What supports a finding. */
export type Evidence = typeof Evidence.Type

/** Evidence of a content. `excerpt` is what people read of it; left out, as for pictures, they read the summary alone. */
export const evidence = ({
  content,
  excerpt = "",
  kind,
  summary
}: Pick<Evidence, "kind" | "summary"> & {
  readonly content: string | Uint8Array
  readonly excerpt?: string
}): Evidence => ({ kind, summary, digest: Digest.of(content), bytes: Buffer.byteLength(content), excerpt })

/** One thing that is wrong, at a place. `rule` is the name that its finder has for its kind: `no-floating-promises`, `test-skipped`. */
export const Problem = Schema.Struct({
  rule: Schema.NonEmptyString,
  message: Schema.String,
  /** A path of the repository. */
  path: Schema.NullOr(Schema.String),
  /** From 1. */
  line: Schema.NullOr(Schema.Natural)
})
/** One thing that is wrong, at a place. */
export type Problem = typeof Problem.Type

/** What was found for one assertion, or for one rule of the house, and why. A `pass` has evidence. */
export const Finding = Schema.Struct({
  assertion: Schema.Union([Contract.AssertionId, Contract.RuleId]),
  status: Status,
  reason: Schema.String,
  evidence: Schema.Array(Evidence),
  problems: Schema.optionalKey(Schema.Array(Problem))
})
/** What was found for one assertion, and why. */
export type Finding = typeof Finding.Type

/** How much of a service its twin is known to answer as the service does, 0 to 1, and when that was compared, in milliseconds since 1970. */
export const Fidelity = Schema.Struct({
  twin: Schema.NonEmptyString,
  /** `null`: it was never compared. */
  fidelity: Schema.NullOr(Schema.Finite),
  comparedAt: Schema.NullOr(Schema.Natural)
})
/** How much of a service its twin is known to answer as the service does. */
export type Fidelity = typeof Fidelity.Type

/** The judgement of one validator, or of several together. */
export const Verdict = Schema.Struct({
  validator: Schema.NonEmptyString,
  contract: Digest.Digest,
  findings: Schema.Array(Finding),
  accepted: Schema.Boolean,
  /** The twins that the change was judged with, in the place of services. */
  twins: Schema.optionalKey(Schema.Array(Fidelity))
})
/** The judgement of one validator, or of several together. */
export type Verdict = typeof Verdict.Type

const isRule = Schema.is(Contract.RuleId)

/** The finding of each assertion that stands last in an order, which goes from what weighs least to what weighs most. */
const heaviest = (findings: ReadonlyArray<Finding>, order: ReadonlyArray<Status>): ReadonlyMap<string, Finding> => {
  const byAssertion = new Map<string, Finding>()
  for (const finding of findings) {
    const standing = byAssertion.get(finding.assertion)
    if (standing === undefined || order.indexOf(finding.status) > order.indexOf(standing.status)) {
      byAssertion.set(finding.assertion, finding)
    }
  }
  return byAssertion
}

/**
 * The verdict that findings amount to: accepted when every assertion of the contract, and every rule that there is a
 * finding about, passed with evidence or was skipped, and at least one assertion passed. Of several findings about one the
 * worst stands. A pass without evidence becomes `blocked`, an assertion that no finding speaks about is `blocked`, and a
 * finding about something that is neither a rule nor an assertion of the contract is an `error`.
 */
export const make = (validator: string, contract: Contract.Contract, findings: ReadonlyArray<Finding>): Verdict => {
  const known = new Set(contract.assertions.map(({ id }) => id))
  const supported = findings.map((finding): Finding =>
    !known.has(finding.assertion) && !isRule(finding.assertion)
      ? { ...finding, status: "error", reason: `${finding.reason} (the contract has no such assertion)` }
      : finding.status === "pass" && finding.evidence.length === 0
        ? { ...finding, status: "blocked", reason: `${finding.reason} (no evidence was given)` }
        : finding
  )
  const worst = heaviest(supported, ["skipped", "pass", "blocked", "error", "fail"])
  const silent = (assertion: string): Finding => ({
    assertion,
    status: "blocked",
    reason: `${validator} has no finding about this assertion`,
    evidence: []
  })
  // In the order of the contract, and what is not of it at the end.
  const judged = [...known].map((id) => worst.get(id) ?? silent(id))
  const all = [...judged, ...[...worst.values()].filter(({ assertion }) => !known.has(assertion))]
  const accepted =
    judged.some(({ status }) => status === "pass") &&
    all.every(({ status }) => status === "pass" || status === "skipped")
  return { validator, contract: contract.digest, findings: all, accepted }
}

/**
 * The verdict of several validators together: a `blocked` of one is nothing against what another could judge. What was
 * judged against another contract is an `error`.
 */
export const combine = (contract: Contract.Contract, verdicts: ReadonlyArray<Verdict>): Verdict => {
  const verdict = make(verdicts.map(({ validator }) => validator).join(" + ") || "nobody", contract, [
    ...heaviest(
      verdicts.flatMap((verdict) => about(contract, verdict)),
      ["blocked", "skipped", "pass", "error", "fail"]
    ).values()
  ])
  const twins = new Map(verdicts.flatMap((each) => each.twins ?? []).map((each) => [each.twin, each]))
  return twins.size === 0 ? verdict : { ...verdict, twins: [...twins.values()] }
}

const about = (
  contract: Contract.Contract,
  { contract: judged, findings, validator }: Verdict
): ReadonlyArray<Finding> =>
  judged === contract.digest
    ? findings
    : findings.map((finding) => ({ ...finding, status: "error", reason: `${validator} judged another contract` }))

/** Whether a finding speaks against the change, as opposed to saying nothing about it. */
export const isAgainst = ({ status }: Finding): boolean => status === "fail" || status === "error"

/** The findings that stand against acceptance, as one text that an author can work from. */
export const complaint = (verdict: Verdict): string =>
  verdict.findings
    .filter(({ status }) => status !== "pass" && status !== "skipped")
    .map(({ assertion, evidence, reason, status }) =>
      [`${assertion} ${status}: ${reason}`, ...evidence.map(({ excerpt }) => excerpt)].join("\n")
    )
    .join("\n\n")
