/** Trying scenarios: which one, with which seed, how often, and what it came to. The same seed draws the same trials. */
import type * as Validator from "@millwright/core/Validator"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Judge from "../Judge.ts"
import * as Satisfaction from "../Satisfaction.ts"
import type * as Scenario from "../Scenario.ts"
import * as TrialPlan from "../TrialPlan.ts"
import * as Distribution from "./Distribution.ts"

/** How scenarios are tried. */
export interface Plan<R> {
  readonly judge: Judge.Judge<R>
  readonly seed: number
  /** How often each scenario is tried. With `stop`: how often at most on average. */
  readonly trials: number
  readonly timeout: Duration.Input
  /** How many trials run at once, where it is not for the last one to say whether there is another. */
  readonly concurrency: number
  readonly stop?: TrialPlan.Stop | undefined
}

/** Tries a scenario once. Whatever the judge does, the trial comes to something. */
const attempt = <R>(
  { judge, seed, timeout }: Plan<R>,
  subject: Validator.Subject,
  { number, scenario }: Pick<Judge.Trial, "scenario" | "number">
): Effect.Effect<Satisfaction.Tried, never, R> =>
  Effect.suspend(() =>
    judge.observe({ scenario, number, seed: Distribution.seedOf(seed, scenario.id, number) }, subject)
  ).pipe(
    Effect.map((answer) => Judge.read(scenario, answer)),
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.succeed(Result.fail<Judge.Trouble>("timeout"))
    }),
    // A judge that dies is one that errored; one that is interrupted from outside is not.
    Effect.catchDefect(() => Effect.succeed(Result.fail<Judge.Trouble>("failed"))),
    Effect.orElseSucceed(() => Result.fail<Judge.Trouble>("failed")),
    Effect.map((read) => ({
      scenario: scenario.id,
      outcome: Result.match(read, {
        onFailure: (trouble): Satisfaction.Outcome => ({ _tag: "Errored", trouble }),
        onSuccess: Satisfaction.outcomeOf
      })
    }))
  )

/** The scenario that a draw falls on, by weight. */
const drawn = (
  scenarios: readonly [Scenario.Scenario, ...ReadonlyArray<Scenario.Scenario>],
  share: number
): Scenario.Scenario => {
  let rest = share * scenarios.reduce((sum, { weight }) => sum + weight, 0)
  for (const scenario of scenarios) {
    rest -= scenario.weight
    if (rest < 0) return scenario
  }
  return scenarios[0]
}

/** What came of trying, and what was decided early, where that was asked for. */
export interface Tried {
  readonly tried: ReadonlyArray<Satisfaction.Tried>
  readonly decision: TrialPlan.Decision
}

/** Tries scenarios. */
export const run = <R>(
  plan: Plan<R>,
  subject: Validator.Subject,
  scenarios: readonly [Scenario.Scenario, ...ReadonlyArray<Scenario.Scenario>]
): Effect.Effect<Tried, never, R> =>
  Effect.gen(function* () {
    const { stop } = plan
    if (stop === undefined) {
      const all = scenarios.flatMap((scenario) =>
        Array.from({ length: plan.trials }, (_, number) => ({ scenario, number }))
      )
      const tried = yield* Effect.forEach(all, (trial) => attempt(plan, subject, trial), {
        concurrency: plan.concurrency
      })
      return { tried, decision: "go on" as const }
    }
    // Each is drawn anew from all of them: only then do the bounds of stopping hold.
    const tried: Array<Satisfaction.Tried> = []
    const times = new Map<string, number>()
    let hits = 0
    let of = 0
    let decision: TrialPlan.Decision = "go on"
    for (let draw = 0; draw < plan.trials * scenarios.length && decision === "go on"; draw++) {
      const scenario = drawn(scenarios, Distribution.uniform(plan.seed, "draw", draw))
      const number = times.get(scenario.id) ?? 0
      times.set(scenario.id, number + 1)
      const one = yield* attempt(plan, subject, { scenario, number })
      tried.push(one)
      if (one.outcome._tag === "Errored") continue
      of++
      if (one.outcome._tag === "Satisfied") hits++
      decision = TrialPlan.decide(stop, { hits, of })
    }
    return { tried, decision }
  })
