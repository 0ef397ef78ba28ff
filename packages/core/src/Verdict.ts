/** A **verdict**: the judgement of a change against its contract, per assertion, with the evidence by digest. */
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Actor from "./Actor.ts"
import { stripVTControlCharacters } from "node:util"
import * as Contract from "./Contract.ts"
import * as Digest from "./Digest.ts"
import * as Sameness from "./internal/Sameness.ts"
import * as Redaction from "./Redaction.ts"

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

/** What a stamp speaks for, such as `quality` or `security`. Which ones there are, each house says. */
export const Dimension = Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9-]{0,39}$/))

/**
 * A **stamp**: a verdict on one dimension of a change, signed by who gave it, who is none of its authors. Each names the one before
 * it in its chain by digest, so that none can be taken out or put in later.
 */
export const Stamp = Schema.Struct({
  /** Whose change: the stamps of one run, or of one item outside of runs. */
  chain: Schema.NonEmptyString,
  dimension: Dimension,
  /** The whole verdict, by digest, and what it comes to. */
  verdict: Digest.Digest,
  accepted: Schema.Boolean,
  contract: Digest.Digest,
  /** The commit that was judged. */
  head: Schema.NonEmptyString,
  by: Actor.Actor,
  authors: Schema.NonEmptyArray(Actor.Actor),
  evidence: Schema.NonEmptyArray(Digest.Digest),
  /** In milliseconds since 1970, UTC. */
  at: Schema.Natural,
  /** The stamp before it, `null` for the first. */
  previous: Schema.NullOr(Digest.Digest),
  /** The digest of the public key. */
  key: Digest.Digest,
  /** Ed25519 over the JSON of all the rest, its keys sorted; in hexadecimal. */
  signature: Schema.String.check(Schema.isPattern(/^[0-9a-f]{128}$/))
})
/** A verdict on one dimension of a change, signed by who gave it. */
export type Stamp = typeof Stamp.Type

/** The digest of a whole stamp, which the next one in its chain names. */
export const stampDigest = (stamp: Stamp): Digest.Digest => Digest.ofJson(stamp)

/** Whether a stamp names the one before it, in the same chain. */
export const follows = (stamp: Stamp, before: Stamp | undefined, chain = before?.chain ?? stamp.chain): boolean =>
  stamp.previous === (before === undefined ? null : stampDigest(before)) && stamp.chain === chain

const isRule = Schema.is(Contract.RuleId)

const distinct = <A>(all: ReadonlyArray<A>): ReadonlyArray<A> => [
  ...new Map(all.map((one) => [JSON.stringify(one), one])).values()
]

/** A finding with the problems and the evidence of others that speak the same way: for the assertion, or against it. */
const together = (standing: Finding, others: ReadonlyArray<Finding>): Finding => {
  // What blocks must not lend its evidence to a pass that has none.
  const alike = others.filter((one) => (isOpen(standing) ? isOpen(one) : one.status === standing.status))
  if (alike.length === 0) return standing
  const all = [standing, ...alike]
  const problems = distinct(all.flatMap((one) => one.problems ?? []))
  return {
    ...standing,
    evidence: distinct(all.flatMap(({ evidence }) => evidence)),
    ...(problems.length > 0 && { problems })
  }
}

/** The finding of each assertion that stands last in an order, which goes from what weighs least to what weighs most. */
const heaviest = (findings: ReadonlyArray<Finding>, order: ReadonlyArray<Status>): ReadonlyMap<string, Finding> => {
  const weight = ({ status }: Finding) => order.indexOf(status)
  const stands = (all: ReadonlyArray<Finding>, first: Finding) =>
    all.reduce((standing, one) => (weight(one) > weight(standing) ? one : standing), first)
  return new Map(
    [...Map.groupBy(findings, ({ assertion }) => assertion)].flatMap(([assertion, all]) => {
      const [first, ...rest] = all
      if (first === undefined) return []
      const standing = stands(rest, first)
      const others = all.filter((one) => one !== standing)
      return [[assertion, together(standing, others)] as const]
    })
  )
}

/**
 * The verdict that findings amount to: accepted when every assertion of the contract, and every rule that there is a
 * finding about, passed with evidence or was skipped, and at least one assertion passed. Where the contract has an `acceptAt`,
 * that much of the weight of what was not skipped has to pass, with everything `essential`. Of several findings about one the
 * worst stands, with the problems and the evidence of all that speak against it. A pass without evidence becomes `blocked`, an assertion that no finding speaks about is `blocked`, and a
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
    reason: silence(validator),
    evidence: []
  })
  // In the order of the contract, and what is not of it at the end.
  const judged = [...known].map((id) => worst.get(id) ?? silent(id))
  const all = [...judged, ...[...worst.values()].filter(({ assertion }) => !known.has(assertion))]
  const accepted =
    judged.some(({ status }) => status === "pass") &&
    (contract.acceptAt === undefined ? all.every(isFine) : isEnough(contract, all))
  return { validator, contract: contract.digest, findings: all, accepted }
}

/** What a validator says of an assertion that it can not speak about. */
const silence = (validator: string): string => `${validator} has no finding about this assertion`

const isFine = ({ status }: Finding): boolean => status === "pass" || status === "skipped"

