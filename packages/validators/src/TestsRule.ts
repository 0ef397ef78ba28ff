/**
 * The rule `RULE-TESTS`: the repository's own tests, in a fresh checkout, by what they report.
 *
 * - Exit 0 is not enough: a report has to say that at least one test ran and that none failed. No test is an `error`.
 * - A report counts when it was written by this run: what was there before is removed first.
 * - With `compare`, the tests of the base are run as well: no fewer may run at the head, and no more be left out.
 */
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as CheckRun from "./internal/CheckRun.ts"
import * as PlainText from "./internal/PlainText.ts"
import * as TestRun from "./internal/TestRun.ts"
import type * as Rule from "./Rule.ts"
import * as TestReport from "./TestReport.ts"

/** How the tests are run. */
export interface Options extends Omit<TestRun.Command, "report"> {
  /**
   * Where the report is: a file of the checkout, or standard output. `none`: the exit code is all that is known, and not
   * how many tests ran.
   */
  readonly report: TestRun.Command["report"] | "none"
  /** Runs the tests of the base too, and compares. What a base did is kept for its commit as long as this rule. */
  readonly compare?: boolean
}

/** How many did what, in words. */
const counted = (report: TestReport.TestReport): string => {
  const { cases, error, failed, skipped, todo } = TestReport.totals(report)
  const parts = [
    [failed, "failed"],
    [error, "broke"],
    [skipped, "skipped"],
    [todo, "to be written"]
  ] as const
  const told = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  return [PlainText.count(cases, "test"), ...told].join(", ")
}

const problem = (rule: string, one: TestReport.Case, message = one.name): Verdict.Problem => ({
  rule,
  message,
  path: one.file,
  line: null
})

const against = (report: TestReport.TestReport, before: TestReport.TestReport | undefined) => {
  const known = new Set(before?.cases.filter(TestReport.isAgainst).map(({ name }) => name))
  return report.cases.filter(TestReport.isAgainst).map((one) => {
    const rule = one.status === "failed" ? "test-failed" : "test-broke"
    return problem(rule, one, known.has(one.name) ? `${one.name} (at the base as well)` : one.name)
  })
}

/** What is worse than at the base. Under another name a test is another one, but then as many ran. */
const weaker = (base: TestReport.TestReport, head: TestReport.TestReport) => {
  const [before, now] = [TestReport.totals(base), TestReport.totals(head)]
  const { leftOut, missing } = TestReport.weakened(base, head)
  const isFewer = now.executed < before.executed
  const isMoreLeftOut = now.skipped + now.todo > before.skipped + before.todo
  return {
    said: [
      ...(isFewer ? [`${PlainText.count(now.executed, "test")} ran, and ${before.executed} at the base`] : []),
      ...(isMoreLeftOut
        ? [`${now.skipped + now.todo} were left out, and ${before.skipped + before.todo} at the base`]
        : [])
    ],
    problems: [
      ...(isFewer ? missing.map((one) => problem("test-missing", one)) : []),
      ...(isFewer || isMoreLeftOut ? leftOut.map((one) => problem("test-left-out", one)) : [])
    ]
  }
}

const excerptOf = (report: TestReport.TestReport): string =>
  [
    counted(report),
    ...report.warnings.map((warning) => `warning: ${warning}`),
    ...report.cases.filter(TestReport.isAgainst).map(({ message, name, status }) => `${status} ${name}\n${message}`)
  ].join("\n")

/** Makes the rule. */
export const make = (options: Options): Rule.Rule => {
  const bases = new Map<string, TestReport.TestReport | undefined>()

  /** What the base told; nothing where it ended and wrote no report, as one that has no such tests; or why it is not known. */
  const atBase = Effect.fnUntraced(function* (command: TestRun.Command, context: Rule.Context) {
    const key = JSON.stringify([context.repository, context.change.base])
    if (bases.has(key)) return bases.get(key)
    const outcome = yield* TestRun.run(yield* context.base, command)
    const isSilent = outcome.checked.ran.ending._tag === "Exited" && outcome.checked.report === undefined
    if (outcome._tag === "Unknown" && !isSilent) return outcome.why
    const report = outcome._tag === "Reported" ? outcome.report : undefined
    bases.set(key, report)
    return report
  })

  const byCode = Effect.fnUntraced(function* (context: Rule.Context) {
    const checked = yield* CheckRun.run(options, yield* context.head)
    const { name, ran } = checked
    const why = CheckRun.broken(checked)
    return {
      status: why === undefined ? ran.status : "error",
      reason: why ?? `${name} ${ran.said}; it has no report, so nobody knows how many tests ran`,
      evidence: [ran.evidence]
    } satisfies Rule.Judgement
  })

  const byReport = Effect.fnUntraced(function* (command: TestRun.Command, context: Rule.Context) {
    const outcome = yield* TestRun.run(yield* context.head, command)
    const { checked } = outcome
    const { name, ran, report: content } = checked
    if (content !== undefined) yield* CheckRun.keep(content)
    if (outcome._tag === "Unknown") {
      return { status: "error", reason: outcome.why, evidence: [ran.evidence] } satisfies Rule.Judgement
    }
    const { report } = outcome
    const summary = `${name}: ${counted(report)}`
    const told = CheckRun.evidence(content ?? Buffer.of(), { summary, excerpt: excerptOf(report) })
    const evidence = [told, ran.evidence]
    if (TestReport.totals(report).executed === 0) {
      const reason = `${name} ${ran.said}, and no test ran: ${counted(report)}. Name a command that runs them`
      return { status: "error", reason, evidence } satisfies Rule.Judgement
    }
    const before = options.compare === true ? yield* atBase(command, context) : undefined
    if (typeof before === "string") {
      const reason = `${summary}; the tests of the base can not be compared: ${before}`
      return { status: "error", reason, evidence } satisfies Rule.Judgement
    }
    const failed = against(report, before)
    const worse = before === undefined ? { said: [], problems: [] } : weaker(before, report)
    const isWell = failed.length === 0 && ran.status === "pass" && worse.said.length === 0
    const alone = options.compare === true && before === undefined ? ["the base reported no tests to compare with"] : []
    const code = ran.status === "pass" || failed.length > 0 ? [] : [`it ${ran.said}, although no test failed`]
    return {
      status: isWell ? "pass" : "fail",
      reason: [summary, ...code, ...worse.said, ...alone].join("; "),
      evidence,
      problems: CheckRun.listed([...failed, ...worse.problems])
    } satisfies Rule.Judgement
  })
  const { report } = options
  return {
    id: "RULE-TESTS",
    statement: "The tests of the repository run, and none fails.",
    judge: (context) => (report === "none" ? byCode(context) : byReport({ ...options, report }, context))
  }
}
