/**
 * A **budget**: what one run of a line may use up, in tokens, money and time. It is a hard stop with a typed error, over
 * all stages, roles, retries and processes of the run: what a killed process spent is read back from the journal.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as FactoryEvent from "./FactoryEvent.ts"
import * as Fault from "./Fault.ts"
import * as Journal from "./Journal.ts"
import * as Usage from "./Usage.ts"

/** What a run may use up. What is left out is not limited. */
export interface Limits {
  /** All tokens of all model calls, whatever their kind. */
  readonly tokens?: number
  /** US dollars. A model without a known price can not be held to it and is refused. */
  readonly usd?: number
  /**
   * Time in stages; waiting for a human costs nothing. Stages side by side each get what is left when they begin, so
   * together they may go beyond it.
   */
  readonly time?: Duration.Input
}

/** A run may go no further. Raise the limit and resume the line to go on. */
export class BudgetError extends Fault.Class<BudgetError>()("BudgetError", {
  TokensSpent: false,
  MoneySpent: false,
  TimeSpent: false,
  /** There is a limit in money, and a call had no known price. */
  Unpriced: false
}) {}

/** What a run has used up. `time` in milliseconds. */
export interface Spent {
  readonly bill: Usage.Bill
  readonly time: number
}

/** The limits that are in force, and what each run has used up. */
export class Budget extends Context.Service<
  Budget,
  {
    readonly limits: Limits
    readonly spent: (run: string | null) => Effect.Effect<Spent, Journal.JournalError>
    readonly add: (run: string | null, more: (spent: Spent) => Spent) => Effect.Effect<void, Journal.JournalError>
  }
>()("@millwright/core/Budget") {}

/** Holds every run to the same limits. */
export const layer = (limits: Limits): Layer.Layer<Budget, never, Journal.Journal> =>
  Layer.effect(
    Budget,
    Effect.gen(function* () {
      const journal = yield* Journal.Journal
      const ledgers = new Map<string | null, Spent>()
      const spent = Effect.fnUntraced(function* (run: string | null) {
        const known = ledgers.get(run)
        if (known !== undefined) return known
        const past = yield* Effect.provideService(
          run === null ? Effect.succeed(emptyTally) : Journal.fold(emptyTally, take, run),
          Journal.Journal,
          journal
        )
        // Another fibre may have been faster, and have spent since.
        const now = ledgers.get(run) ?? close(past)
        ledgers.set(run, now)
        return now
      })
      return Budget.of({
        limits,
        spent,
        add: (run, more) => Effect.map(spent(run), (now) => void ledgers.set(run, more(ledgers.get(run) ?? now)))
      })
    })
  )

const nothing: Spent = { bill: Usage.emptyBill, time: 0 }

/** What a fact adds to what was spent. */
export const count = (spent: Spent, fact: FactoryEvent.Fact): Spent => {
  switch (fact._tag) {
    case "ModelCalled":
      return { ...spent, bill: Usage.charge(spent.bill, fact) }
    case "StageFinished":
    case "StageFailed":
      return { ...spent, time: spent.time + fact.duration }
    default:
      return spent
  }
}

/** What was spent, and the stages that began and did not end, with the time of their first and last sign of life. */
interface Tally {
  readonly spent: Spent
  readonly open: ReadonlyMap<string, { readonly from: number; readonly last: number }>
}

const emptyTally: Tally = { spent: nothing, open: new Map() }

/** Counts a stage that a process did not live to end, up to its last sign of life. */
const bury = ({ open, spent }: Tally, stage: string): Spent => {
  const { from, last } = open.get(stage) ?? { from: 0, last: 0 }
  return { ...spent, time: spent.time + Math.max(0, last - from) }
}

const close = (tally: Tally): Spent =>
  [...tally.open.keys()].reduce((spent, stage) => bury({ ...tally, spent }, stage), tally.spent)

const take = (tally: Tally, { at, fact, stage }: FactoryEvent.FactoryEvent): Tally => {
  const spent = count(tally.spent, fact)
  const known = stage === null ? undefined : tally.open.get(stage)
  if (stage === null) return { ...tally, spent }
  const open = new Map(tally.open)
  if (fact._tag === "StageFinished" || fact._tag === "StageFailed") {
    open.delete(stage)
  } else if (fact._tag === "StageStarted" && fact.attempt === 1) {
    open.set(stage, { from: at, last: at })
    return { spent: bury(tally, stage), open }
  } else if (known !== undefined) {
    open.set(stage, { ...known, last: at })
  }
  return { spent, open }
}

/** A part of a run with limits of its own, and what it has used up in this process. */
interface Slice {
  readonly name: string
  readonly limits: Limits
  spent: Spent
}

/** The slices that the work stands in, the outermost first. */
const Slices = Context.Reference<ReadonlyArray<Slice>>("@millwright/core/Budget/Slices", { defaultValue: () => [] })

/**
 * Gives a part of the work limits of its own: a loop, a sub-agent. They hold beside those of the run and of every slice around
 * it, so no nesting gets beyond one of them. Calls that are under way when a limit is reached are finished and counted. What a
 * slice has used up is counted anew when its stage is run again; what the run has, never.
 */
