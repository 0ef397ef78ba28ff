/**
 * The **user-testing validator**: judges what was built by using it, as a black box. It gets the contract and where the app is,
 * and nothing of the change but the id of the commit, which names its recordings.
 *
 * Each assertion that is met at a surface (`ui`, `api`, `cli`) is tested in a session of its own. Every finding names the steps that
 * lead to it, and its evidence is kept in the {@link EvidenceStore}: the recording, what was to be seen at last, a picture.
 *
 * - What comes of the steps decides, and not what a planner says: see {@link Recording.judge}.
 * - An app that does not start, or does not answer, is `blocked` for all of its assertions, with one reason and the end of its log.
 * - What tests broke is an `error`. So is a tester that could reach the source: see {@link Options.unenforced}.
 */
import type * as Contract from "@millwright/core/Contract"
import * as Validator from "@millwright/core/Validator"
import type * as Verdict from "@millwright/core/Verdict"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { EvidenceStore } from "./EvidenceStore.ts"
import * as Report from "./internal/Report.ts"
import * as Scenario from "./internal/Scenario.ts"
import type { Brief, Planner } from "./Planner.ts"
import * as Recording from "./Recording.ts"
import type * as Surface from "./Surface.ts"
import type { AppError, Running, TestedApp } from "./TestedApp.ts"

/** What is tested, and the surface that it is met at. */
export interface Tested<R = never> {
  readonly surface: Surface.Surface["Service"]
  readonly app: TestedApp<R>
}

/** How far one assertion is tested. */
export interface Budget {
  /** Default 100, at most 1,000. */
  readonly steps?: number
  /** Default 3 minutes. */
  readonly time?: Duration.Input
}

/** How assertions are tested. */
export interface Options<R = never> {
  /** One for each kind of assertion that can be tested. */
  readonly apps: readonly [Tested<R>, ...ReadonlyArray<Tested<R>>]
  readonly planner: Planner["Service"]
  readonly budget?: Budget
  /** How many assertions of an app that has nothing to reset are tested at once. Default 2. */
  readonly concurrency?: number
  /**
   * Why the tester may run where nothing keeps the source from it: every finding says so. Left out: it does not run there, and what it
   * should have tested is an `error`.
   */
  readonly unenforced?: string
}

/** What is tested, without the change that it came from. */
interface Subject {
  readonly contract: Contract.Contract
  readonly head: string
}

/** An assertion that can be met at a surface. */
type Testable = Contract.Assertion & { readonly kind: Contract.Kind }

/** Makes the validator. Throws a `TypeError` where two apps are for one kind of assertion. */
export const make = <R = never>(options: Options<R>): Validator.Validator<R | EvidenceStore> => {
  const kinds = options.apps.map(({ surface }) => surface.kind)
  const twice = kinds.find((kind, at) => kinds.indexOf(kind) !== at)
  if (twice !== undefined) {
    throw new TypeError(
      `Two apps are for assertions of ${twice}. Give one, or make a validator for each and combine their verdicts.`
    )
  }
  return Validator.make<R | EvidenceStore>({
    name: "user-testing",
    // The change stays here: nothing below can be given it.
    findings: ({ change, contract }) => findings(options, { contract, head: change.head })
  })
}

const findings = Effect.fnUntraced(function* <R>(options: Options<R>, subject: Subject) {
  const testable = subject.contract.assertions.flatMap((assertion): ReadonlyArray<Testable> => {
    const { kind } = assertion
    return kind === undefined || kind === "artifact" ? [] : [{ ...assertion, kind }]
  })
  const without = testable
    .filter(({ kind }) => !options.apps.some(({ surface }) => surface.kind === kind))
    .map(({ id, kind }) =>
      Report.none({ assertion: id, status: "blocked", reason: `No surface for ${kind} was given` })
    )
  const judged = yield* Effect.forEach(options.apps, (tested) => {
    const assertions = testable.filter(({ kind }) => kind === tested.surface.kind)
    return assertions.length === 0 ? Effect.succeed([]) : group(options, tested, { ...subject, assertions })
  })
  return [...judged.flat(), ...without]
})

