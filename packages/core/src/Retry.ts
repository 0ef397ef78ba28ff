/** How faults are tried again, by the class of the failure. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Fault from "./Fault.ts"

/**
 * The class of a failure:
 * - `rate-limit`: the other side counts calls; it says how long to wait, or the schedule does.
 * - `overload`: the other side has too much to do.
 * - `timeout`: something was not done in its time.
 * - `transient`: any other fault that may be gone by itself.
 * - `budget`: what the run may use up is used up.
 * - `deterministic`: the same call will fail in the same way.
 */
export type Class = "rate-limit" | "overload" | "timeout" | "transient" | "budget" | "deterministic"

/** The class of an error. What is no fault is deterministic. */
export const classOf = (error: unknown): Class => {
  if (!Fault.isFault(error)) return "deterministic"
  if (error._tag === "BudgetError") return "budget"
  if (!error.isRetryable) return "deterministic"
  if (error.reason === "RateLimited") return "rate-limit"
  if (error.reason === "Overloaded") return "overload"
  return error.reason === "TimedOut" ? "timeout" : "transient"
}

/** A schedule for each class that is tried again. */
export type ByClass = { readonly [K in Class]?: Schedule.Schedule<unknown> }

/** A schedule for every retryable fault, or one for each class. */
export type Policy = Schedule.Schedule<unknown> | ByClass

/** Waits of 1, 2, 4, … seconds, at most `most` of them, each spread by a random part so that runs do not meet again. */
const doubling = (most: number): Schedule.Schedule<unknown> =>
  Schedule.exponential("1 second").pipe(Schedule.jittered, Schedule.upTo({ times: most }))

/** For what talks to a provider: patient with limits and overload, short with the rest. Deterministic faults stall at once. */
export const standard: ByClass = {
  "rate-limit": doubling(8),
  overload: doubling(6),
  timeout: doubling(2),
  transient: doubling(3)
}

/** Answers with the pause before the next attempt, or with none when there is no next one. Schedules keep their own count. */
export const stepper = (policy: Policy | undefined) =>
  Effect.gen(function* () {
    type Step = Effect.Success<ReturnType<typeof Schedule.toStep<unknown, unknown, never, never>>>
    const steps = new Map<Class | "any", Step>()
    return Effect.fnUntraced(function* (now: number, error: unknown) {
      const kind = classOf(error)
      const schedule = policy === undefined || Schedule.isSchedule(policy) ? policy : policy[kind]
      if (schedule === undefined || (schedule === policy && (!Fault.isFault(error) || !error.isRetryable))) {
        return Option.none()
      }
      const key = schedule === policy ? "any" : kind
      const step: Step = steps.get(key) ?? (yield* Schedule.toStep(schedule))
      steps.set(key, step)
      return Option.map(yield* Effect.option(step(now, error)), ([, pause]) => pause)
    })
  })
