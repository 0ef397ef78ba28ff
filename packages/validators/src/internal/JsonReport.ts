/** Reads what vitest, jest, mocha and writers of CTRF say about tests, in JSON. */
import * as Schema from "effect/Schema"
import type { Case, TestReport } from "../TestReport.ts"
import * as ReportText from "./ReportText.ts"

const text = Schema.optionalKey(Schema.NullOr(Schema.String))
const loose = Schema.optionalKey(Schema.Unknown)

/** The exchange format of CTRF, as far as it is read. */
export const Ctrf = Schema.Struct({
  results: Schema.Struct({
    summary: Schema.optionalKey(Schema.Struct({ tests: loose, failed: loose })),
    tests: Schema.Array(
      Schema.Struct({
        name: Schema.String,
        status: Schema.Literals(["passed", "failed", "skipped", "pending", "other"]),
        duration: loose,
        message: text,
        filePath: text,
        suite: Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.String, Schema.Array(Schema.String)])))
      })
    )
  })
})

/** What vitest's and jest's `json` reporters write, as far as it is read. */
export const Vitest = Schema.Struct({
  success: Schema.optionalKey(Schema.Boolean),
  testResults: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      status: Schema.String,
      message: text,
      assertionResults: Schema.Array(
        Schema.Struct({
          ancestorTitles: Schema.Array(Schema.String),
          title: Schema.String,
          status: Schema.Literals(["passed", "failed", "skipped", "pending", "todo", "disabled", "focused"]),
          duration: loose,
          failureMessages: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.NullOr(Schema.String))))
        })
      )
    })
  )
})

/** What mocha's `json` reporter writes, as far as it is read. */
export const Mocha = Schema.Struct({
  stats: Schema.Struct({ failures: Schema.optionalKey(Schema.Number) }),
  tests: Schema.Array(
    Schema.Struct({
      title: Schema.String,
      fullTitle: Schema.String,
      file: text,
      duration: loose,
      err: Schema.optionalKey(Schema.Struct({ message: text }))
    })
  ),
  pending: Schema.optionalKey(Schema.Array(Schema.Struct({ fullTitle: Schema.String, file: text }))),
  failures: Schema.optionalKey(Schema.Array(Schema.Struct({ fullTitle: Schema.String, file: text })))
})

/** A case that nothing but a sum speaks of. */
const counted = (message: string): Case => ({
  name: "outside of the cases",
  file: null,
  status: "error",
  duration: null,
  message
})

/** Reads CTRF. */
export const ctrf = ({ results }: typeof Ctrf.Type, place: ReportText.Place): TestReport => {
  const status = { passed: "passed", failed: "failed", skipped: "skipped", pending: "todo", other: "error" } as const
  const cases = results.tests.map((test): Case => {
    const suites = typeof test.suite === "string" ? [test.suite] : (test.suite ?? [])
    return {
      name: ReportText.name([...suites, test.name].join(" > "), place),
      file: ReportText.path(test.filePath ?? undefined, place),
      status: status[test.status],
      duration: ReportText.milliseconds(test.duration),
      message: ReportText.message(test.message ?? "", place)
    }
  })
  const failed = Number(results.summary?.failed ?? 0) - cases.filter((one) => one.status === "failed").length
  const tests = Number(results.summary?.tests ?? cases.length)
  return {
    format: "ctrf",
    cases: failed > 0 ? [...cases, counted(`The summary speaks of ${failed} more that failed.`)] : cases,
    warnings: tests === cases.length ? [] : [`the summary speaks of ${tests} tests, and there are ${cases.length}`]
  }
}

/** Reads vitest's and jest's. A file that failed and has no case that did could not be loaded, or broke outside of a case. */
export const vitest = ({ success, testResults }: typeof Vitest.Type, place: ReportText.Place): TestReport => {
  const status = {
    passed: "passed",
    failed: "failed",
    skipped: "skipped",
    pending: "skipped",
    disabled: "skipped",
    focused: "passed",
    todo: "todo"
  } as const
  const cases = testResults.flatMap((file): ReadonlyArray<Case> => {
    const path = ReportText.path(file.name, place)
    const own = file.assertionResults.map((one): Case => ({
      name: ReportText.name([...one.ancestorTitles, one.title].join(" > "), place),
      file: path,
      status: status[one.status],
      duration: ReportText.milliseconds(one.duration),
      message: ReportText.message(one.failureMessages?.find((text) => text !== null) ?? "", place)
    }))
    if (file.status !== "failed" || own.some((one) => one.status === "failed")) return own
    const message = ReportText.message(file.message ?? "", place)
    return [
      ...own,
      { ...counted(message), name: ReportText.name(`${file.name}: outside of its cases`, place), file: path }
    ]
  })
  const isToldOf = cases.some((one) => one.status === "failed" || one.status === "error")
  return {
    format: "vitest",
    cases: success === false && !isToldOf ? [...cases, counted("It says that it failed, and no case did.")] : cases,
    warnings: []
  }
}

/** Reads mocha's. A hook that failed is among the failures and not among the tests. */
export const mocha = (report: typeof Mocha.Type, place: ReportText.Place): TestReport => {
  const key = ({ file, fullTitle }: { readonly fullTitle: string; readonly file?: string | null }) =>
    JSON.stringify([file ?? null, fullTitle])
  const pending = new Set((report.pending ?? []).map(key))
  const failed = new Set((report.failures ?? []).map(key))
  const known = new Set(report.tests.map(key))
  const cases = report.tests.map((test): Case => {
    const hasFailed = failed.has(key(test)) || typeof test.err?.message === "string"
    return {
      name: ReportText.name(test.fullTitle, place),
      file: ReportText.path(test.file ?? undefined, place),
      status: hasFailed ? "failed" : pending.has(key(test)) ? "skipped" : "passed",
      duration: ReportText.milliseconds(test.duration),
      message: ReportText.message(test.err?.message ?? "", place)
    }
  })
  const hooks = (report.failures ?? [])
    .filter((one) => !known.has(key(one)))
    .map((one): Case => ({
      ...counted(""),
      name: ReportText.name(one.fullTitle, place),
      file: ReportText.path(one.file ?? undefined, place)
    }))
  return { format: "mocha", cases: [...cases, ...hooks], warnings: [] }
}
