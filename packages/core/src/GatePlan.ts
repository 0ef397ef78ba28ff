/** The **plan** of a gate: when somebody is told that nobody has answered yet, and when the line goes on without an answer. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type * as GateAnswer from "./internal/GateAnswer.ts"

/** Whom a question goes to when nobody answers. */
export interface Tier {
  /** Counted from the opening of the gate. */
  readonly after: Duration.Input
  /** Who is asked from then on: a name that whoever follows the journal knows. */
  readonly to: string
}

/** How an unanswered question is kept in mind. */
export interface Patience {
  /** How often somebody is reminded, {@link mostReminders} times at the most. */
  readonly remind?: Duration.Input
  readonly escalate?: ReadonlyArray<Tier>
}

/** How bad it is that nobody answers. */
export type Severity = "medium" | "high" | "critical"

/** Who is asked about what is this bad, one after the other. */
export interface Route {
  /** Where there are fewer than escalations, the last one is asked again. */
  readonly to: readonly [string, ...ReadonlyArray<string>]
  /** How long each of them has before the next one is asked. Default 4 hours. */
  readonly stale?: Duration.Input
  /** How often it is escalated once more after the first time, from 0 to {@link mostEscalations}. Default 2. */
  readonly again?: number
}

/** How often a route is escalated once more at the most. */
export const mostEscalations = 20

/**
 * How a question is kept in mind by how bad it is: `{ ...GatePlan.escalation(routes, "high") }` beside a question. Where a route can
 * not be kept, opening its gate says so.
 */
export const escalation = (
  routes: Readonly<Record<Severity, Route>>,
  severity: Severity
): Required<Pick<Patience, "escalate">> => {
  const { again = 2, stale = "4 hours", to } = routes[severity]
  const isWhole = Number.isInteger(again) && again >= 0 && again <= mostEscalations
  const each = Option.getOrElse(Duration.fromInput(stale), () => Duration.infinity)
  return {
    escalate: Array.from({ length: isWhole ? again + 1 : 1 }, (_, index) => ({
      after: isWhole ? Duration.times(each, index + 1) : Duration.infinity,
      to: to[Math.min(index, to.length - 1)] ?? to[0]
    }))
  }
}

/** When the line goes on without a human. */
export interface Timeout<out Default> {
  /** Counted from the opening of the gate. */
  readonly after: Duration.Input
  /** What the host answers then. Without it, the gate fails with `TimedOut`. */
  readonly answer?: Default
}

/** How often a gate reminds at the most, escalations apart. */
export const mostReminders = 10

/** What is due at a gate. `at` is in milliseconds after its opening; a step without a `level` is the end of its time. */
export interface Step {
  readonly at: number
  readonly level?: number
  readonly to?: string | null
}

/** What is due, in order. */
export type Plan = ReadonlyArray<Step>

/** Makes the plan, or says why it can not be kept. */
export const make = (patience: Patience, timeout: Timeout<GateAnswer.Answer> | undefined): Plan | string => {
  const tiers = (patience.escalate ?? []).map(({ after, to }) => ({ at: millis(after), to }))
  const every = patience.remind === undefined ? undefined : millis(patience.remind)
  const end = timeout === undefined ? undefined : millis(timeout.after)
  const times = [every, end, ...tiers.map(({ at }) => at)]
  if (times.includes(null)) return 'Its times have to be durations of a millisecond or more, such as "4 hours"'
  const sorted = tiers.flatMap(({ at, to }) => (at === null ? [] : [{ at, to }])).toSorted((a, b) => a.at - b.at)
  const reminders = typeof every === "number" ? Array.from({ length: mostReminders }, (_, n) => every * (n + 1)) : []
  const levelAt = (at: number) => sorted.filter((tier) => tier.at <= at).length
  // An escalation at the time of a reminder is one.
  const all = [...new Set([...sorted.map(({ at }) => at), ...reminders])]
    .filter((at) => typeof end !== "number" || at < end)
    .toSorted((a, b) => a - b)
    .map((at) => ({ at, level: levelAt(at), to: sorted[levelAt(at) - 1]?.to ?? null }))
  return typeof end === "number" ? [...all, { at: end }] : all
}

const millis = (input: Duration.Input): number | null =>
  Option.match(Duration.fromInput(input), {
    onNone: () => null,
    onSome: (duration) => {
      const whole = Math.ceil(Duration.toMillis(duration))
      return Number.isSafeInteger(whole) && whole > 0 ? whole : null
    }
  })

/** The last step that is due after so many milliseconds, from this one on: after a pause, only the newest is told. */
export const reached = (plan: Plan, { elapsed, from }: { readonly elapsed: number; readonly from: number }): number => {
  const next = plan.findIndex(({ at }, index) => index > from && at > elapsed)
  return (next === -1 ? plan.length : next) - 1
}

/** After how many milliseconds the line goes on without a human; `undefined` when it waits for ever. */
export const end = (plan: Plan): number | undefined => {
  const last = plan.at(-1)
  return last?.level === undefined ? last?.at : undefined
}
