/** What a report says, whichever way it is written: clauses with their findings, how many of which kind, and in which words. */
import * as Contract from "@millwright/core/Contract"
import type * as Change from "@millwright/core/Change"
import type * as Digest from "@millwright/core/Digest"
import type * as Verdict from "@millwright/core/Verdict"
import type * as ContractHistory from "../ContractHistory.ts"

/** All that a person has to know of a judgement. */
export interface Packet {
  readonly contract: Contract.Contract
  readonly verdict: Verdict.Verdict
  /** What was done, in one line. Default: the item's id. */
  readonly title?: string
  readonly change?: Change.Change
  /** Contents of evidence by digest: what the report may show of it. */
  readonly contents?: ReadonlyMap<Digest.Digest, Uint8Array>
  /** Verified before. */
  readonly stamps?: ReadonlyArray<Verdict.Stamp>
  readonly amendments?: ReadonlyArray<ContractHistory.Amended>
  /** Where the change can be tried, as an address of http or https. */
  readonly preview?: string
  /** When it was judged, in milliseconds since 1970, UTC. */
  readonly at?: number
}

/** One line of the contract, or a rule of the house, and what was found. */
export interface Row {
  readonly finding: Verdict.Finding
  /** Left out: no assertion of the contract. */
  readonly assertion?: Contract.Assertion
}

/** Rows of one area of the contract, or of the rules. */
export interface Group {
  readonly title: string
  readonly rows: ReadonlyArray<Row>
}

/** Statuses, the worst first. */
export const statuses = ["fail", "error", "blocked", "skipped", "pass"] as const

/** A status as a person reads it. */
export const words: Readonly<Record<Verdict.Status, string>> = {
  fail: "failed",
  error: "broken",
  blocked: "not judged",
  skipped: "skipped",
  pass: "passed"
}

/** In the order of the contract, an area at a time; what is not of the contract at the end. */
export const groups = ({ contract, verdict }: Packet): ReadonlyArray<Group> => {
  const findings = new Map<string, Verdict.Finding>(verdict.findings.map((finding) => [finding.assertion, finding]))
  const rows = contract.assertions.map((assertion): Row => ({
    assertion,
    finding: findings.get(assertion.id) ?? {
      assertion: assertion.id,
      status: "blocked",
      reason: "the verdict says nothing about this assertion",
      evidence: []
    }
  }))
  const known = new Set<string>(contract.assertions.map(({ id }) => id))
  const others = verdict.findings.filter(({ assertion }) => !known.has(assertion)).map((finding): Row => ({ finding }))
  const areas = Map.groupBy(rows, ({ assertion }) => (assertion === undefined ? "" : Contract.areaOf(assertion)))
  return [
    ...[...areas].map(([area, rows]) => ({ title: area === "" ? "The contract" : area, rows })),
    ...(others.length === 0 ? [] : [{ title: "Rules of the house", rows: others }])
  ]
}

/** How many rows have which status, the worst first, those that no row has left out. */
export const counts = (
  groups: ReadonlyArray<Group>
): ReadonlyArray<{ readonly status: Verdict.Status; readonly count: number }> => {
  const rows = groups.flatMap(({ rows }) => rows)
  return statuses
    .map((status) => ({ status, count: rows.filter(({ finding }) => finding.status === status).length }))
    .filter(({ count }) => count > 0)
}

/** Why the verdict can not be taken as it stands, if so. */
export const doubts = ({ change, contract, stamps = [], verdict }: Packet): ReadonlyArray<string> => [
  ...(Contract.isIntact(contract)
    ? []
    : ["The contract was changed after it was frozen: its digest does not cover it."]),
  ...(verdict.contract === contract.digest
    ? []
    : ["The verdict is about another contract than the one that is shown here."]),
  ...(change === undefined || stamps.every(({ head }) => head === change.head)
    ? []
    : ["A stamp is about another commit than the change that is shown here."])
]

/** Of a contract with weights, how much passed, in words. */
export const weight = ({ contract: { acceptAt, assertions }, verdict }: Packet): string | undefined => {
  if (acceptAt === undefined) return undefined
  const status = new Map<string, Verdict.Status>(verdict.findings.map((finding) => [finding.assertion, finding.status]))
  const sum = (of: ReadonlyArray<Contract.Assertion>) => of.reduce((all, { weight = 1 }) => all + weight, 0)
  const counted = assertions.filter(({ id }) => status.get(id) !== "skipped")
  const passed = sum(counted.filter(({ id }) => status.get(id) === "pass"))
  return `${passed} of ${sum(counted)} of the weight passed; ${Math.round(acceptAt * 10_000) / 100} % has to.`
}

/** Where a problem is: `src/a.ts:12`. */
export const place = ({ line, path }: Pick<Verdict.Problem, "line" | "path">): string =>
  path === null ? "" : line === null ? path : `${path}:${line}`

/** A time as people read it, in UTC. */
export const time = (at: number): string => new Date(at).toISOString().slice(0, 16).replace("T", " ") + " UTC"

/** An address that may be followed, or nothing. */
export const address = (preview: string | undefined): string | undefined => {
  const url = preview !== undefined && URL.canParse(preview) ? new URL(preview) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) && url.username === "" ? url.href : undefined
}

/** How far a twin is known to do what its service does, in words. */
export const fidelity = ({ comparedAt, fidelity, twin }: Verdict.Fidelity): string =>
  fidelity === null
    ? `${twin}: never compared with its service`
    : `${twin}: ${Math.round(fidelity * 1_000) / 10} % as its service${comparedAt === null ? "" : `, compared ${time(comparedAt)}`}`
