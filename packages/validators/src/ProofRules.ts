/**
 * Two **rules** about the tests of a change, which runs of its tests decide and nobody's word:
 *
 * - `RULE-RED-GREEN`: at least one test fails on the code of the base and passes at the head. New tests that pass on both are named;
 *   that is right for one that holds what shall stay as it is.
 * - `RULE-BREAK-FIX`: each new test fails when what was changed is broken: on the code of the base, or with a hunk taken back or a sign
 *   swapped where the change touched it; and its failure says what is wrong.
 *
 * ```ts
 * import * as ProofRules from "@millwright/validators/ProofRules"
 *
 * const { breakFix, redGreen } = ProofRules.make({ tests: { run: "node --test --test-reporter=tap", report: "output" } })
 * ```
 */
import * as Validator from "@millwright/core/Validator"
import type * as Verdict from "@millwright/core/Verdict"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Checkout from "./Checkout.ts"
import * as CheatView from "./internal/CheatView.ts"
import * as CheckRun from "./internal/CheckRun.ts"
import * as PlainText from "./internal/PlainText.ts"
import * as GitFiles from "./internal/GitFiles.ts"
import * as Overlay from "./internal/Overlay.ts"
import * as TestRun from "./internal/TestRun.ts"
import * as Mutant from "./internal/Mutant.ts"
import type * as Rule from "./Rule.ts"
import * as TestProof from "./internal/TestProof.ts"

/** How the tests are proved. */
export interface Options {
  /** How they are run, and where their report is: on the output of the command, or in a file that it writes. */
  readonly tests: TestRun.Command
  /** Which paths are tests, and what tests need, such as fixtures. Default: the usual names and folders. */
  readonly isTest?: (path: string) => boolean
  /** A change without a test that it proves fails, instead of being skipped. Default: false. */
  readonly demand?: boolean
  /** The most broken states of the code that are tried. Default: 20. */
  readonly most?: number
  /** The longest that they may take together. What does not end in five times the time of the head, and 10 seconds, says nothing. Default: 15 minutes. */
  readonly within?: Duration.Input
}

/** What tests are made of, by the usual names and folders. */
const isOfTests = (path: string): boolean => ["test", "support", "snapshot"].includes(CheatView.roleOf(path))

type Reports = Pick<Rule.Context, "base" | "head" | "change" | "repository">
type Judged<R = never> = Effect.Effect<Rule.Judgement, Validator.ValidatorError | Checkout.NotPrepared, R>

const judgement = (
  status: Verdict.Status,
  options: { readonly reason: string; readonly proof: unknown; readonly problems: ReadonlyArray<Verdict.Problem> }
): Rule.Judgement => ({
  status,
  reason: options.reason,
  evidence: [
    CheckRun.evidence(Buffer.from(JSON.stringify(options.proof, undefined, 2)), {
      summary: "what the tests did",
      excerpt: options.problems.map(({ message }) => message).join("\n")
    })
  ],
  problems: CheckRun.listed(options.problems)
})

const nothing = (demand: boolean): Rule.Judgement => ({
  status: demand ? "fail" : "skipped",
  reason: demand
    ? "the change brings no test, and one is demanded. Add one that fails without it"
    : "the change brings no test",
  evidence: []
})

/** What nobody runs, and no test can fail on. */
const isProse = (path: string): boolean => /\.(?:md|mdx|rst|adoc)$|(?:^|\/)(?:LICENSE|CHANGELOG)[^/]*$/i.test(path)

const alone: Rule.Judgement = {
  status: "skipped",
  reason: "the change has tests alone: there is no code that they could fail without",
  evidence: []
}

type Timed = TestRun.Ran & {
  /** In milliseconds. */
  readonly took: number
}
type Unknown = Extract<TestRun.Ran, { readonly _tag: "Unknown" }>

const unknown = ({ checked, why }: Unknown, where: string): Rule.Judgement => ({
  status: "error",
  reason: `nobody knows what the tests do ${where}: ${why}`,
  evidence: [checked.ran.evidence]
})

/** Whether a run came to no end of its own. One that ended without a report is of tests that do not load. */
const isUnended = ({ checked }: TestRun.Ran): boolean => checked.ran.ending._tag !== "Exited"

/** The largest file that is laid over another, or broken, in bytes. */
const largest = 2_000_000

