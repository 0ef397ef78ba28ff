/**
 * The embedded engine: Effect workflows on one SQLite file, without a server.
 *
 * One row for each finished stage, written in the same transaction as its facts. Executions that wait hold no memory.
 * Several processes may have the store open: each runs what it started or took over from a dead one, and wakes the
 * others by writing.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Durable from "../Durable.ts"
import * as ExecutionTable from "../internal/ExecutionTable.ts"
import * as EngineStore from "../internal/EngineStore.ts"
import * as History from "../internal/History.ts"
import * as Ownership from "../internal/Ownership.ts"
import * as StoredExit from "../internal/StoredExit.ts"
import * as WakeUps from "../internal/WakeUps.ts"
import type * as Journal from "../Journal.ts"
import * as JournalTable from "../internal/JournalTable.ts"
import * as Redaction from "../Redaction.ts"
import * as Runner from "../Runner.ts"
import * as Sqlite from "../Sqlite.ts"

const { Workflow, WorkflowEngine } = Durable

/** How the engine behaves. */
export interface Options {
  /**
   * Takes over executions whose process is gone as soon as their workflow is registered (default). Without it, an
   * execution goes on only where it is resumed by name.
   */
  readonly adopt?: boolean
}

/** An engine on a store. Provides also the way to learn that it can no longer write. */
export const layer = (options: Options = {}): Layer.Layer<Durable.Engine, Journal.JournalError, Sqlite.Sqlite> =>
  Layer.effectContext(make(options)).pipe(Layer.provide(Runner.layer))

