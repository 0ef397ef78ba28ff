/**
 * A **budget**: what one run of a line may use up, in tokens, money and time. It is a hard stop with a typed error, over
 * all stages, roles, retries and processes of the run: what was spent is what the journal says.
 *
 * What a child calls counts for its parent too: no run, and no run that it is a part of, gets beyond its limits. Calls that
 * are under way when a limit is reached are finished and counted.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type * as FactoryEvent from "./FactoryEvent.ts"
import * as Fault from "./Fault.ts"
import * as Spending from "./internal/Spending.ts"
import * as StageTime from "./internal/StageTime.ts"
import * as Journal from "./Journal.ts"
import * as Ledger from "./Ledger.ts"
import * as Pricing from "./Pricing.ts"
import * as Usage from "./Usage.ts"

/** What a run may use up. What is left out is not limited. */
export interface Limits {
  /** All tokens of all model calls, whatever their kind. */
  readonly tokens?: number
  /**
   * US dollars that are really paid. A model without a known price can not be held to it and is refused; what a
   * subscription pays costs nothing more, and is held by tokens alone. Of an answer that broke off the least counts that it
   * can have cost.
   */
  readonly usd?: number
  /**
   * Time in stages of the run itself; waiting for a human or a child costs nothing. Stages side by side each get what is
   * left when they begin, so together they may go beyond it.
   */
  readonly time?: Duration.Input
}

/** A run may go no further. Raise the limit and resume the line to go on. */
export class BudgetError extends Fault.Class<BudgetError>()("BudgetError", {
  TokensSpent: false,
  MoneySpent: false,
  TimeSpent: false,
  /** A limit is no number, or below 0. */
  Misconfigured: false,
  /** There is a limit in money, and a call had no known price. */
  Unpriced: false
}) {}

/** What was used up by calls, and by time in stages, in milliseconds. */
export interface Spent {
  readonly bill: Usage.Bill
  readonly time: number
}

/** The limits that are in force, and what each run has used up. */
export class Budget extends Context.Service<
  Budget,
  {
    readonly limits: Limits
    /** The time that a run was in its stages, in milliseconds. */
    readonly time: (run: string | null) => Effect.Effect<number, Journal.JournalError>
    /** Counts time in a stage, in milliseconds. */
    readonly took: (run: string | null, time: number) => Effect.Effect<void, Journal.JournalError>
    /** What calls came to that belong to no run. All others are counted from the journal. */
    readonly outside: Ref.Ref<Usage.Bill>
  }
>()("@millwright/core/Budget") {}

/** Holds every run to the same limits. */
export const layer = (limits: Limits): Layer.Layer<Budget, never, Journal.Journal> =>
  Layer.effect(
    Budget,
    Effect.gen(function* () {
      const journal = yield* Journal.Journal
      const outside = yield* Ref.make(Usage.emptyBill)
      const times = new Map<string | null, number>()
      const time = Effect.fnUntraced(function* (run: string | null) {
        const known = times.get(run)
        if (known !== undefined || run === null) return known ?? 0
        const past = Journal.fold(StageTime.empty, StageTime.step, run)
        const closed = StageTime.close(yield* Effect.provideService(past, Journal.Journal, journal))
        // Another fibre may have been faster, and have counted since.
        const now = times.get(run) ?? closed
        times.set(run, now)
        return now
      })
      return Budget.of({
        limits,
        outside,
        time,
        took: (run, more) => Effect.map(time(run), (before) => void times.set(run, (times.get(run) ?? before) + more))
      })
    })
  )

/** The limits of lines, by the journal that their runs are in: a child has to find those of the runs above it. */
const lines = new WeakMap<Journal.Journal["Service"], Map<string, Limits>>()

/**
 * Holds the runs of a line, and what they start as their children, to the limits that are in force here. A line does that by
 * itself, where it is given its code.
 */
export const ofLine = (line: string): Effect.Effect<void, never, Journal.Journal> =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    const budget = yield* Effect.serviceOption(Budget)
    const known = lines.get(journal) ?? new Map<string, Limits>()
    if (Option.isSome(budget)) lines.set(journal, known.set(line, budget.value.limits))
    else known.delete(line)
  })

