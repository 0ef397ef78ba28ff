/**
 * What is **proved** of the tests that a change brings: that one fails without the change and passes with it (red, then green), and
 * that each of them fails when what was changed is broken. A test that can not fail proves nothing, and no report of a run tells it
 * from one that can.
 *
 * A test counts as failed where its report says so by its name. A file of tests that does not load fails none of them: that is what
 * every broken file does, to a test that checks nothing as well.
 */
import type * as Verdict from "@millwright/core/Verdict"
import type * as TestReport from "../TestReport.ts"

/** The cases of a report. */
export type Cases = Pick<TestReport.TestReport, "cases">

const ran = ({ status }: TestReport.Case) => status !== "skipped" && status !== "todo"
const failed = ({ status }: TestReport.Case) => status === "failed" || status === "error"

/** The cases that a head has and its base has not, by their names. Cases of one name are counted; one that moved is not new. */
export const added = (base: Cases, head: Cases): ReadonlyArray<TestReport.Case> => {
  const before = new Map<string, number>()
  for (const { name } of base.cases) before.set(name, (before.get(name) ?? 0) + 1)
  return head.cases.filter(({ name }) => {
    const left = before.get(name) ?? 0
    if (left > 0) before.set(name, left - 1)
    return left === 0
  })
}

/** The names of the cases that failed. */
export const failures = (report: Cases): ReadonlySet<string> =>
  new Set(report.cases.filter(failed).map(({ name }) => name))

/** What became of the tests of a head where the code under them is that of the base. */
export interface RedThenGreen {
  /** Failed without the change, and pass with it. */
  readonly proved: ReadonlyArray<TestReport.Case>
  /** New, and pass without the change as well: they hold what was so before. */
  readonly green: ReadonlyArray<TestReport.Case>
  /** New, and could not be run without the change: what they load is not there. */
  readonly unloaded: ReadonlyArray<TestReport.Case>
  /** New, and do not pass at the head either, or are left out there. */
  readonly unproved: ReadonlyArray<TestReport.Case>
}

/** Reads three reports: of the base, of the head, and of the head's tests over the base's code. */
export const redThenGreen = (reports: {
  readonly base: Cases
  readonly head: Cases
  readonly parent: Cases
}): RedThenGreen => {
  const fresh = new Set(added(reports.base, reports.head))
  const red = failures(reports.parent)
  const there = new Set(reports.parent.cases.filter(ran).map(({ name }) => name))
  const passing = reports.head.cases.filter(({ status }) => status === "passed")
  const isFresh = (one: TestReport.Case) => fresh.has(one)
  return {
    // A test that was there and was changed proves as much as a new one.
    proved: passing.filter(({ name }) => red.has(name)),
    green: passing.filter((one) => isFresh(one) && there.has(one.name) && !red.has(one.name)),
    unloaded: passing.filter((one) => isFresh(one) && !there.has(one.name)),
    unproved: reports.head.cases.filter((one) => isFresh(one) && one.status !== "passed")
  }
}

/** One broken state of the code, and how the tests ended on it. */
export interface Broken {
  /** What was broken, and where. */
  readonly what: string
  readonly report: Cases
}

/** How a test failed that had to. */
export interface Caught {
  readonly test: TestReport.Case
  readonly by: string
  readonly message: string
}

/** What breaking the code showed. */
export interface BreakFix {
  readonly caught: ReadonlyArray<Caught>
  /** New tests that nothing made fail. */
  readonly dead: ReadonlyArray<TestReport.Case>
  /** What was broken without any test that failed. */
  readonly survived: ReadonlyArray<string>
}

/** The cases of a report by their names. */
const named = ({ cases }: Cases) => Map.groupBy(cases, ({ name }) => name)

/** The failure of a test, where every case that may be it failed: reports name the file of some cases, and of others not. */
const failureOf = (
  { file, name }: TestReport.Case,
  cases: ReadonlyMap<string, ReadonlyArray<TestReport.Case>>
): TestReport.Case | undefined => {
  const same = (cases.get(name) ?? []).filter((one) => one.file === null || file === null || one.file === file)
  return same.every(failed) ? same[0] : undefined
}

/** Which of the new tests failed on which broken state first. */
export const breakFix = (fresh: ReadonlyArray<TestReport.Case>, states: ReadonlyArray<Broken>): BreakFix => {
  const ran = states.map(({ report, what }) => ({ by: what, cases: named(report) }))
  const first = (test: TestReport.Case): Omit<Caught, "test"> | undefined => {
    for (const { by, cases } of ran) {
      const failure = failureOf(test, cases)
      if (failure !== undefined) return { by, message: failure.message }
    }
    return undefined
  }
  const found = fresh.filter(({ status }) => status === "passed").map((test) => ({ test, caught: first(test) }))
  return {
    caught: found.flatMap(({ caught, test }) => (caught === undefined ? [] : [{ test, ...caught }])),
    dead: found.filter(({ caught }) => caught === undefined).map(({ test }) => test),
    survived: states
      .filter(({ report }) => report.cases.length > 0 && failures(report).size === 0)
      .map(({ what }) => what)
  }
}

/** Failures that say that something was wrong, and not what. */
const silent =
  /^(?:\w*(?:Error|Exception|Failure)\b[:\s]*)?(?:assertion failed|assert(?: failed)?|failed|expected (?:true|false) to be (?:true|false|truthy|falsy)|(?:The expression evaluated to a falsy value|false == true|true == false)[\s\S]*)?$/i

/** Whether who reads a failure learns from it what is wrong. */
export const isReadable = (message: string): boolean => !silent.test(message.trim().split("\n")[0] ?? "")

/** A problem with a test. */
export const problem = (rule: string, { file, name }: TestReport.Case, message: string): Verdict.Problem => ({
  rule,
  message: `“${name}” ${message}`,
  path: file,
  line: null
})
