/** One scenario: a planner at a surface, for one assertion, within a budget. It ends with what was done, and never fails. */
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { type Brief, type Planner, PlannerError } from "../Planner.ts"
import type * as Recording from "../Recording.ts"
import * as Step from "../Step.ts"
import type * as Surface from "../Surface.ts"
import type { AppError } from "../TestedApp.ts"
import * as StepText from "./StepText.ts"

/** What is tested, by whom and how far. */
export interface Scenario {
  readonly surface: Surface.Surface["Service"]
  readonly app: Surface.App
  readonly planner: Planner["Service"]
  readonly brief: Brief
  /** `time` is in milliseconds. */
  readonly budget: { readonly steps: number; readonly time: number }
  /** Brings the app to its beginning. */
  readonly reset: Effect.Effect<void, AppError>
}

/** What was done, and what was to be seen at last. */
export interface Course extends Recording.Course {
  readonly last: Surface.Sight | undefined
}

/** The longest text of what came of a step, in characters. */
const longest = 4_000

/** For how long something is looked for that nobody did anything for, in milliseconds: what is shown anyway has to come up. */
const settling = 1_000

/** The longest that the last look may take, in milliseconds. */
const lastLook = 10_000

const bounded = (text: string): string => StepText.inOneLine(text, longest)

/** Runs it. */
export const run = (scenario: Scenario): Effect.Effect<Course> =>
  Effect.gen(function* () {
    const { budget, planner, surface } = scenario
    const taken: Array<Recording.Taken> = []
    const spent: Recording.Ending = { _tag: "Spent", what: "time" }
    const tested = Effect.gen(function* () {
      const session = yield* surface.open(scenario.app)
      const going = Effect.catch(goOn(scenario, session, taken), (error) => Effect.succeed(broken(error)))
      const ending = Option.getOrElse(yield* Effect.timeoutOption(going, budget.time), () => spent)
      const last = yield* Effect.option(Effect.timeout(session.look, lastLook))
      return { ending, last: Option.getOrUndefined(last) }
    }).pipe(
      Effect.scoped,
      Effect.timeoutOption(budget.time + 2 * lastLook),
      Effect.map(Option.getOrElse(() => ({ ending: spent, last: undefined }))),
      Effect.catch((error) => Effect.succeed({ ending: broken(error), last: undefined }))
    )
    const { ending, last } = yield* tested
    const course = { author: planner.author, taken, ending, last }
    return planner.author === "model" && ending._tag === "Concluded" ? yield* compared(scenario, course) : course
  })

const broken = (error: Surface.SurfaceError | PlannerError): Recording.Ending => {
  const why = bounded(error.message)
  if (error._tag === "PlannerError") {
    return error.reason === "Exhausted" ? { _tag: "Cannot", why } : { _tag: "Broke", by: "planner", why }
  }
  return error.reason === "AppUnreachable" ? { _tag: "Gone", why } : { _tag: "Broke", by: "surface", why }
}

/** Whether a session can go on after an error. */
const isOver = ({ reason }: Surface.SurfaceError): boolean =>
  reason === "AppUnreachable" || reason === "Unavailable" || reason === "Crashed"

const goOn = Effect.fnUntraced(function* (
  { brief, budget, planner }: Scenario,
  session: Surface.Session,
  taken: Array<Recording.Taken>
): Effect.fn.Return<Recording.Ending, Surface.SurfaceError | PlannerError> {
  const glance = session.glance ?? session.look
  const plan = yield* guarded(() => planner.plan(brief))
  let sight = yield* glance
  for (;;) {
    const left = budget.steps - taken.length
    const seen = { taken: [...taken], sight, left }
    const next = yield* guarded(() => plan(seen))
    if (next._tag !== "Do") return { _tag: next._tag, why: bounded(next.why) }
    for (const step of next.steps) {
      if (taken.length >= budget.steps) return { _tag: "Spent", what: "steps" }
      const done = yield* Effect.result(take(session, brief, step))
      const came: Recording.Came = Result.isSuccess(done)
        ? done.success
        : { _tag: "Refused", reason: done.failure.reason, message: bounded(done.failure.message) }
      if (Result.isFailure(done) && isOver(done.failure)) {
        taken.push({ step, came, sight: null })
        return yield* done.failure
      }
      // What was done is kept also when there is nothing to be seen any more.
      const looked = yield* Effect.result(glance)
      if (Result.isSuccess(looked)) sight = looked.success
      taken.push({ step, came, sight: Result.isSuccess(looked) ? digestOf(sight) : null })
      if (came._tag === "Held" && !came.holds && step._tag === "Expect") return { _tag: "Decided" }
      if (Result.isFailure(looked) && isOver(looked.failure)) return yield* looked.failure
      if (came._tag === "Refused" || (came._tag === "Held" && !came.holds)) break
    }
  }
})