const nothing: Spent = { bill: Usage.emptyBill, time: 0 }

/** What a fact adds to what was spent. */
export const count = (spent: Spent, fact: FactoryEvent.Fact): Spent => {
  switch (fact._tag) {
    case "ModelCalled":
    case "ModelFailed":
      return { ...spent, bill: Spending.charge(spent.bill, fact) }
    case "StageFinished":
    case "StageFailed":
      return { ...spent, time: spent.time + fact.duration }
    default:
      return spent
  }
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
 * Limits that several parts of the work share: what each of them uses up counts for all. They hold beside those around, as
 * those of a {@link slice} do, and are not in time.
 */
export const pool = (
  name: string,
  limits: Omit<Limits, "time">
): (<A, E, R>(part: Effect.Effect<A, E, R>) => Effect.Effect<A, E | BudgetError, R>) => {
  const own: Slice = { name, limits, spent: nothing }
  return (part) =>
    Effect.gen(function* () {
      yield* possible(sliceCalled(name).whose, limits)
      return yield* Effect.provideService(part, Slices, [...(yield* Slices), own])
    })
}

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
      const inside = pool(name, limits)(work)
      if (limits.time === undefined) return yield* inside
      const limit = Duration.toMillis(Duration.fromInputUnsafe(limits.time))
      const over = { limit, spent: limit, unit: "milliseconds", ...sliceCalled(name) }
      return yield* Effect.timeoutOrElse(inside, { duration: limit, orElse: () => exceeded("TimeSpent", over) })
    })

/** How a slice is told. What it ends may be handled (`Allowance`), so the run need not have stopped. */
const sliceCalled = (name: string) => ({
  whose: `The part ${JSON.stringify(name)} of the run`,
  mend: "Raise its limit to go on."
})

/** Limits that hold together, and what was used up of each. */
interface Holding {
  readonly whose: string
  readonly mend?: string
  readonly limits: Limits
  readonly bill: Usage.Bill
}

/** All that holds the work: its run, the runs that this is a child of, and the slices that it stands in. */
const holdings = Effect.gen(function* () {
  const budget = Option.getOrUndefined(yield* Effect.serviceOption(Budget))
  const journal = yield* Journal.Journal
  const { run } = yield* Journal.Origin
  const slices = (yield* Slices).map(({ limits, name, spent: { bill } }) => ({ ...sliceCalled(name), limits, bill }))
  const above = lines.get(journal)
  if (budget === undefined && above === undefined) return slices
  if (budget !== undefined) yield* possible("The run", budget.limits)
  const spent =
    run === null
      ? [{ run, line: null, bill: budget === undefined ? Usage.emptyBill : yield* Ref.get(budget.outside) }]
      : yield* Spending.of(journal)(run)
  const runs = spent.flatMap(({ bill, line, run: each }): ReadonlyArray<Holding> => {
    const limits = each === run ? budget?.limits : above?.get(line ?? "")
    const whose = each === run ? "The run" : `The run ${each}, of which this one is a part,`
    return limits === undefined ? [] : [{ whose, limits, bill }]
  })
  return [...runs, ...slices]
})

/** Fails when the run, a run that it is a child of, or a slice that the work stands in, may not call a model again. */
export const check: Effect.Effect<void, BudgetError | Journal.JournalError, Journal.Journal> = Effect.flatMap(
  holdings,
  (all) => Effect.forEach(all, hold, { discard: true })
)

/** What may still be used up. What is left out is not limited. */
export interface Left {
  readonly tokens?: number
  readonly usd?: number
}

/** What is left of limits. */
export const leftOf = (limits: Limits, { bill }: Pick<Spent, "bill">): Left => ({
  ...(limits.usd === undefined ? {} : { usd: Math.max(0, limits.usd - bill.usd) }),
  ...(limits.tokens === undefined ? {} : { tokens: Math.max(0, limits.tokens - Usage.total(bill.usage)) })
})