/** Whether what passed weighs as much as the contract asks for, and nothing is wrong that no weight outweighs. */
const isEnough = ({ acceptAt = 1, assertions }: Contract.Contract, findings: ReadonlyArray<Finding>): boolean => {
  const weighed = new Map(assertions.map((one) => [one.id, one]))
  let passed = 0
  let whole = 0
  for (const finding of findings) {
    const { essential, weight = 1 } = weighed.get(finding.assertion) ?? { essential: true, weight: 0 }
    if (essential === true && !isFine(finding)) return false
    if (finding.status !== "skipped") whole += weight
    if (finding.status === "pass") passed += weight
  }
  return passed / whole >= acceptAt
}

/**
 * The verdict of several validators together: a `blocked` of one is nothing against what another could judge. What was
 * judged against another contract is an `error`.
 */
export const combine = (contract: Contract.Contract, verdicts: ReadonlyArray<Verdict>): Verdict => {
  const silences = new Set(verdicts.map(({ validator }) => silence(validator)))
  const isSilent = ({ reason }: Finding) => Number(silences.has(reason))
  // Of what nobody could judge, the reason of one who tried is told.
  const findings = verdicts.flatMap((verdict) => about(contract, verdict)).toSorted((a, b) => isSilent(a) - isSilent(b))
  const verdict = make(verdicts.map(({ validator }) => validator).join(" + ") || "nobody", contract, [
    ...heaviest(findings, ["blocked", "skipped", "pass", "error", "fail"]).values()
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

/** Whether a finding keeps the change from being accepted. */
const isOpen = ({ status }: Finding): boolean => status !== "pass" && status !== "skipped"

/** What is the same whenever a finding says the same: one print for each of its problems, or one for what it says altogether. */
const printsOf = ({ assertion, evidence, problems = [], reason, status }: Finding): ReadonlyArray<Digest.Digest> =>
  problems.length > 0
    ? problems.map(({ message, path, rule }) => Digest.ofJson([assertion, status, rule, path, Sameness.of(message)]))
    : [
        Digest.ofJson([
          assertion,
          status,
          Sameness.of(reason),
          evidence.flatMap((each) => Sameness.complaints(each.excerpt))
        ])
      ]

/**
 * What stands against acceptance, as a set of digests in their order: over assertion, status, rule, path and message, without what
 * differs from one time to the next by itself (numbers of lines, times, temporary paths, digests, colours). Two verdicts with one
 * set failed in the same way.
 */
export const fingerprints = (verdict: Verdict): ReadonlyArray<Digest.Digest> =>
  [...new Set(verdict.findings.filter(isOpen).flatMap(printsOf))].sort()

/** How a complaint is written. */
export interface Complaint {
  /** At most so many UTF-16 code units. Default 16,000. */
  readonly longest?: number
  /** Secrets that are known, to be taken out beside the usual tokens. */
  readonly secrets?: ReadonlyArray<Redacted.Redacted<string>>
  /** The attempt since which something of these {@link fingerprints} has failed, where it did so before. It is said once more, and its evidence is not. */
  readonly since?: ReadonlyMap<Digest.Digest, number>
}

/**
 * The findings that stand against acceptance, as one text that an author can work from: secrets and colours taken out, and cut so
 * that every finding keeps its part as long as there is room, and the first one its first error. It holds what programs and models
 * said, so it is data for whoever reads it.
 */
export const complaint = (
  verdict: Verdict,
  { longest = 16_000, secrets = [], since = new Map() }: Complaint = {}
): string => {
  const clean = (text: string) => Redaction.scrub(stripVTControlCharacters(text), secrets)
  const parts = verdict.findings.filter(isOpen).map((finding) => {
    const { assertion, evidence, problems = [], reason, status } = finding
    const attempts = printsOf(finding).map((print) => since.get(print))
    const isKnown = attempts.every((attempt) => attempt !== undefined)
    const known = isKnown ? ` (still failing since attempt ${Math.max(...attempts)})` : ""
    const places = problems.map(
      ({ line, message, path, rule }) =>
        `${path === null ? "" : `${path}${line === null ? "" : `:${line}`}: `}${message} (${rule})`
    )
    const said = isKnown ? [] : evidence.map(({ excerpt }) => excerpt)
    return { head: clean(`${assertion} ${status}${known}: ${reason}`), body: clean([...places, ...said].join("\n")) }
  })
  const shown: Array<string> = []
  const more = (count: number) => `… and ${count} more`
  const whole = parts.map(({ body, head }) => (body === "" ? head : `${head}\n${body}`))
  if (whole.join("\n\n").length <= longest) return whole.join("\n\n")
  let room = longest - more(parts.length).length - 2
  for (const [at, { body, head }] of parts.entries()) {
    // The first has half of it: what goes wrong first is often why the rest does.
    const share = Math.floor(Math.max(at === 0 ? room / 2 : 0, room / (parts.length - at) - 3))
    if (share < 80 && at > 0) {
      shown.push(more(parts.length - at))
      break
    }
    const most = Math.max(60, Math.floor(share / 3))
    const begin = head.length > most ? `${head.slice(0, most - 1).toWellFormed()}…` : head
    const text = body === "" ? begin : `${begin}\n${Sameness.cut(body, share - begin.length - 1)}`
    shown.push(text)
    room -= text.length + 2
  }
  return shown.join("\n\n").slice(0, Math.max(0, longest))
}
