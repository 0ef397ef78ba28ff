/**
 * The **clock** of a gate: reminds, escalates and ends the wait, by the plan of the question. One durable clock at a time
 * stands for the next step, so a line that waits holds nothing, and a step that was due while no process lived is made up
 * for by the next one that does.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Actor from "../Actor.ts"
import * as Durable from "../Durable.ts"
import * as GateDesk from "../GateDesk.ts"
import * as GatePlan from "../GatePlan.ts"
import * as GateSight from "../GateSight.ts"
import * as Journal from "../Journal.ts"
import * as Run from "../Run.ts"

/** A gate of a line that waits. */
export interface Waiting {
  readonly run: Run.Run["Service"]
  /** The id of the gate, and its key among the steps of the run. */
  readonly id: string
  readonly key: string
  readonly deferred: Deferred
  readonly plan: GatePlan.Plan
  /** What the host answers when the time is over; `null` for a gate that fails then. */
  readonly fallback: Schema.Json
}

type Deferred = Durable.DurableDeferred.DurableDeferred<Schema.Constraint>

const clockOf = ({ key }: Waiting, index: number, duration = 0) =>
  Durable.DurableClock.make({ name: `${key}-${index + 1}`, duration })

const engineOf = ({ run }: Waiting) => Context.get(run.execution, Durable.WorkflowEngine.WorkflowEngine)
const instanceOf = ({ run }: Waiting) => Context.get(run.execution, Durable.WorkflowEngine.WorkflowInstance)

/** Sets the clock of a step, at a gate that was opened then, in milliseconds since 1970. The first setting stands. */
export const set = (waiting: Waiting, index: number, opened: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const step = waiting.plan[index]
    if (step === undefined) return
    const { executionId, workflow } = instanceOf(waiting)
    const left = Math.max(1, opened + step.at - (yield* Clock.currentTimeMillis))
    yield* engineOf(waiting).scheduleClock(workflow, { executionId, clock: clockOf(waiting, index, left) })
  })

/**
 * Waits, and meanwhile does what is due at a gate that was opened then. What became due while no process lived is done
 * first.
 */
export const tend = <A, E, R>(waiting: Waiting, opened: number, wait: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const { plan } = waiting
    let next = 0
    while (next < plan.length && (yield* look(waiting, clockOf(waiting, next).deferred))) {
      next = yield* due(waiting, next, opened)
    }
    if (next >= plan.length) return yield* wait
    // Only where another branch keeps the run busy does this live long enough to do anything: a durable clock can not be
    // heard there without stopping that branch.
    const watch = Effect.gen(function* () {
      while (next < plan.length) {
        const now = yield* Clock.currentTimeMillis
        yield* Effect.sleep(Math.max(0, opened + (plan[next]?.at ?? 0) - now))
        next = yield* due(waiting, next, opened)
      }
    })
    const watching = yield* Effect.forkChild(watch)
    const said = yield* wait
    yield* Fiber.interrupt(watching)
    if (next < plan.length) yield* stop(waiting, next)
    return said
  })

/** Does once what is due at a step, and answers with the next one. */
const due = (waiting: Waiting, index: number, opened: number) => {
  const { id, key, plan, run } = waiting
  const activity = Durable.Activity.make({
    name: `${key}-due-${index + 1}`,
    success: Schema.Natural,
    // Whoever interrupts it wants the run to stop.
    interruptRetryPolicy: Schedule.recurs(0).pipe(Schedule.setInputType<Cause.Cause<unknown>>()),
    execute: Effect.gen(function* () {
      if (yield* isDone(waiting, waiting.deferred)) return plan.length
      const elapsed = (yield* Clock.currentTimeMillis) - opened
      const at = GatePlan.reached(plan, { elapsed, from: index })
      const { level, to = null } = plan[at] ?? {}
      if (level === undefined) {
        yield* expire(waiting)
        return plan.length
      }
      const told = yield* Run.key(run, `gate/${id}/reminded/${at + 1}`)
      yield* Journal.record({ _tag: "GateReminded", gate: id, level, to }, told)
      yield* set(waiting, at + 1, opened)
      return at + 1
    }).pipe(
      // A journal that can not be written leaves nothing behind; the engine tells whoever waits.
      Effect.catchIf(
        (error): error is Journal.JournalError => error instanceof Journal.JournalError,
        () => Durable.suspend
      )
    )
  })
  return Effect.provideContext(activity, run.execution)
}

/** Answers as the host, unless somebody was faster. */
const expire = ({ fallback, id }: Waiting) =>
  Effect.flatMap(GateSight.look(id), (sight) =>
    GateDesk.deliver(sight, { answer: fallback, by: { actor: Actor.host }, timedOut: true })
  )

/** Takes the next clock away, so that it does not wake a line that has its answer. */
const stop = (waiting: Waiting, index: number) => {
  const { executionId, workflow } = instanceOf(waiting)
  const { deferred } = clockOf(waiting, index)
  const of = { workflowName: workflow._tag, executionId, deferredName: deferred.name, exit: Exit.void }
  return Effect.provideContext(engineOf(waiting).deferredDone(deferred, of), waiting.run.execution)
}

const isDone = (waiting: Waiting, deferred: Deferred) =>
  Effect.provideContext(
    Effect.map(engineOf(waiting).deferredResult(deferred), (exit) => Option.isSome(exit)),
    waiting.run.execution
  )

/** The same between the steps of a line: the run must not stop to wait elsewhere while it looks. */
const look = (waiting: Waiting, deferred: Deferred) =>
  Effect.provideContext(
    Durable.Workflow.wrapActivityResult(isDone(waiting, deferred), () => false),
    waiting.run.execution
  )