/** What is left to the work that stands here: of all limits that hold it, the tightest. */
export const left: Effect.Effect<Left, BudgetError | Journal.JournalError, Journal.Journal> = Effect.map(
  holdings,
  (all) => {
    const each = all.map(({ bill, limits }) => leftOf(limits, { bill }))
    const tightest = (of: (left: Left) => number | undefined) => Math.min(...each.map((left) => of(left) ?? Infinity))
    const usd = tightest((left) => left.usd)
    const tokens = tightest((left) => left.tokens)
    return { ...(usd === Infinity ? {} : { usd }), ...(tokens === Infinity ? {} : { tokens }) }
  }
)

/** Fails when a limit can not be one: nothing would ever reach it. */
const possible = Effect.fnUntraced(function* (whose: string, { time, tokens, usd }: Limits) {
  const milliseconds = time === undefined || typeof time === "number" ? time : 0
  for (const [unit, limit] of Object.entries({ tokens, usd, time: milliseconds })) {
    if (limit === undefined || limit >= 0) continue
    return yield* new BudgetError({
      reason: "Misconfigured",
      message: `${whose} has a limit of ${limit} in ${unit}, which can not be one. Give it a number of at least 0, or leave it out.`
    })
  }
})

/** Fails when as much was spent as may be. */
const hold = Effect.fnUntraced(function* ({ bill, limits, mend, whose }: Holding) {
  const told = { whose, ...(mend !== undefined && { mend }) }
  const tokens = Usage.total(bill.usage)
  if (limits.tokens !== undefined && tokens >= limits.tokens) {
    return yield* exceeded("TokensSpent", { limit: limits.tokens, spent: tokens, unit: "tokens", ...told })
  }
  if (limits.usd === undefined) return
  if (bill.usd >= limits.usd)
    return yield* exceeded("MoneySpent", { limit: limits.usd, spent: bill.usd, unit: "US dollars", ...told })
  if (bill.unpriced > 0) {
    return yield* new BudgetError({
      reason: "Unpriced",
      message:
        `${whose} has a limit of ${limits.usd} US dollars, but ${bill.unpriced} of its model calls have no known ` +
        `price, so nobody can say what was spent. Use a priced model, or limit tokens instead of money.`
    })
  }
})

/** Records a model call, answered or broken off, and counts it. A call that stands already is not recorded again. */
export const spend = (
  call: Extract<FactoryEvent.Fact, { readonly _tag: "ModelCalled" | "ModelFailed" }>
): Effect.Effect<void, Journal.JournalError, Journal.Journal> =>
  Effect.gen(function* () {
    const fact = call._tag === "ModelCalled" ? { ...call, cost: Pricing.sane(call.cost, call.model) } : call
    const named = fact._tag === "ModelCalled" ? fact : fact.billed
    for (const part of yield* Slices) part.spent = count(part.spent, fact)
    const { run } = yield* Journal.Origin
    const budget = yield* Effect.serviceOption(Budget)
    if (Option.isSome(budget) && run === null) {
      yield* Ref.update(budget.value.outside, (bill) => Spending.charge(bill, fact))
    }
    yield* Journal.record(fact, named && Ledger.keyOf(named))
  })

/** Runs a stage in the time that is left to its run. */
export const enforce = <A, E, R>(
  stage: Effect.Effect<A, E, R>
): Effect.Effect<A, E | BudgetError | Journal.JournalError, R | Journal.Journal> =>
  Effect.gen(function* () {
    const budget = yield* Effect.serviceOption(Budget)
    if (Option.isNone(budget)) return yield* stage
    const { limits, time: timeOf, took } = budget.value
    yield* possible("The run", limits)
    const { run } = yield* Journal.Origin
    const time = yield* timeOf(run)
    const begun = yield* Clock.currentTimeMillis
    const counted = Effect.ensuring(
      stage,
      Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.ignore(took(run, Math.max(0, now - begun))))
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
    mend = "Raise the limit and resume the run to go on.",
    spent,
    unit,
    whose = "The run"
  }: {
    readonly limit: number
    readonly spent: number
    readonly unit: string
    readonly whose?: string
    readonly mend?: string
  }
) =>
  Effect.gen(function* () {
    yield* Journal.record({ _tag: "BudgetHit", dimension: reason, limit, spent })
    return yield* new BudgetError({
      reason,
      message: `${whose} has used ${spent} of ${limit} ${unit}, and stops. ${mend}`
    })
  })
