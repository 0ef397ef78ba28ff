/** What makes executions go on that wait: clocks that are due, and what other processes ask for. */
import * as EffectClock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Durable from "../Durable.ts"
import * as ExecutionTable from "./ExecutionTable.ts"
import type * as Sqlite from "../Sqlite.ts"
import type * as EngineStore from "./EngineStore.ts"
import * as Ownership from "./Ownership.ts"

type Clock = ExecutionTable.Clock

/** The clock of a system may be set while this process sleeps, so it looks now and then, in milliseconds. */
const longestSleep = 60_000

/** How many clocks that are due go off together. */
const together = 200

/**
 * How long clocks that go off are waited for, in milliseconds. To wake a run that is being undone takes as long as that
 * does, and must not hold up the clocks of the others.
 */
const patience = 100

/** Wakes executions of a store that this process owns. */
export const make = (
  store: EngineStore.EngineStore,
  { live, owner, scope, startIfPossible, stop, tried }: Ownership.Ownership,
  engine: () => Durable.WorkflowEngine.WorkflowEngine["Service"]
) => {
  /** The clock that is slept for, and for how long still. */
  let sleeping: { readonly clock: Clock; readonly left: number } | undefined

  const isNews = ({ id, interrupted, wake }: Pick<ExecutionTable.Row, "id" | "interrupted" | "wake">) => {
    const run = live.get(id)
    return run === undefined ? wake > 0 && tried.get(id) !== wake : interrupted > run.interrupted
  }

  /** What there is to do, or another clock than the one that is slept for. */
  const look = (prepare: Sqlite.Prepare) => {
    const news = ExecutionTable.running(prepare, owner.runner).filter(isNews)
    const clock = ExecutionTable.nextClock(prepare, owner.runner)
    return news.length === 0 && isSame(clock, sleeping?.clock) ? undefined : { news, clock }
  }

  const heed = Effect.fnUntraced(function* ({
    id,
    interrupted,
    wake
  }: ReturnType<typeof ExecutionTable.running>[number]) {
    // A stage that can not be interrupted must not keep the others waiting.
    if (live.has(id)) return void (yield* Effect.forkIn(stop(id, interrupted), scope, { startImmediately: true }))
    yield* startIfPossible(id)
    if (!live.has(id)) tried.set(id, wake)
  })

  const goOff = Effect.fnUntraced(function* (clock: Clock) {
    yield* engine().deferredDone(Durable.DurableDeferred.make(clock.name), {
      workflowName: clock.workflow,
      executionId: clock.execution,
      deferredName: clock.name,
      exit: Exit.void
    })
    yield* store.write((prepare) => ExecutionTable.unschedule(prepare, clock))
  })

  /** Sleeps for a clock. It is due after the time that it was set for, whatever the clock of the system says by then. */
  const sleep = Effect.fnUntraced(function* (clock: Clock, left: number) {
    const pause = Math.min(left, longestSleep)
    yield* Effect.sleep(pause)
    const now = yield* EffectClock.currentTimeMillis
    return { news: [], clock, left: Math.min(left - pause, clock.due - now) }
  })

  const step = Effect.gen(function* () {
    const now = yield* EffectClock.currentTimeMillis
    const changed = Effect.map(store.until(Ownership.clocks, look), ({ clock, news }) => {
      const left = clock === undefined ? 0 : clock.due - now
      return { news, clock, left: isSame(clock, sleeping?.clock) ? Math.min(left, sleeping?.left ?? left) : left }
    })
    const { clock, left, news } = yield* sleeping === undefined
      ? changed
      : Effect.raceFirst(changed, sleep(sleeping.clock, sleeping.left))
    for (const row of news) yield* heed(row)
    if (clock === undefined || left > 0) {
      sleeping = clock && { clock, left }
      return
    }
    const time = Math.max(clock.due, now)
    const due = yield* store.read((prepare) =>
      ExecutionTable.dueClocks(prepare, owner.runner, { time, limit: together })
    )
    const going = yield* Effect.forEach(due, (clock) => Effect.forkIn(goOff(clock), scope, { startImmediately: true }))
    yield* Effect.raceFirst(Fiber.joinAll(going), Effect.sleep(patience))
    sleeping = undefined
  })

  return {
    /** Whether a clock goes off before the one that is slept for. */
    isNext: (due: number) => sleeping === undefined || due < sleeping.clock.due,
    forever: Effect.forever(step).pipe(
      Effect.tapDefect((defect) =>
        Effect.logError("Looking for what is due failed, and is tried again in a second.", defect)
      ),
      Effect.sandbox,
      Effect.retry({ schedule: Schedule.spaced("1 second") })
    )
  }
}

const isSame = (a: Clock | undefined, b: Clock | undefined): boolean =>
  a?.due === b?.due && a?.name === b?.name && a?.execution === b?.execution
