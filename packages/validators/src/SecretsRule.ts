/** `RULE-SECRETS`: no commit of a change brings a secret, not even one that a later commit takes away. */
import * as Validator from "@millwright/core/Validator"
import * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as SecretHistory from "./internal/SecretHistory.ts"
import type * as Rule from "./Rule.ts"
import type * as SecretScan from "./SecretScan.ts"

/**
 * The rule by a scan. Which secrets there are, and what is allowed, is the house's to say: nothing in the change has a say,
 * `gitleaks:allow` neither unless the scan was made so.
 */
export const make = (scan: SecretScan.SecretScan): Rule.Rule<ChildProcessSpawner> => ({
  id: "RULE-SECRETS",
  statement: "No commit of the change brings a secret, neither in what it adds, nor in a name, nor in what it says.",
  judge: Effect.fnUntraced(function* ({ change, repository }) {
    const report = yield* SecretHistory.scan(scan, { repository, base: change.base, head: change.head }).pipe(
      Effect.mapError(
        (cause) =>
          new Validator.ValidatorError({
            reason: "SubjectUnavailable",
            message: `The commits of ${change.branch} can not be looked through for secrets: ${cause.message}`,
            cause
          })
      )
    )
    return judged(report)
  })
})

const judged = (report: SecretHistory.Report): Rule.Judgement => {
  const unread = report.skipped.filter(({ why }) => why === "not-read")
  const problems = [
    ...report.findings.map(problemOf),
    ...unread.map(({ commit, path }): Verdict.Problem => ({
      rule: "not-read",
      message: `Commit ${commit.slice(0, 12)} has a file that can not be looked at: its name has a line break, or it is too large. Look at it by hand.`,
      path,
      line: null
    }))
  ]
  const count = report.findings.length
  return {
    status: count > 0 ? "fail" : unread.length > 0 ? "error" : "pass",
    reason:
      count > 0
        ? `${count} ${count === 1 ? "secret" : "secrets"} in ${report.commits} commits. Revoke what is real, and make the branch again without it`
        : unread.length > 0
          ? `${unread.length} files could not be looked at`
          : "no secret was found in what the commits add, in new names and in messages",
    evidence: [evidence(report)],
    problems
  }
}

const problemOf = (one: SecretHistory.HistoryFinding): Verdict.Problem => ({
  rule: one.rule,
  message: [
    `${one.description.replace(/\.$/, "")} (${one.masked}, ${one.fingerprint.slice(0, 12)}`,
    one.encodings.length === 0 ? "" : `, written in ${one.encodings.join(" in ")}`,
    `) in ${one.place === "message" ? "the message of " : one.place === "name" ? "a file's name in " : ""}commit ${one.commit.slice(0, 12)}`,
    one.isInHead ? "." : ", and in the branch's history still, although a later commit took it away."
  ].join(""),
  path: one.path === "" ? null : one.path,
  line: one.place === "message" ? null : one.line
})

const evidence = (report: SecretHistory.Report): Verdict.Evidence => {
  const count = (why: SecretHistory.Skipped["why"]) => report.skipped.filter((one) => one.why === why).length
  const summary = `${report.commits} commits, ${report.lines} lines looked at; not looked at: ${count("binary")} binary, ${count("allowed-path")} at allowed paths, ${count("submodule")} submodules, ${count("not-read")} that can not be read`
  const content = JSON.stringify(report)
  return Verdict.evidence({ kind: "report", summary, content, excerpt: content.slice(0, 8_000) })
}