interface Group extends Subject {
  readonly assertions: ReadonlyArray<Testable>
}

const group = <R>(options: Options<R>, { app, surface }: Tested<R>, { assertions, ...subject }: Group) => {
  const all = (finding: Omit<Verdict.Finding, "assertion">) =>
    assertions.map(({ id }) => ({ ...finding, assertion: id }))
  const open = [options.planner, surface].filter(({ noSource }) => noSource !== true).map(({ name }) => name)
  if (open.length > 0 && options.unenforced === undefined) {
    return Effect.succeed(
      all({
        status: "error",
        reason:
          `Not tested: nothing keeps the source from ${open.join(" and ")}. Run it in a sandbox that NoSource opened, or say in ` +
          `\`unenforced\` why it may run without`,
        evidence: []
      })
    )
  }
  const caveat = open.length > 0 ? `Nothing kept the source from ${open.join(" and ")}: ${options.unenforced}` : ""
  return Effect.gen(function* () {
    const running = yield* app.start
    return yield* Effect.forEach(
      assertions,
      (assertion) => one({ options, surface, running, log: app.log }, assertion, subject),
      { concurrency: running.reset === null ? (options.concurrency ?? 2) : 1 }
    )
  }).pipe(
    Effect.scoped,
    Effect.catch((error: AppError) =>
      Effect.flatMap(app.log, (log) =>
        Effect.map(Report.ofLog(log), (evidence) => all({ status: "blocked", reason: error.message, evidence }))
      )
    ),
    Effect.map((found) => found.map((finding) => ({ ...finding, reason: Report.sentences(finding.reason, caveat) })))
  )
}

interface At<R> {
  readonly options: Options<R>
  readonly surface: Surface.Surface["Service"]
  readonly running: Running
  readonly log: Effect.Effect<string>
}

const one = <R>({ log, options, running, surface }: At<R>, assertion: Testable, { contract, head }: Subject) =>
  Effect.gen(function* () {
    const reset = running.reset ?? Effect.void
    const ready = yield* Effect.result(reset)
    if (Result.isFailure(ready)) {
      const { message, reason } = ready.failure
      const status = reason === "ResetFailed" ? "error" : "blocked"
      return Report.none({ assertion: assertion.id, status, reason: message })
    }
    const { app } = running
    const brief: Brief = {
      assertion: assertion.id,
      statement: assertion.statement,
      kind: surface.kind,
      address: app.address
    }
    const { planner } = options
    const { last, ...course } = yield* Scenario.run({
      surface,
      app,
      planner,
      brief,
      reset,
      budget: budgetOf(options.budget)
    })
    const { reason, status } = Recording.judge(course)
    const recording: Recording.Recording = {
      version: 1,
      contract: contract.digest,
      assertion: assertion.id,
      kind: surface.kind,
      head,
      surface: surface.name,
      planner: planner.name,
      ...course,
      troubles: Report.troubles(last),
      status
    }
    const kept = yield* Report.evidence(recording, last)
    // What an app that is gone said last.
    const evidence = course.ending._tag === "Gone" ? [...kept, ...(yield* Report.ofLog(yield* log))] : kept
    return { assertion: assertion.id, status, reason: Report.sentences(reason, Report.steps(recording)), evidence }
  }).pipe(Effect.catch((error) => Effect.succeed(Report.unkept(assertion.id, error))))

/** The budget, with what nobody said. */
export const budgetOf = ({ steps = 100, time = Duration.minutes(3) }: Budget = {}): Scenario.Scenario["budget"] => ({
  steps: Math.min(Math.max(0, Math.floor(steps)), Recording.mostSteps),
  time: Duration.toMillis(Duration.fromInputUnsafe(time))
})