const read = (repository: string, asked: { readonly commit: string; readonly paths: ReadonlyArray<string> }) =>
  Effect.mapError(
    GitFiles.read(repository, { ...asked, most: largest }),
    (cause) =>
      new Validator.ValidatorError({
        reason: "SubjectUnavailable",
        message: `The files of the change can not be read: ${cause.message}`,
        cause
      })
  )

/** The two rules, which share their runs of the tests. */
export const make = (
  options: Options
): {
  readonly redGreen: Rule.Rule<ChildProcessSpawner>
  readonly breakFix: Rule.Rule<ChildProcessSpawner>
} => {
  const { demand = false, isTest = isOfTests, most = 20, tests } = options
  const within = Duration.toMillis(Duration.fromInputUnsafe(options.within ?? "15 minutes"))
  // The checkouts are the same for both rules.
  const known = { plain: new WeakMap<Checkout.Checkout, Timed>(), parent: new WeakMap<Checkout.Checkout, Timed>() }
  const once = Effect.fnUntraced(function* <E, R>(
    runs: WeakMap<Checkout.Checkout, Timed>,
    checkout: Checkout.Checkout,
    run: Effect.Effect<TestRun.Ran, E, R>
  ) {
    const before = runs.get(checkout)
    if (before !== undefined) return before
    const started = yield* Clock.currentTimeMillis
    const ran = yield* run
    const timed: Timed = { ...ran, took: (yield* Clock.currentTimeMillis) - started }
    runs.set(checkout, timed)
    return timed
  })
  const plain = (checkout: Checkout.Checkout) => once(known.plain, checkout, TestRun.run(checkout, tests))

  const longestRun = Duration.toMillis(Duration.fromInputUnsafe(tests.timeout ?? "10 minutes"))
  const isAlone = ({ change }: Reports) => change.files.every(({ path }) => isTest(path) || isProse(path))

  /** The head's tests over the base's code. */
  const parent = Effect.fnUntraced(function* ({ base, change, repository }: Reports) {
    const paths = change.files
      .flatMap(({ path, previousPath = path }) => [path, previousPath])
      .filter((path) => isTest(path))
    const after = yield* read(repository, { commit: change.head, paths })
    const large = paths.find((path) => after.has(path) && after.get(path)?.bytes === undefined)
    if (large !== undefined) {
      return yield* new Validator.ValidatorError({
        reason: "SubjectUnavailable",
        message: `${large} is too large to be laid over the code of the base. Take it apart, or say with \`isTest\` that it is none.`
      })
    }
    const checkout = yield* base
    const files = new Map(paths.map((path) => [path, after.get(path)] as const))
    return yield* once(known.parent, checkout, Overlay.within(checkout, files)(TestRun.run(checkout, tests)))
  })

  const redGreen = (context: Reports): Judged<ChildProcessSpawner> =>
    Effect.gen(function* () {
      if (!context.change.files.some(({ path }) => isTest(path))) return nothing(demand)
      if (isAlone(context)) return alone
      const reports = { base: yield* plain(yield* context.base), head: yield* plain(yield* context.head) }
      if (reports.head._tag === "Unknown") return unknown(reports.head, "at the head")
      // A base without any test has no report.
      const base = reports.base._tag === "Unknown" ? { cases: [] } : reports.base.report
      const over = yield* parent(context)
      if (over._tag === "Unknown" && isUnended(over)) return unknown(over, "on the code of the base")
      const proof = TestProof.redThenGreen({
        base,
        head: reports.head.report,
        parent: over._tag === "Unknown" ? { cases: [] } : over.report
      })
      const { green, proved, unloaded, unproved } = proof
      const problems = [
        ...unproved.map((one) => TestProof.problem("test-not-green", one, `is ${one.status} at the head`)),
        ...(proved.length + unloaded.length > 0
          ? []
          : green.map((one) => TestProof.problem("test-never-red", one, "passes without the change as well")))
      ]
      if (unproved.length > 0) {
        return judgement("fail", {
          proof,
          problems,
          reason: `${PlainText.count(unproved.length, "new test")} did not pass at the head`
        })
      }
      if (proved.length + unloaded.length === 0) {
        if (green.length === 0) return nothing(demand)
        const reason =
          "no test fails without the change: what is new passes on the base as well. Add one that shows what was wrong"
        return judgement("fail", { proof, problems, reason })
      }
      const also = green.length === 0 ? "" : `; ${PlainText.count(green.length, "new test")} passed without it as well`
      const late = unloaded.length === 0 ? "" : `, ${unloaded.length} of them since what they load was not there`
      const reason = `${PlainText.count(proved.length + unloaded.length, "test")} failed without the change${late}, and passed with it${also}`
      return judgement("pass", { proof, problems, reason })
    })

  const files = Effect.fnUntraced(function* ({ change, repository }: Reports) {
    const code = change.files.filter(({ path, status }) => status !== "deleted" && !isTest(path) && !isProse(path))
    const now = code.map(({ path }) => path)
    const then = code.map(({ path, previousPath = path }) => previousPath)
    const after = yield* read(repository, { commit: change.head, paths: now })
    const before = yield* read(repository, { commit: change.base, paths: then })
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
    return code.flatMap(({ path, previousPath = path }) => {
      const [{ bytes: now, mode = "" } = {}, then] = [after.get(path), before.get(previousPath)?.bytes]
      // What is binary has no lines to break, and a link is no text.
      if (!mode.startsWith("100") || now === undefined || now.includes(0) || then?.includes(0) === true) return []
      return [{ path, mode, after: text(now), ...(then !== undefined && { before: text(then) }) }]
    })
  })

  const breakFix = (context: Reports): Judged<ChildProcessSpawner> =>
    Effect.gen(function* () {
      if (!context.change.files.some(({ path }) => isTest(path))) return nothing(demand)
      if (isAlone(context)) return alone
      const started = yield* Clock.currentTimeMillis
      const checkout = yield* context.head
      const [base, head] = [yield* plain(yield* context.base), yield* plain(checkout)]
      if (head._tag === "Unknown") return unknown(head, "at the head")
      const fresh = TestProof.added(base._tag === "Unknown" ? { cases: [] } : base.report, head.report)
      if (fresh.length === 0) return nothing(demand)
      const over = yield* parent(context)
      const states: Array<TestProof.Broken> =
        over._tag === "Unknown" ? [] : [{ what: "the code of the base", report: over.report }]
      const code = yield* files(context)
      const mutants = Mutant.ofChange(code, most)
      let tried = 0
      for (const { line, path, text, what } of mutants) {
        if (TestProof.breakFix(fresh, states).dead.length === 0) break
        const left = within - ((yield* Clock.currentTimeMillis) - started)
        if (left <= 0) break
        const mode = code.find((file) => file.path === path)?.mode ?? "100644"
        const files = new Map([[path, { mode, bytes: Buffer.from(text) }]])
        // One that makes the code loop does not hold up the others.
        const timeout = Math.min(longestRun, left, head.took * 5 + 10_000)
        const broken = yield* Overlay.within(checkout, files)(TestRun.run(checkout, { ...tests, timeout }))
        tried++
        if (broken._tag === "Reported") states.push({ what: `${path}:${line}: ${what}`, report: broken.report })
      }
      return audited(TestProof.breakFix(fresh, states), { tried, left: mutants.length - tried })
    })

  return {
    redGreen: {
      id: "RULE-RED-GREEN",
      statement: "A test of the change fails without it, and passes with it.",
      judge: redGreen
    },
    breakFix: {
      id: "RULE-BREAK-FIX",
      statement: "Each new test fails when what was changed is broken, and says what is wrong then.",
      judge: breakFix
    }
  }
}

