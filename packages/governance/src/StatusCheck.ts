/**
 * A policy as a **required status check**: whether what a head has and its base has not may go out, with an exit code, a text for
 * people and a SARIF file for a forge.
 *
 * Everything that decides comes from the base: the policy (`Policy.atBase`), the roster, and, run as the guide `policy` says, this
 * program. The head is only read, as objects of git. The program is `millwright-policy`.
 */
import * as ChangeFacts from "@millwright/core/ChangeFacts"
import * as Clearance from "@millwright/core/Clearance"
import type * as Git from "@millwright/core/Git"
import * as Policy from "@millwright/core/Policy"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import * as PolicySarif from "./internal/PolicySarif.ts"
import * as Provenance from "./Provenance.ts"
import * as Roster from "./Roster.ts"
import * as RosterFile from "./RosterFile.ts"

/** What whoever calls vouches for: a forge for approvals and CI, the journal for verdicts and trust. */
export const Known = Schema.Struct({
  approvals: Schema.optionalKey(Schema.Array(Clearance.Approval)),
  verdicts: Schema.optionalKey(Schema.Array(Clearance.Passed)),
  ci: Clearance.State.fields.ci,
  trust: Clearance.State.fields.trust,
  /** Names that made the change, beside those that its commits have. */
  authors: Schema.optionalKey(Schema.Array(Schema.String))
})
/** What whoever calls vouches for. */
export type Known = typeof Known.Type

/** What is checked. `path` names the policy in the base. */
export interface Options {
  readonly base: string
  readonly head: string
  readonly path?: string
  readonly known?: Known
}

/** What a check found. */
export interface Report {
  readonly facts: ChangeFacts.ReadFacts
  /** The file of the base that decided; none where it has none, and `Policy.careful` holds. */
  readonly policy: string | undefined
  readonly decision: Policy.Decision
  /** What an approval has to name, beside the head. */
  readonly digest: string
  readonly ruling: Clearance.Ruling
  /** 0 it may go out, 1 it may not. */
  readonly exitCode: 0 | 1
}

/** Checks. Nothing of the head is run, and nothing that it says of itself lowers what is asked. */
export const check = Effect.fnUntraced(function* (
  dir: string,
  { base, head, known = {}, path }: Options
): Effect.fn.Return<Report, Git.GitError | Policy.PolicyError | RosterFile.RosterError, ChildProcessSpawner> {
  const at = yield* Policy.atBase(dir, { base, ...(path === undefined ? {} : { path }) })
  const facts = yield* ChangeFacts.read(dir, { base: at.commit, head })
  const decision = Policy.classify(at.policy, facts)
  const made = yield* makers(dir, facts)
  const state: Clearance.State = {
    approvals: [],
    verdicts: [],
    ...known,
    head: facts.head,
    people: at.people,
    authors: [...made.authors, ...(known.authors ?? [])],
    isHumanSigned: made.isHumanSigned
  }
  const ruling = Clearance.rule({ decision, setting: at.clearance, state })
  return {
    facts,
    policy: at.path,
    decision,
    digest: Policy.digest(decision),
    ruling,
    exitCode: ruling._tag === "Ships" ? 0 : 1
  }
})

/** Who made the change: whoever its commits name, however badly it is proven, and whether humans signed all of them. */
const makers = Effect.fnUntraced(function* (dir: string, { base, head }: ChangeFacts.ReadFacts) {
  const roster = yield* Effect.catchIf(
    RosterFile.atBase(dir, { base }),
    ({ reason }) => reason === "Missing",
    () => Effect.succeed(Roster.empty)
  )
  const range = yield* Provenance.verify(dir, { base, head, roster })
  const standings = range.commits.map(({ standing }) => standing)
  const isWhole = !range.truncated && range.cut.length === 0 && standings.length > 0
  return {
    authors: standings.flatMap((standing) => [
      ...("member" in standing && standing.member !== null ? [standing.member] : []),
      ...(standing.claims.human === null ? [] : [standing.claims.human]),
      standing.claims.author.name,
      standing.claims.committer.name
    ]),
    isHumanSigned: isWhole && standings.every(({ _tag }) => _tag === "HumanSigned")
  }
})

/** What people read: the decision, what decided it, and how each thing that is missing is mended. */
export const text = (report: Report): string => {
  const { decision, digest, facts, policy, ruling } = report
  const { reviewers, roles } = Policy.needs(decision)
  const asked = reviewers === 0 ? "" : `, ${reviewers} human(s)${roles.length === 0 ? "" : `: ${roles.join(", ")}`}`
  const reasons = (decision.reasons ?? []).filter((reason) => reason.class !== "AutoShip").slice(0, 20)
  return [
    `${ruling._tag === "Ships" ? "May go out" : "May not go out"}: ${decision._tag} by the rule "${plain(decision.rule)}"${asked}`,
    `Judged by ${policy === undefined ? "the preset `careful`" : plain(policy)} of ${facts.base.slice(0, 12)}; ${facts.files.length} file(s) at ${facts.head.slice(0, 12)}`,
    ...reasons.map(
      ({ class: asks, paths, rule }) =>
        `- ${asks}: ${plain(rule)}${paths.length === 0 ? "" : ` (${paths.slice(0, 5).map(plain).join(", ")}${paths.length > 5 ? ", …" : ""})`}`
    ),
    ...(ruling._tag === "Ships"
      ? ruling.approvedBy.length === 0
        ? []
        : [`Approved by ${ruling.approvedBy.map(plain).join(", ")}`]
      : ["What is missing:", ...ruling.holds.map(({ message, why }) => `- ${why}: ${plain(message)}`)]),
    ...(ruling._tag === "Waits" ? [`An approval names the head ${facts.head} and the decision ${digest}.`] : [])
  ].join("\n")
}

/** What came from a change as it may stand in a terminal: on one line, and nothing that a terminal obeys or nobody sees. */
const plain = (told: string): string =>
  told.replaceAll(
    /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu,
    (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`
  )

/** The check as a log of SARIF 2.1.0, which forges show beside the lines. */
export const sarif = (report: Report): PolicySarif.Log => PolicySarif.make(report)