/** What a planner throws is its own failure, of this assertion alone. */
const guarded = <A>(ask: () => Effect.Effect<A, PlannerError>): Effect.Effect<A, PlannerError> =>
  Effect.catchDefect(Effect.suspend(ask), (cause) =>
    Effect.fail(
      new PlannerError({
        reason: "Broke",
        message: `It threw: ${Fault.record(cause).message}. Mend the planner.`,
        cause
      })
    )
  )

/** The digest of what is to be seen, but for its picture and what went wrong. */
const digestOf = ({ address, text }: Surface.Sight): Digest.Digest => Digest.ofJson({ address, text })

const take = Effect.fnUntraced(function* (session: Surface.Session, { kind }: Brief, step: Step.Step) {
  if (!Step.kindsOf(step).includes(kind)) {
    const message = `“${StepText.of(step)}” is no step of ${kind}. Take one that is.`
    return { _tag: "Refused", reason: "Unsupported", message } satisfies Recording.Came
  }
  if (step._tag === "Act") {
    yield* session.act(step.action)
    return { _tag: "Done" } satisfies Recording.Came
  }
  const { holds, saw } = yield* session.check(step.that, step.within)
  return { _tag: "Held", holds, saw: bounded(saw) } satisfies Recording.Came
})

/** How a tester gets to the app: what is to be seen then nobody brought about. */
const arrivals: ReadonlySet<Step.Action["_tag"]> = new Set(["Visit", "Start", "Resize"])

/**
 * Looks in a new session which of the expectations that held had been so before anything was done: after the first arrival, and where
 * a scenario does nothing but arrive, before that.
 */
const compared = (scenario: Scenario, course: Course): Effect.Effect<Course> =>
  Effect.gen(function* () {
    const actions = course.taken.flatMap(({ step }) => (step._tag === "Act" ? [step.action] : []))
    const later = actions.findIndex(({ _tag }) => !arrivals.has(_tag))
    const before = new Map<string, boolean>()
    yield* scenario.reset
    yield* Effect.gen(function* () {
      const session = yield* scenario.surface.open(scenario.app)
      for (const action of actions.slice(0, Math.max(0, later))) yield* session.act(action)
      for (const { came, step } of course.taken) {
        if (step._tag !== "Expect" || came._tag !== "Held" || !came.holds) continue
        const name = Digest.ofJson(step.that)
        // What can not even be looked for yet is not so yet.
        const checked = yield* Effect.result(session.check(step.that, settling))
        if (Result.isFailure(checked) && isOver(checked.failure)) return yield* checked.failure
        before.set(name, Result.isSuccess(checked) && checked.success.holds)
      }
    }).pipe(Effect.scoped)
    const taken = course.taken.map((each) => {
      const was = each.step._tag === "Expect" ? before.get(Digest.ofJson(each.step.that)) : undefined
      return was === undefined ? each : { ...each, before: was }
    })
    return { ...course, taken }
  }).pipe(
    Effect.timeoutOption(scenario.budget.time),
    // Where nobody could look, nothing speaks for the pass.
    Effect.map(Option.getOrElse(() => course)),
    Effect.catch(() => Effect.succeed(course))
  )