const audited = (found: TestProof.BreakFix, { left, tried }: { readonly tried: number; readonly left: number }) => {
  const { caught, dead } = found
  const unreadable = caught.filter(({ message }) => !TestProof.isReadable(message))
  const problems = [
    ...dead.map((test) => TestProof.problem("dead-test", test, "passes whatever of the change is broken")),
    ...unreadable.map(({ by, test }) =>
      TestProof.problem("unreadable-failure", test, `fails on a broken state (${by}) and does not say what is wrong`)
    )
  ]
  const proof = { ...found, tried }
  if (dead.length > 0 && left > 0) {
    const reason = `${PlainText.count(dead.length, "new test")} did not fail on ${tried} broken states, and there was no time for ${left} more`
    return judgement("blocked", { proof, problems, reason })
  }
  if (problems.length > 0) {
    const reason = [
      dead.length === 0
        ? ""
        : `${PlainText.count(dead.length, "new test")} can not fail: nothing that was broken made ${dead.length === 1 ? "it" : "them"}`,
      unreadable.length === 0 ? "" : `${PlainText.count(unreadable.length, "new test")} did not say what is wrong`
    ]
    return judgement("fail", { proof, problems, reason: reason.filter((part) => part !== "").join("; ") })
  }
  return judgement("pass", {
    proof,
    problems,
    reason: `each of ${PlainText.count(caught.length, "new test")} failed when the change was broken`
  })
}