const make = Effect.fnUntraced(function* (options: Options) {
  const sqlite = yield* Sqlite.Sqlite
  const runner = yield* Runner.Runner
  const store = EngineStore.make(sqlite)
  const { flush, read, registered, resultOf, write } = store
  const ownership = yield* Ownership.make(store, runner, () => engine)
  const { live, owner, scope, start, startIfPossible, stop, wakes } = ownership
  const wakeUps = WakeUps.make(store, ownership, () => engine)

  /** Whether another living process has an execution. That one is told that it was woken. */
  const isTold = ({ runner: other }: ExecutionTable.Row): boolean => {
    if (other === null || other === runner.id || !runner.isAlive(other)) return false
    runner.ring(other)
    return true
  }

  /** Runs what was woken, here or where it belongs. */
  const goOn = (row: ExecutionTable.Row | undefined) => (row === undefined || isTold(row) ? Effect.void : start(row.id))

  const interrupt = Effect.fnUntraced(function* (executionId: string, how: ExecutionTable.Interrupted) {
    const row = yield* write((prepare) => ExecutionTable.interrupt(prepare, executionId, how))
    if (row !== undefined && !isTold(row)) yield* stop(executionId, how)
  })

  const engine: Durable.WorkflowEngine.WorkflowEngine["Service"] = WorkflowEngine.makeUnsafe({
    register: Effect.fnUntraced(function* (workflow, execute) {
      registered.set(workflow._tag, yield* EngineStore.register(workflow, execute))
      if (options.adopt === false) return
      const gone = yield* read((prepare) => ExecutionTable.gone(prepare, owner))
      if (gone.length > 0) {
        yield* write((prepare) => {
          for (const from of gone) ExecutionTable.inherit(prepare, workflow._tag, { from, by: runner.id })
          store.touch(Ownership.clocks)
        })
      }
      const orphans = yield* read((prepare) => ExecutionTable.adoptable(prepare, workflow._tag))
      yield* Effect.forEach(orphans, startIfPossible, { concurrency: 50, discard: true })
    }),
    execute: Effect.fnUntraced(function* (workflow, call) {
      const entry = registered.get(workflow._tag)
      if (entry === undefined) return yield* Effect.die(`The line ${workflow._tag} is not registered with this engine`)
      const payload = JSON.stringify(yield* Effect.orDie(Schema.encodeEffect(entry.payload)(call.payload)))
      const written = yield* EngineStore.facts
      const insert = write((prepare) => {
        // A start whose facts stand already is somebody else's, under the same name.
        const isTaken = written.outbox?.entries.some(
          ({ key }) => key !== undefined && JournalTable.stands(prepare, key)
        )
        if (isTaken === true) return undefined
        const parent = call.detached === true ? null : (call.parent?.executionId ?? null)
        const row = { id: call.executionId, workflow: workflow._tag, payload, parent, runner: runner.id }
        const isNew = ExecutionTable.insert(prepare, row)
        if (isNew) flush(prepare, written, isNew)
        return isNew ? ({ ...row, status: "running", wake: 0, interrupted: 0, result: null } as const) : undefined
      })
      // Whatever happens to the caller, an execution that is stored as running is run.
      const fresh = yield* Effect.uninterruptible(
        Effect.tap(insert, (row) => (row === undefined ? Effect.void : start(row.id, row)))
      )
      if (call.discard) return undefined as never
      // Whoever waits for an execution whose process is gone takes it over: nobody else would go on with it.
      if (fresh === undefined && (yield* ownership.isOrphan(call.executionId))) yield* start(call.executionId)
      const fiber = live.get(call.executionId)?.fiber
      if (fiber !== undefined) yield* Fiber.await(fiber)
      const result = yield* resultOf(call.executionId)
      return Option.getOrElse(result, () => new Workflow.Suspended({})) as never
    }),
    awaitComplete: (_workflow, executionId) =>
      store
        .until(Ownership.completed(executionId), (prepare) => {
          const row = ExecutionTable.find(prepare, executionId)
          return row === undefined || row.status === "complete" ? true : undefined
        })
        .pipe(Effect.asVoid),
    poll: (_workflow, executionId) => resultOf(executionId),
    interrupt: (_workflow, executionId) => interrupt(executionId, 1),
    interruptUnsafe: (_workflow, executionId) => interrupt(executionId, 2),
    resume: Effect.fnUntraced(function* (_workflow, executionId) {
      const written = yield* EngineStore.facts
      const row = yield* write((prepare) => {
        flush(prepare, written, true)
        return ExecutionTable.wake(prepare, executionId)
      })
      yield* goOn(row)
    }),
    activityExecute: Effect.fnUntraced(function* (activity, attempt) {
      const instance = yield* WorkflowEngine.WorkflowInstance
      const written = yield* EngineStore.facts
      const run = live.get(instance.executionId)
      const name = ExecutionTable.activityKey(activity.name, attempt)
      const key = [instance.executionId, activity.name, attempt] as const
      const stored =
        run !== undefined && !run.stored.has(name)
          ? undefined
          : yield* read((prepare) => ExecutionTable.activity(prepare, key))
      if (stored !== undefined) {
        if (written.outbox !== undefined) written.outbox.isWritten = true
        return new Workflow.Complete({ exit: yield* StoredExit.decode(stored) })
      }
      if (run !== undefined && run.interrupted > 0 && !instance.interrupted) return new Workflow.Suspended({})
      const own = WorkflowEngine.WorkflowInstance.initial(instance.workflow, instance.executionId)
      own.interrupted = instance.interrupted
      const result = yield* activity.executeEncoded.pipe(
        Workflow.intoResult,
        Effect.provideService(WorkflowEngine.WorkflowInstance, own)
      )
      if (result._tag === "Suspended") return result
      const encoded = Redaction.scrub(yield* StoredExit.encode(result.exit), written.secrets)
      const stands = yield* write((prepare) => {
        const isFirst = ExecutionTable.finish(prepare, key, encoded)
        flush(prepare, written, isFirst)
        // Before the next step begins, whoever asked until now is heard.
        if (run?.interrupted === 0 && ExecutionTable.isInterrupted(prepare, instance.executionId)) run.interrupted = 1
        return isFirst ? encoded : (ExecutionTable.activity(prepare, key) ?? encoded)
      })
      run?.stored.add(name)
      return new Workflow.Complete({ exit: yield* StoredExit.decode(stands) })
    }),
    deferredResult: Effect.fnUntraced(function* (deferred) {
      const instance = yield* WorkflowEngine.WorkflowInstance
      const stored = yield* read((prepare) => ExecutionTable.deferred(prepare, instance.executionId, deferred.name))
      return stored === undefined ? Option.none() : Option.some(yield* StoredExit.decode(stored))
    }),
    deferredDone: Effect.fnUntraced(function* (done) {
      const written = yield* EngineStore.facts
      const encoded = yield* StoredExit.encode(done.exit)
      const { isFirst, row } = yield* write((prepare) => {
        const isFirst = ExecutionTable.answer(prepare, [done.executionId, done.deferredName], encoded)
        flush(prepare, written, isFirst)
        return { isFirst, row: isFirst ? ExecutionTable.wake(prepare, done.executionId) : undefined }
      })
      if (!isFirst) return
      const isOurs = row?.runner === runner.id || options.adopt !== false
      const wake = Effect.andThen(
        wakes.deferredDone(done.executionId, done.deferredName),
        row !== undefined && isOurs && registered.has(row.workflow) ? goOn(row) : Effect.sync(() => row && isTold(row))
      )
      const instance = yield* Effect.serviceOption(WorkflowEngine.WorkflowInstance)
      const isOwn = Option.isSome(instance) && instance.value.executionId === done.executionId
      // A run can not wait for its own clean-up.
      yield* isOwn ? Effect.asVoid(Effect.forkIn(wake, scope)) : wake
    }),
    scheduleClock: Effect.fnUntraced(function* (_workflow, { clock, executionId }) {
      const due = (yield* Clock.currentTimeMillis) + Duration.toMillis(clock.duration)
      yield* write((prepare) => {
        ExecutionTable.schedule(prepare, [executionId, clock.deferred.name], due)
        if (wakeUps.isNext(due)) store.touch(Ownership.clocks)
      })
    })
  })

  yield* Effect.forkScoped(wakeUps.forever)

  return Context.make(WorkflowEngine.WorkflowEngine, engine).pipe(
    Context.add(Durable.History, History.make(store, ownership)),
    Context.add(Durable.Failure, sqlite.failure),
    Context.add(Durable.IsRunElsewhere, ownership.isRunElsewhere),
    Context.add(Durable.Supports, {
      persistence: true,
      atomicFacts: true,
      inOrder: true,
      atomicSignals: true,
      atomicResumes: true
    })
  )
})
