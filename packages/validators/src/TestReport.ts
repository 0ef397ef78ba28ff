/**
 * A **test report**: what the tests of a repository did, as one model, whatever program ran them and however it said so.
 * Suites are flattened into the names of their cases.
 */
import * as Schema from "effect/Schema"

/** What became of a case. `error`: it did not come to a judgement, such as a file that could not be loaded. */
export const Status = Schema.Literals(["passed", "failed", "error", "skipped", "todo"])
/** What became of a case. */
export type Status = typeof Status.Type

/** One test. */
export const Case = Schema.Struct({
  /** With the suites around it: `sum > adds`. Two cases may have the same. */
  name: Schema.String,
  /** A path of the repository, where the report names one. */
  file: Schema.NullOr(Schema.String),
  status: Status,
  /** In milliseconds, where the report says so. */
  duration: Schema.NullOr(Schema.Finite),
  /** Why it failed or was left out; bounded. */
  message: Schema.String
})
/** One test. */
export type Case = typeof Case.Type

/** What the tests of a repository did. */
export const TestReport = Schema.Struct({
  format: Schema.Literals(["junit", "tap", "ctrf", "vitest", "mocha"]),
  cases: Schema.Array(Case),
  /** What the report says about itself and does not hold, in a fixed order. */
  warnings: Schema.Array(Schema.String)
})
/** What the tests of a repository did. */
export type TestReport = typeof TestReport.Type

/** How many cases there are of each kind. */
export interface Totals extends Readonly<Record<Status, number>> {
  /** All of them. */
  readonly cases: number
  /** Those that ran: neither skipped nor still to be written. */
  readonly executed: number
}

/** How many cases there are of each kind. */
export const totals = ({ cases }: Pick<TestReport, "cases">): Totals => {
  const count: Record<Status, number> = { passed: 0, failed: 0, error: 0, skipped: 0, todo: 0 }
  for (const { status } of cases) count[status]++
  return { ...count, cases: cases.length, executed: count.passed + count.failed + count.error }
}

/** Whether a case speaks against the change. */
export const isAgainst = ({ status }: Case): boolean => status === "failed" || status === "error"

/** What became worse from one report to another one. */
export interface Weakened {
  /** Cases that ran before and are no more, under their names. One that moved to another file is still there. */
  readonly missing: ReadonlyArray<Case>
  /** Cases that ran before and are left out now. */
  readonly leftOut: ReadonlyArray<Case>
}

const isRun = ({ status }: Case) => status !== "skipped" && status !== "todo"

/**
 * Compares the tests of a base with those of a head, case by case: what ran at the base has to run at the head. Cases of one
 * name are counted.
 */
export const weakened = (base: Pick<TestReport, "cases">, head: Pick<TestReport, "cases">): Weakened => {
  const run = new Map<string, number>()
  const leftOut = new Map<string, Array<Case>>()
  for (const one of head.cases) {
    if (isRun(one)) run.set(one.name, (run.get(one.name) ?? 0) + 1)
    else {
      const others = leftOut.get(one.name)
      if (others === undefined) leftOut.set(one.name, [one])
      else others.push(one)
    }
  }
  const result = { missing: Array<Case>(), leftOut: Array<Case>() }
  for (const one of base.cases.filter(isRun)) {
    const there = run.get(one.name) ?? 0
    if (there > 0) {
      run.set(one.name, there - 1)
      continue
    }
    const now = leftOut.get(one.name)?.pop()
    if (now === undefined) result.missing.push(one)
    else result.leftOut.push(now)
  }
  return result
}
