/**
 * A **judge** that uses what was built: it goes through a scenario at a surface, as a tester does, and sees what comes of it.
 *
 * - A scenario with steps is gone through as they say, without a model. All of its criteria hold where all that the steps expect is so;
 *   where something is not so, none does.
 * - One without steps is given to the `planner`, such as `roles/Tester`: each criterion and each anti-pattern by itself, with the story.
 * - A pass is satisfied and a `fail` is not, as {@link Recording.judge} decides. What is `blocked` or an `error` there is an error of the
 *   trial: an app that does not answer, a step that can not be done, a budget that is spent.
 *
 * The app sees what is done to it, and authors wrote it. Start it from a sandbox that is gone afterwards, with no way out of it, and
 * show its log to nobody who is an author.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as ScenarioRun from "./internal/Scenario.ts"
import * as Judge from "./Judge.ts"
import * as Planner from "./Planner.ts"
import * as Recording from "./Recording.ts"
import type * as Scenario from "./Scenario.ts"
import type * as Surface from "./Surface.ts"
import type { AppError, Running, TestedApp } from "./TestedApp.ts"

/** What is tried, and the surface that it is met at. */
export interface Met<R = never> {
  readonly surface: Surface.Surface["Service"]
  /** The app as the change has it. */
  readonly app: TestedApp<R>
}

/** How scenarios are tried. */
export interface Options<R = never> {
  /** One for each kind of scenario. A scenario that does not say its kind is met at the first. */
  readonly apps: readonly [Met<R>, ...ReadonlyArray<Met<R>>]
  /** Thinks of the steps of scenarios that have none. Left out: those can not be tried. */
  readonly planner?: Planner.Planner["Service"]
  /** How far one scenario, or one criterion of one without steps, is tried: at most 1,000 steps (default 100), and 3 minutes. */
  readonly steps?: number
  readonly time?: Duration.Input
}

const unavailable = ({ message }: Pick<AppError, "message">) =>
  new Judge.JudgeError({ reason: "SubjectUnavailable", message })

/** Makes the judge. */
export const make = <R = never>({
  apps,
  planner,
  steps = 100,
  time = "3 minutes"
}: Options<R>): Judge.Judge<Exclude<R, Scope.Scope>> => {
  const budget = {
    steps: Math.min(Math.max(0, Math.floor(steps)), Recording.mostSteps),
    time: Duration.toMillis(Duration.fromInputUnsafe(time))
  }

  const tried = (
    met: Met<R>,
    running: Running,
    { by, statement }: { readonly by: Planner.Planner["Service"]; readonly statement: string }
  ) =>
    Effect.gen(function* () {
      const reset = running.reset ?? Effect.void
      yield* reset
      const { app } = running
      const brief = { assertion, statement, kind: met.surface.kind, address: app.address }
      const course = yield* ScenarioRun.run({ surface: met.surface, app, planner: by, brief, budget, reset })
      const { reason, status } = Recording.judge(course)
      if (status === "pass" || status === "fail") return { holds: status === "pass", course }
      return yield* new Judge.JudgeError({
        reason: status === "error" ? "Broken" : "SubjectUnavailable",
        message: reason
      })
    })

  const observed = (scenario: Scenario.Scenario, met: Met<R>) =>
    Effect.gen(function* () {
      const running = yield* met.app.start
      const { antiPatterns, criteria, steps, story } = scenario
      if (steps !== undefined && steps.length > 0) {
        const by = Planner.scripted({ [assertion]: steps })
        const { course, holds } = yield* tried(met, running, { by, statement: story })
        const said = { criteria: criteria.map(() => holds), antiPatterns: antiPatterns.map(() => false) }
        return holds ? said : { ...said, symptom: symptomOf(course) }
      }
      if (planner === undefined) {
        return yield* new Judge.JudgeError({
          reason: "Broken",
          message: `The scenario ${scenario.id} has no steps. Give it some, or give the judge a planner.`
        })
      }
      const by = planner
      const ask = (statements: ReadonlyArray<string>) =>
        Effect.forEach(statements, (statement) =>
          Effect.map(tried(met, running, { by, statement: `${story}\n\n${statement}` }), ({ holds }) => holds)
        )
      const held = yield* ask(criteria)
      const absent = yield* ask(antiPatterns.map((each) => `This must not be so, at any time: ${each}`))
      return { criteria: held, antiPatterns: absent.map((holds) => !holds) }
    }).pipe(
      Effect.catchTag("AppError", (error: AppError) => Effect.fail(unavailable(error))),
      Effect.scoped
    )

  return {
    name: "surface",
    observe: ({ scenario }) =>
      Effect.suspend(() => {
        const met = scenario.kind === undefined ? apps[0] : apps.find(({ surface }) => surface.kind === scenario.kind)
        return met === undefined
          ? Effect.fail(unavailable({ message: `No surface for ${scenario.kind} was given.` }))
          : observed(scenario, met)
      })
  }
}

/** A trial is no assertion, but a planner wants the name of one. It says nothing. */
const assertion = "VAL-001"

/** What the person met where an expectation was not so. */
const symptomOf = ({ taken }: Recording.Course): Judge.SymptomKind => {
  const last = taken.findLast(({ step }) => step._tag === "Expect")?.step
  return last?._tag === "Expect" && last.that._tag === "NoErrors" ? "saw-error" : "wrong-result"
}
