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
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Durable from "../Durable.ts"
import * as ExecutionTable from "../ExecutionTable.ts"
import * as ExecutionHistory from "../internal/ExecutionHistory.ts"
import * as Journal from "../Journal.ts"
import * as JournalTable from "../JournalTable.ts"
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

type Handler = (payload: object, executionId: string) => Effect.Effect<unknown, unknown, Durable.Execution>

interface Registered {
  readonly workflow: Durable.Workflow.Any
  readonly execute: Handler
  readonly payload: Schema.Codec<object, unknown>
  readonly result: Schema.Codec<Durable.Workflow.Result<unknown, unknown>, unknown>
}

/** A run of an execution in this process. */
interface Live {
  instance: Durable.WorkflowEngine.WorkflowInstance["Service"] | undefined
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** Asked to run once more when this run ends. */
  again: boolean
}

/** The facts of a result, and what must not be in them. */
const facts = Effect.gen(function* () {
  return { outbox: yield* Durable.Outbox, secrets: yield* Redaction.Secrets }
})
type Facts = Effect.Success<typeof facts>

const StoredExit = Schema.fromJsonString(Schema.toCodecJson(Schema.Exit(Schema.Any, Schema.Any, Schema.Defect())))

const make = Effect.fnUntraced(function* (options: Options) {
  const sqlite = yield* Sqlite.Sqlite
  const runner = yield* Runner.Runner
  const owner = { runner: runner.id, isAlive: runner.isAlive }
  const scope = yield* Effect.scope
  // Of its own, so that closing can tell the runs why before it interrupts them.
  const runs = yield* Scope.make()
  const registered = new Map<string, Registered>()
  const live = new Map<string, Live>()
  const wakes = WorkflowEngine.makeDeferredState()
  // A store that fails ends the run without a result; `Durable.Failure` tells whoever waits for it.
  const write = <A>(run: (prepare: Sqlite.Prepare) => A) => Effect.orDie(sqlite.write(run))
  const read = <A>(run: (prepare: Sqlite.Prepare) => A) => Effect.orDie(sqlite.read(run))

  /** Writes the facts that belong to a result in the result's transaction. */
  const flush = (prepare: Sqlite.Prepare, { outbox, secrets }: Facts) => {
    if (outbox === undefined) return
    JournalTable.append(prepare, Journal.scrub(outbox.entries, secrets))
    outbox.isWritten = true
  }

  const start = (executionId: string): Effect.Effect<void> =>
    Effect.uninterruptible(
      Effect.suspend(() => {
        const running = live.get(executionId)
        if (running !== undefined) {
          running.again = true
          return Effect.void
        }
        const run: Live = { instance: undefined, fiber: undefined, again: false }
        live.set(executionId, run)
        return begin(executionId, run).pipe(
          Effect.onExit((exit) =>
            Effect.sync(() => {
              if (Exit.isFailure(exit) || !exit.value) live.delete(executionId)
            })
          ),
          Effect.asVoid
        )
      })
    )

  /** Starts what nobody asked for just now: one execution that can not go on must not stop the others. */
  const startIfPossible = (executionId: string) =>
    Effect.catchCause(start(executionId), (cause) =>
      Effect.logError(`The execution ${executionId} can not be taken up. Resume it by name to see why.`, cause)
    )

  /** Claims an execution and forks its run. Answers `false` when it is not for this process to run. */
  const begin = Effect.fnUntraced(function* (executionId: string, run: Live) {
    const found = yield* read((prepare) => ExecutionTable.find(prepare, executionId))
    const entry = found === undefined ? undefined : registered.get(found.workflow)
    if (entry === undefined) return false
    const payload = yield* Effect.orDie(Schema.decodeUnknownEffect(entry.payload)(JSON.parse(found?.payload ?? "null")))
    const row = yield* write((prepare) => ExecutionTable.claim(prepare, executionId, owner))
    if (row === undefined) return false
    const instance = WorkflowEngine.WorkflowInstance.initial(entry.workflow, executionId)
    run.instance = instance
    run.fiber = yield* entry.execute(payload, executionId).pipe(
      Effect.onExit((exit) => stopIfInterrupted(row, instance, exit)),
      Workflow.intoResult,
      Effect.provideService(WorkflowEngine.WorkflowEngine, engine),
      Effect.provideService(Durable.Outbox, undefined),
      (effect) => wakes.trackRun(instance, effect),
      Effect.onExit((exit) => settle({ row, entry, run }, exit)),
      Effect.forkIn(runs)
    )
    return true
  })

  /** An interrupted execution stops where it would wait, and its compensations run. */
  const stopIfInterrupted = (
    row: ExecutionTable.Row,
    instance: Durable.WorkflowEngine.WorkflowInstance["Service"],
    exit: Exit.Exit<unknown, unknown>
  ) =>
    Effect.gen(function* () {
      const now = yield* read((prepare) => ExecutionTable.find(prepare, row.id))
      const isStopping =
        instance.suspended ||
        (Context.get(instance.workflow.annotations, Workflow.SuspendOnFailure) && Exit.isFailure(exit))
      if (now?.interrupted !== 1 || !isStopping || instance.abandoned) return
      instance.interrupted = true
      instance.suspended = false
      yield* Effect.withFiber((fiber) => Effect.interruptible(Fiber.interrupt(fiber)))
    })

  const settle = (
    { entry, row, run }: { readonly row: ExecutionTable.Row; readonly entry: Registered; readonly run: Live },
    exit: Exit.Exit<Durable.Workflow.Result<unknown, unknown>>
  ) =>
    Effect.gen(function* () {
      if (Exit.isFailure(exit)) return
      const result = exit.value
      if (result._tag === "Complete") {
        const encoded = JSON.stringify(yield* Effect.orDie(Schema.encodeEffect(entry.result)(result)))
        yield* write((prepare) => {
          ExecutionTable.complete(prepare, row.id, encoded)
          if (row.parent !== null) ExecutionTable.wake(prepare, row.parent)
        })
        if (row.parent !== null) yield* Effect.forkIn(start(row.parent), scope)
        return
      }
      const isSuspended = yield* write((prepare) => ExecutionTable.suspend(prepare, row.id, row.wake))
      live.delete(row.id)
      if (run.again || !isSuspended) yield* Effect.forkIn(start(row.id), scope)
    }).pipe(
      // Until its end is stored, the execution is one that runs here.
      Effect.ensuring(Effect.sync(() => live.get(row.id) === run && live.delete(row.id))),
      Effect.uninterruptible
    )

  const resultOf = Effect.fnUntraced(function* (executionId: string) {
    const row = yield* read((prepare) => ExecutionTable.find(prepare, executionId))
    const entry = row === undefined ? undefined : registered.get(row.workflow)
    if (row === undefined) return Option.none<Durable.Workflow.Result<unknown, unknown>>()
    if (row.status === "complete" && entry !== undefined && row.result !== null) {
      return Option.some(yield* Effect.orDie(Schema.decodeUnknownEffect(entry.result)(JSON.parse(row.result))))
    }
    return row.status === "suspended"
      ? Option.some<Durable.Workflow.Result<unknown, unknown>>(new Workflow.Suspended({}))
      : Option.none<Durable.Workflow.Result<unknown, unknown>>()
  })

  const wakeUp = Effect.fnUntraced(function* (executionId: string) {
    yield* write((prepare) => ExecutionTable.wake(prepare, executionId))
    yield* start(executionId)
  })

  const engine = WorkflowEngine.makeUnsafe({
    register: Effect.fnUntraced(function* (workflow, execute) {
      registered.set(workflow._tag, {
        workflow,
        execute,
        // A workflow's schemas need no services: lines are data.
        payload: Schema.toCodecJson(workflow.payloadSchema) as unknown as Registered["payload"],
        result: Schema.toCodecJson(
          Workflow.Result({ success: workflow.successSchema, error: workflow.errorSchema })
        ) as unknown as Registered["result"]
      })
      if (options.adopt === false) return
      const orphans = yield* read((prepare) => ExecutionTable.adoptable(prepare, workflow._tag))
      for (const row of orphans) yield* startIfPossible(row.id)
    }),
    execute: Effect.fnUntraced(function* (workflow, call) {
      const entry = registered.get(workflow._tag)
      if (entry === undefined) return yield* Effect.die(`The line ${workflow._tag} is not registered with this engine`)
      const payload = JSON.stringify(yield* Effect.orDie(Schema.encodeEffect(entry.payload)(call.payload)))
      const written = yield* facts
      const insert = write((prepare) => {
        // A start whose facts stand already is somebody else's, under the same name.
        const isTaken = written.outbox?.entries.some(
          ({ key }) => key !== undefined && JournalTable.stands(prepare, key)
        )
        if (isTaken === true || ExecutionTable.find(prepare, call.executionId) !== undefined) return false
        const parent = call.detached === true ? null : (call.parent?.executionId ?? null)
        ExecutionTable.insert(prepare, {
          id: call.executionId,
          workflow: workflow._tag,
          payload,
          parent,
          runner: runner.id
        })
        flush(prepare, written)
        return true
      })
      // Whatever happens to the caller, an execution that is stored as running is run.
      const isNew = yield* Effect.uninterruptible(
        Effect.tap(insert, (isNew) => (isNew ? start(call.executionId) : Effect.void))
      )
      if (call.discard) return undefined as never
      // Whoever waits for an execution whose process is gone takes it over: nobody else would go on with it.
      if (!isNew && (yield* isOrphan(call.executionId))) yield* start(call.executionId)
      const fiber = live.get(call.executionId)?.fiber
      if (fiber !== undefined) yield* Fiber.await(fiber)
      const result = yield* resultOf(call.executionId)
      return Option.getOrElse(result, () => new Workflow.Suspended({})) as never
    }),
    awaitComplete: (_workflow, executionId) =>
      Effect.gen(function* () {
        while (true) {
          const version = yield* sqlite.version
          const row = yield* read((prepare) => ExecutionTable.find(prepare, executionId))
          if (row === undefined || row.status === "complete") return
          yield* sqlite.awaitPast(version)
        }
      }),
    poll: (_workflow, executionId) => resultOf(executionId),
    interrupt: (_workflow, executionId) =>
      Effect.andThen(
        write((prepare) => ExecutionTable.interrupt(prepare, executionId)),
        start(executionId)
      ),
    interruptUnsafe: (_workflow, executionId) =>
      Effect.gen(function* () {
        yield* write((prepare) => ExecutionTable.interrupt(prepare, executionId))
        const fiber = live.get(executionId)?.fiber
        if (fiber !== undefined) yield* Fiber.interrupt(fiber)
        yield* start(executionId)
      }),
    resume: (_workflow, executionId) => wakeUp(executionId),
    activityExecute: Effect.fnUntraced(function* (activity, attempt) {
      const instance = yield* WorkflowEngine.WorkflowInstance
      const written = yield* facts
      const key = [instance.executionId, activity.name, attempt] as const
      const stored = yield* read((prepare) => ExecutionTable.activity(prepare, key))
      if (stored !== undefined) {
        if (written.outbox !== undefined) written.outbox.isWritten = true
        return new Workflow.Complete({ exit: yield* Effect.orDie(Schema.decodeEffect(StoredExit)(stored)) })
      }
      const row = yield* read((prepare) => ExecutionTable.find(prepare, instance.executionId))
      if (row?.interrupted === 1 && !instance.interrupted) return new Workflow.Suspended({})
      const own = WorkflowEngine.WorkflowInstance.initial(instance.workflow, instance.executionId)
      own.interrupted = instance.interrupted
      const result = yield* activity.executeEncoded.pipe(
        Workflow.intoResult,
        Effect.provideService(WorkflowEngine.WorkflowInstance, own)
      )
      if (result._tag === "Suspended") return result
      // What is stored is what everybody gets, the first run as well as a replay.
      const encoded = Redaction.scrub(
        yield* Effect.orDie(Schema.encodeEffect(StoredExit)(result.exit)),
        written.secrets
      )
      yield* write((prepare) => {
        ExecutionTable.finish(prepare, key, encoded)
        flush(prepare, written)
      })
      return new Workflow.Complete({ exit: yield* Effect.orDie(Schema.decodeEffect(StoredExit)(encoded)) })
    }),
    deferredResult: Effect.fnUntraced(function* (deferred) {
      const instance = yield* WorkflowEngine.WorkflowInstance
      const stored = yield* read((prepare) => ExecutionTable.deferred(prepare, instance.executionId, deferred.name))
      return stored === undefined
        ? Option.none()
        : Option.some(yield* Effect.orDie(Schema.decodeEffect(StoredExit)(stored)))
    }),
    deferredDone: Effect.fnUntraced(function* (done) {
      const written = yield* facts
      const encoded = yield* Effect.orDie(Schema.encodeEffect(StoredExit)(done.exit))
      const isFirst = yield* write((prepare) => {
        const isFirst = ExecutionTable.answer(prepare, [done.executionId, done.deferredName], encoded)
        if (isFirst) {
          ExecutionTable.wake(prepare, done.executionId)
          flush(prepare, written)
        } else if (written.outbox !== undefined) {
          written.outbox.isWritten = true
        }
        return isFirst
      })
      if (!isFirst) return
      const wake = Effect.andThen(wakes.deferredDone(done.executionId, done.deferredName), wakeOwned(done.executionId))
      const instance = yield* Effect.serviceOption(WorkflowEngine.WorkflowInstance)
      const isOwn = Option.isSome(instance) && instance.value.executionId === done.executionId
      // A run can not wait for its own clean-up.
      yield* isOwn ? Effect.asVoid(Effect.forkIn(wake, scope)) : wake
    }),
    scheduleClock: Effect.fnUntraced(function* (_workflow, { clock, executionId }) {
      const due = (yield* Clock.currentTimeMillis) + Duration.toMillis(clock.duration)
      yield* write((prepare) => ExecutionTable.schedule(prepare, [executionId, clock.deferred.name], due))
    })
  })

  /** Starts an execution that this process owns; another process's is woken by what was written. */
  const wakeOwned = Effect.fnUntraced(function* (executionId: string) {
    const row = yield* read((prepare) => ExecutionTable.find(prepare, executionId))
    if (row?.runner === runner.id && registered.has(row.workflow)) yield* start(executionId)
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

  const wakeUps = Effect.gen(function* () {
    while (true) {
      const version = yield* sqlite.version
      const woken = yield* read((prepare) => ExecutionTable.woken(prepare, runner.id))
      for (const row of woken) if (!live.has(row.id)) yield* startIfPossible(row.id)
      const clock = yield* read((prepare) => ExecutionTable.nextClock(prepare, runner.id))
      const now = yield* Clock.currentTimeMillis
      if (clock !== undefined && clock.due <= now) {
        yield* engine.deferredDone(Durable.DurableDeferred.make(clock.name), {
          workflowName: clock.workflow,
          executionId: clock.execution,
          deferredName: clock.name,
          exit: Exit.void
        })
        yield* write((prepare) => ExecutionTable.unschedule(prepare, clock))
        continue
      }
      const changed = sqlite.awaitPast(version)
      yield* clock === undefined ? changed : Effect.raceFirst(changed, Effect.sleep(clock.due - now))
    }
  })
  yield* wakeUps.pipe(
    Effect.tapDefect((defect) =>
      Effect.logError("Looking for what is due failed, and is tried again in a second.", defect)
    ),
    Effect.sandbox,
    Effect.retry({ schedule: Schedule.spaced("1 second") }),
    Effect.forkScoped
  )

  const isOrphan = (executionId: string) =>
    Effect.map(
      read((prepare) => ExecutionTable.find(prepare, executionId)),
      (row) => row !== undefined && row.status !== "complete" && (row.runner === null || !runner.isAlive(row.runner))
    )

  const isRunElsewhere = (executionId: string) =>
    Effect.map(
      read((prepare) => ExecutionTable.find(prepare, executionId)),
      (row) => row !== undefined && row.runner !== null && row.runner !== runner.id && runner.isAlive(row.runner)
    )

  const history: Durable.History = {
    forget: Effect.fnUntraced(function* (executionId, isKept) {
      const written = yield* facts
      return yield* write((prepare) => {
        const row = ExecutionTable.find(prepare, executionId)
        if (row === undefined) return false
        const isRun = row.runner === runner.id ? live.has(row.id) : row.runner !== null && runner.isAlive(row.runner)
        if (row.status === "running" && isRun) return false
        ExecutionHistory.forget(prepare, executionId, isKept)
        flush(prepare, written)
        return true
      })
    }),
    fork: Effect.fnUntraced(function* (executionId, to) {
      const written = yield* facts
      const insert = write((prepare) => {
        const from = ExecutionTable.find(prepare, executionId)
        const isTaken = written.outbox?.entries.some(
          ({ key }) => key !== undefined && JournalTable.stands(prepare, key)
        )
        if (from === undefined || isTaken === true) return false
        if (!ExecutionHistory.copy(prepare, from, { ...to, runner: runner.id })) return false
        flush(prepare, written)
        return true
      })
      yield* Effect.uninterruptible(Effect.tap(insert, (isNew) => (isNew ? start(to.execution) : Effect.void)))
    })
  }

  return Context.make(WorkflowEngine.WorkflowEngine, engine).pipe(
    Context.add(Durable.History, history),
    Context.add(Durable.Failure, sqlite.failure),
    Context.add(Durable.IsRunElsewhere, isRunElsewhere),
    Context.add(Durable.Supports, { persistence: true, atomicFacts: true })
  )
})