export const slice =
  (name: string, limits: Limits) =>
  <A, E, R>(
    work: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | BudgetError | Journal.JournalError, R | Journal.Journal> =>
    Effect.gen(function* () {
      const own: Slice = { name, limits, spent: nothing }
      const inside = Effect.provideService(work, Slices, [...(yield* Slices), own])
      if (limits.time === undefined) return yield* inside
      const limit = Duration.toMillis(Duration.fromInputUnsafe(limits.time))
      const over = { limit, spent: limit, unit: "milliseconds", whose: whole(name) }
      return yield* Effect.timeoutOrElse(inside, { duration: limit, orElse: () => exceeded("TimeSpent", over) })
    })

const whole = (name: string): string => `The part ${JSON.stringify(name)} of the run`

/** Limits that hold here, and what of them was spent. */
interface Held {
  readonly whose: string
  readonly limits: Limits
  readonly bill: Usage.Bill
}

/** All limits that hold here: those of the run first, and then those of the slices that the work stands in. */
export const held: Effect.Effect<ReadonlyArray<Held>, Journal.JournalError, Journal.Journal> = Effect.gen(function* () {
  const budget = yield* Effect.serviceOption(Budget)
  const slices = (yield* Slices).map(({ limits, name, spent }) => ({ whose: whole(name), limits, bill: spent.bill }))
  if (Option.isNone(budget)) return slices
  const { run } = yield* Journal.Origin
  const { bill } = yield* budget.value.spent(run)
  return [{ whose: "The run", limits: budget.value.limits, bill }, ...slices]
})

/** Fails when the run, or a slice that the work stands in, may not call a model again. */
export const check: Effect.Effect<void, BudgetError | Journal.JournalError, Journal.Journal> = Effect.gen(function* () {
  for (const { bill, limits, whose } of yield* held) yield* hold(whose, limits, bill)
})

/** Fails when as much was spent as may be. */
const hold = Effect.fnUntraced(function* (whose: string, limits: Limits, bill: Usage.Bill) {
  const tokens = Usage.total(bill.usage)
  if (limits.tokens !== undefined && tokens >= limits.tokens) {
    return yield* exceeded("TokensSpent", { limit: limits.tokens, spent: tokens, unit: "tokens", whose })
  }
  if (limits.usd === undefined) return
  if (bill.usd >= limits.usd)
    return yield* exceeded("MoneySpent", { limit: limits.usd, spent: bill.usd, unit: "US dollars", whose })
  if (bill.unpriced > 0) {
    return yield* new BudgetError({
      reason: "Unpriced",
      message:
        `${whose} has a limit of ${limits.usd} US dollars, but ${bill.unpriced} of its model calls have no known ` +
        `price, so nobody can say what was spent. Use a priced model, or limit tokens instead of money.`
    })
  }
})

/** Records a model call and counts it. */
export const spend = (
  call: Extract<FactoryEvent.Fact, { readonly _tag: "ModelCalled" }>
): Effect.Effect<void, Journal.JournalError, Journal.Journal> =>
  Effect.gen(function* () {
    const budget = yield* Effect.serviceOption(Budget)
    for (const part of yield* Slices) part.spent = count(part.spent, call)
    if (Option.isNone(budget)) return void (yield* Journal.record(call))
    const { run } = yield* Journal.Origin
    // Read what was spent before the call is in the journal, so that it is not counted twice.
    yield* budget.value.spent(run)
    yield* Journal.record(call)
    yield* budget.value.add(run, (spent) => count(spent, call))
  })

/** Runs a stage in the time that is left to its run. */
export const enforce = <A, E, R>(
  stage: Effect.Effect<A, E, R>
): Effect.Effect<A, E | BudgetError | Journal.JournalError, R | Journal.Journal> =>
  Effect.gen(function* () {
    const budget = yield* Effect.serviceOption(Budget)
    if (Option.isNone(budget)) return yield* stage
    const { add, limits, spent } = budget.value
    const { run } = yield* Journal.Origin
    const { time } = yield* spent(run)
    const begun = yield* Clock.currentTimeMillis
    const counted = Effect.ensuring(
      stage,
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.ignore(add(run, (spent) => ({ ...spent, time: spent.time + Math.max(0, now - begun) })))
      )
    )
    if (limits.time === undefined) return yield* counted
    const limit = Duration.toMillis(Duration.fromInputUnsafe(limits.time))
    if (time >= limit) return yield* exceeded("TimeSpent", { limit, spent: time, unit: "milliseconds in stages" })
    return yield* Effect.timeoutOrElse(counted, {
      duration: limit - time,
      orElse: () => exceeded("TimeSpent", { limit, spent: limit, unit: "milliseconds in stages" })
    })
  })

const exceeded = (
  reason: "TokensSpent" | "MoneySpent" | "TimeSpent",
  {
    limit,
    spent,
    unit,
    whose = "The run"
  }: { readonly limit: number; readonly spent: number; readonly unit: string; readonly whose?: string }
) =>
  Effect.gen(function* () {
    yield* Journal.record({ _tag: "BudgetHit", dimension: reason, limit, spent })
    return yield* new BudgetError({
      reason,
      message: `${whose} has used ${spent} of ${limit} ${unit}, and stops. Raise the limit and resume the run to go on.`
    })
  })
