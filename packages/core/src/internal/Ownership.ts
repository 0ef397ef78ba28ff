/** The executions that this process runs: it claims one, runs its code, and stores how far that came. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Durable from "../Durable.ts"
import * as ExecutionTable from "./ExecutionTable.ts"
import type * as Runner from "../Runner.ts"
import type * as EngineStore from "./EngineStore.ts"

const { Workflow, WorkflowEngine } = Durable

/** A run of an execution in this process. */
export interface Live {
  instance: Durable.WorkflowEngine.WorkflowInstance["Service"] | undefined
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** Asked to run once more when this run ends. */
  again: boolean
  interrupted: ExecutionTable.Interrupted
  /** Activities with a stored result, by their key: the others need not be looked for. */
  stored: Set<string>
}

/** Runs executions of a store as one of its runners. `engine` is what their code is given. */
export const make = Effect.fnUntraced(function* (
  store: EngineStore.EngineStore,
  runner: Runner.Runner["Service"],
  engine: () => Durable.WorkflowEngine.WorkflowEngine["Service"]
) {
  const { find, read, registered, write } = store
  const owner: ExecutionTable.Owner = { runner: runner.id, isAlive: runner.isAlive }
  const scope = yield* Effect.scope
  // Of its own, so that closing can tell the runs why before it interrupts them.
  const runs = yield* Scope.make()
  const live = new Map<string, Live>()
  const wakes = WorkflowEngine.makeDeferredState()
  /** Executions that could not be started, by the wake that was tried: they are tried again at the next one. */
  const tried = new Map<string, number>()

  /** Runs an execution, or once more when it runs already. `fresh` is one that this process just made. */
  const start = (executionId: string, fresh?: ExecutionTable.Row): Effect.Effect<void> =>
    Effect.uninterruptible(
      Effect.suspend(() => {
        const running = live.get(executionId)
        if (running !== undefined) {
          running.again = true
          return Effect.void
        }
        const run: Live = { instance: undefined, fiber: undefined, again: false, interrupted: 0, stored: new Set() }
        live.set(executionId, run)
        return begin(executionId, run, fresh).pipe(
          Effect.onExit((exit) =>
            Effect.sync(() => {
              if (Exit.isFailure(exit) || !exit.value) live.delete(executionId)
            })
          ),
          Effect.asVoid
        )
      })
    )

  const claim = ({ id, runner: from }: ExecutionTable.Row) =>
    write((prepare) => {
      if (from !== runner.id) store.touch(clocks)
      return ExecutionTable.claim(prepare, id, owner)
    })

  /** Claims an execution and forks its run. Answers `false` when it is not for this process to run. */
  const begin = Effect.fnUntraced(function* (executionId: string, run: Live, fresh: ExecutionTable.Row | undefined) {
    const found = fresh ?? (yield* find(executionId))
    const entry = found === undefined ? undefined : registered.get(found.workflow)
    if (found === undefined || entry === undefined) return false
    const payload = yield* Effect.orDie(Schema.decodeUnknownEffect(entry.payload)(JSON.parse(found.payload)))
    const isClaimed = found.runner === runner.id && found.status === "running"
    const row = isClaimed ? found : yield* claim(found)
    if (row === undefined) return false
    if (fresh === undefined) {
      run.stored = new Set(yield* read((prepare) => ExecutionTable.finished(prepare, executionId)))
    }
    tried.delete(executionId)
    const instance = WorkflowEngine.WorkflowInstance.initial(entry.workflow, executionId)
    run.instance = instance
    // It may have been asked to stop since it was claimed.
    if (row.interrupted > run.interrupted) run.interrupted = row.interrupted
    run.fiber = yield* entry.execute(payload, executionId).pipe(
      Effect.onExit((exit) => stopIfInterrupted(run, instance, exit)),
      Workflow.intoResult,
      Effect.provideService(WorkflowEngine.WorkflowEngine, engine()),
      Effect.provideService(Durable.Outbox, undefined),
      (effect) => wakes.trackRun(instance, effect),
      Effect.onExit((exit) => settle(row, entry, exit)),
      // Whoever interrupts it interrupts the code; what that comes to is stored.
      Effect.uninterruptible,
      Effect.forkIn(runs),
      // Of whoever starts or wakes it nothing comes into a run: in its next life that would not be there.
      Effect.updateContext((_: Context.Context<never>) => entry.services)
    )
    return true
  })

  /** An interrupted execution stops where it would wait, or at once, and its compensations run. */
  const stopIfInterrupted = (
    run: Live,
    instance: Durable.WorkflowEngine.WorkflowInstance["Service"],
    exit: Exit.Exit<unknown, unknown>
  ) =>
    Effect.suspend(() => {
      const isStopping =
        instance.suspended ||
        run.interrupted === 2 ||
        (Context.get(instance.workflow.annotations, Workflow.SuspendOnFailure) && Exit.isFailure(exit))
      if (run.interrupted === 0 || !isStopping || instance.abandoned) return Effect.void
      instance.interrupted = true
      instance.suspended = false
      return Effect.withFiber((fiber) => Effect.interruptible(Fiber.interrupt(fiber)))
    })

  /** Stores how far a run came. It counts as running here until that is written, so that nobody begins another one. */
  const settle = (
    row: ExecutionTable.Row,
    entry: EngineStore.Registered,
    exit: Exit.Exit<Durable.Workflow.Result<unknown, unknown>>
  ) =>
    Effect.gen(function* () {
      if (Exit.isFailure(exit)) return
      const result = exit.value
      if (result._tag === "Complete") {
        const encoded = JSON.stringify(yield* Effect.orDie(Schema.encodeEffect(entry.result)(result)))
        yield* write((prepare) => {
          ExecutionTable.complete(prepare, row.id, encoded)
          store.touch(completed(row.id))
          if (row.parent !== null) ExecutionTable.wake(prepare, row.parent)
        })
        if (row.parent !== null) yield* Effect.forkIn(start(row.parent), scope)
        return
      }
      const isSuspended = yield* write((prepare) => ExecutionTable.suspend(prepare, row.id, row.wake))
      const again = live.get(row.id)?.again === true
      live.delete(row.id)
      if (again || !isSuspended) yield* Effect.forkIn(start(row.id), scope)
    }).pipe(Effect.ensuring(Effect.sync(() => live.delete(row.id))))

  /** Tells a run here that it shall stop, and stops it when that is meant at once. */
  const stop = Effect.fnUntraced(function* (executionId: string, how: ExecutionTable.Interrupted) {
    const run = live.get(executionId)
    if (run !== undefined && how > run.interrupted) run.interrupted = how
    if (how === 2 && run?.fiber !== undefined) yield* Fiber.interrupt(run.fiber)
    yield* start(executionId)
  })

  // Closing is no failure of the lines: their compensations must not run, they go on elsewhere.
  yield* Scope.addFinalizer(
    scope,
    Effect.suspend(() => {
      for (const { instance } of live.values()) if (instance !== undefined) instance.abandoned = true
      return Effect.andThen(
        Fiber.interruptAll([...live.values()].flatMap(({ fiber }) => fiber ?? [])),
        Scope.close(runs, Exit.void)
      )
    })
  )

  const isRunBy = (executionId: string, is: (owner: string | null) => boolean) =>
    Effect.map(find(executionId), (row) => row !== undefined && row.status !== "complete" && is(row.runner))

  return {
    owner,
    live,
    scope,
    tried,
    wakes,
    start,
    stop,
    /** Starts what nobody asked for just now: one execution that can not go on must not stop the others. */
    startIfPossible: (executionId: string) =>
      Effect.catchCause(start(executionId), (cause) =>
        Effect.logError(`The execution ${executionId} can not be taken up. Resume it by name to see why.`, cause)
      ),
    /** Whether the process of an execution is gone. */
    isOrphan: (executionId: string) => isRunBy(executionId, (owner) => owner === null || !runner.isAlive(owner)),
    /** Whether another living process has an execution. */
    isRunElsewhere: (executionId: string) =>
      isRunBy(executionId, (owner) => owner !== null && owner !== runner.id && runner.isAlive(owner))
  }
})

/** The runs of this process. */
export type Ownership = Effect.Success<ReturnType<typeof make>>

/** What changes when this process has another clock to sleep for. */
export const clocks = "clocks"

/** What changes when an execution completes. */
export const completed = (executionId: string): string => `completed/${executionId}`
