/**
 * Taking back what a run did, when it fails, is stopped or goes back: the last stage first. What its children did comes
 * before that, where they are stopped with it.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Durable from "../Durable.ts"
import type * as FactoryEvent from "../FactoryEvent.ts"
import * as Journal from "../Journal.ts"
import * as Run from "../Run.ts"
import * as LineControl from "./LineControl.ts"

type Standing = Run.Run["Service"]

/** Undoes the stages that are meant, and that this life has come by. */
const undo = (run: Standing, isMeant: (stage: string) => boolean) =>
  Effect.gen(function* () {
    const { undos } = run.life
    for (const { stage, undo } of undos.toReversed()) {
      if (yield* isAbandoned(run)) return
      if (!isMeant(stage)) continue
      yield* undo
      undos.splice(
        undos.findIndex((each) => each.stage === stage),
        1
      )
    }
  })

/** Undoes what a run did that failed or was stopped, and says so. `isStopped`: from outside, together with its children. */
export const atEnd = (run: Standing, isStopped: boolean): Effect.Effect<void, never, Journal.Journal> =>
  Effect.gen(function* () {
    const end = yield* endOf(run)
    if (end !== undefined && isStopped) {
      const reason = end.fact._tag === "LineFailed" ? end.fact.fault.message : end.fact.reason
      yield* stopChildren(run, () => true, LineControl.stopped(run.id, { reason, by: end.actor }))
    }
    yield* undo(run, () => true)
    // The process closes. The run is not over for the engine then, and goes on to be undone elsewhere.
    if (yield* isAbandoned(run)) return yield* Effect.interrupt
    if (end?.fact.undoing !== true) return
    yield* Journal.record({ _tag: "LineUndone" }, yield* Run.key(run, "undone"))
  }).pipe(
    Effect.orDie,
    // The fibre that undoes may be one that is being interrupted, and a stage in it would be too.
    Effect.forkDetach({ startImmediately: true }),
    Effect.flatMap(Fiber.join)
  )

/**
 * Goes back: comes once more by what the run did, undoes what is to be forgotten, and forgets it. Ends this life; the next
 * one goes on from there.
 */
export const rewind = Effect.fnUntraced(function* (
  run: Standing,
  code: Effect.Effect<unknown, unknown, Run.Run>,
  rewinding: NonNullable<Run.Past["rewinding"]>
) {
  const { finished } = yield* run.life.past
  const retracing = Effect.provideService(code, Run.Run, { ...run, retraced: new Set(finished) })
  yield* Fiber.await(yield* Effect.forkChild(retracing))
  const { dropped } = yield* LineControl.forgetting(run.id, rewinding)
  const isMeant = (stage: string) => dropped.includes(stage)
  yield* stopChildren(run, isMeant, LineControl.orphaned(run.id, rewinding.by))
  yield* undo(run, isMeant)
  // What was undone meanwhile is forgotten too.
  const { forget, isEnded } = yield* LineControl.forgetting(run.id, rewinding)
  if (!isEnded) yield* Effect.provideContext(forget, run.execution)
  return yield* Effect.provideContext(Durable.suspend, run.execution)
})

type End = FactoryEvent.FactoryEvent & {
  readonly fact: Extract<FactoryEvent.Fact, { readonly _tag: "LineFailed" | "LineParked" | "LineCancelled" }>
}

const isEnd = (event: FactoryEvent.FactoryEvent): event is End =>
  event.fact._tag === "LineFailed" || event.fact._tag === "LineParked" || event.fact._tag === "LineCancelled"

/** The fact that ended the run, unless the process closes and the run goes on. */
const endOf = ({ id }: Standing) =>
  Journal.fold<End | undefined>(
    undefined,
    (end, event) => (isEnd(event) ? event : event.fact._tag === "LineRewound" ? undefined : end),
    id
  )

/** Cancels the children of stages that are meant, and waits until what they did is undone. */
const stopChildren = (run: Standing, isMeant: (stage: string) => boolean, why: LineControl.Because) =>
  Effect.gen(function* () {
    const all = yield* LineControl.childrenOf(run.id, { stages: [...run.life.asked] })
    const children = all.filter(({ parent }) => isMeant(parent?.stage ?? ""))
    yield* LineControl.cancelAll(children, why)
    const abandoned = Effect.repeat(Effect.andThen(Effect.sleep("200 millis"), isAbandoned(run)), {
      until: (isAbandoned) => isAbandoned
    })
    for (const child of children) yield* Effect.raceFirst(LineControl.ended(child.run), abandoned)
  }).pipe(Effect.provideContext(run.execution))

const isAbandoned = ({ execution }: Standing) =>
  Effect.provideContext(
    Effect.map(Durable.WorkflowEngine.WorkflowInstance, ({ abandoned }) => abandoned),
    execution
  )

/**
 * Tells the engine that a run was stopped: whoever did it may not have lived to. The run is undone as soon as it comes to
 * something new.
 */
export const heed = ({ execution }: Standing): Effect.Effect<void> =>
  Effect.gen(function* () {
    const engine = yield* Durable.WorkflowEngine.WorkflowEngine
    const { executionId, workflow } = yield* Durable.WorkflowEngine.WorkflowInstance
    yield* engine.interrupt(workflow, executionId)
  }).pipe(Effect.provideContext(execution))
