/**
 * The engine of several machines: Effect Cluster over PostgreSQL. **Runners** are processes with the code of lines, which
 * share the runs among them; **clients** start runs and answer gates, and run nothing. Lines are the same as on one machine.
 *
 * What this adds to Effect's engine: starts, answers and results stand in one transaction with their facts; a start or
 * an answer whose process died is delivered by a runner; a dead runner is known by its lock in the database, so its runs
 * move within a second or two; a run that is stopped ends in its stage, and its parent is told; a result waits for room on
 * the disk; and results that were carried over from another store are not made again.
 */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
import * as EntityId from "effect/cluster/EntityId"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SocketRunner from "effect/cluster/SocketRunner"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Durable from "../Durable.ts"
import * as ClusterStop from "../internal/ClusterStop.ts"
import * as ClusterStorage from "../internal/ClusterStorage.ts"
import * as LifeLock from "../internal/LifeLock.ts"
import * as Signals from "../internal/Signals.ts"
import * as Journal from "../Journal.ts"
import { Postgres } from "../Postgres.ts"
import * as Redaction from "../Redaction.ts"

const { DurableDeferred, Workflow, WorkflowEngine } = Durable

/** How often a process looks, and for how long a silent one is believed. */
export interface Options {
  /** How often the database is looked at for what others wrote. Default 250 ms: a timer is about so late, and a signal when its notice was lost. */
  readonly poll?: Duration.Input
  /** How often runners that came or went are looked for. Default 1 second: a dead one's runs stand still for about as long. */
  readonly refresh?: Duration.Input
  /**
   * For how long a runner that is frozen or cut off keeps its runs. Default 15 seconds. One that is killed loses them at
   * once. Code that blocks its process for longer has its stage run a second time elsewhere.
   */
  readonly lease?: Duration.Input
}

/** A host and a port. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** How a runner is reached, and what it takes on. */
export interface RunnerOptions extends Options {
  /**
   * Where the other processes reach this one. Whoever can connect there can give it work: keep it on loopback or inside
   * of a private network.
   */
  readonly address: Address
  /** Where it listens, when that is another place. */
  readonly listen?: Address
  /** How many runs it takes, compared with the others. Default 1. */
  readonly weight?: number
}

/** The engine of a process that runs lines. Fails when its address is taken, here or by another runner. */
export const runner = (options: RunnerOptions): Layer.Layer<Durable.Engine, Journal.JournalError, Postgres> => {
  const { host, port } = options.address
  const config = configOf(options, {
    runnerAddress: Option.some(RunnerAddress.make(host, port)),
    runnerListenAddress: Option.fromUndefinedOr(options.listen).pipe(
      Option.map((listen) => RunnerAddress.make(listen.host, listen.port))
    ),
    runnerShardWeight: options.weight ?? 1
  })
  const life = Layer.effectDiscard(
    Effect.flatMap(Postgres, (postgres) =>
      LifeLock.hold(postgres, { address: `${host}:${port}`, lease: Duration.fromInputUnsafe(options.lease ?? lease) })
    )
  )
  const sharding = SocketRunner.layer.pipe(
    Layer.provide([NodeClusterSocket.layerSocketServer, NodeClusterSocket.layerClientProtocol, RunnerHealth.layerNoop]),
    Layer.catchTag("SocketServerError", (error) =>
      Layer.effectContext(
        Effect.fail(
          new Journal.JournalError({
            reason: "Busy",
            message: `The runner can not listen on ${host}:${port}: ${error.message}. Give it another port.`
          })
        )
      )
    )
  )
  return assemble(sharding, config, options.poll ?? poll).pipe(Layer.provide(life))
}

/** The engine of a process that starts runs and answers gates, and runs nothing. */
export const client = (options: Options = {}): Layer.Layer<Durable.Engine, Journal.JournalError, Postgres> =>
  assemble(
    Layer.provide(SocketRunner.layerClientOnly, NodeClusterSocket.layerClientProtocol),
    configOf(options, { runnerAddress: Option.none() }),
    undefined
  )

const lease = Duration.seconds(15)
const poll = Duration.millis(250)

const configOf = (options: Options, more: Partial<ShardingConfig.ShardingConfig["Service"]>) =>
  ShardingConfig.layer({
    entityMessagePollInterval: options.poll ?? poll,
    refreshAssignmentsInterval: options.refresh ?? "1 second",
    shardLockExpiration: options.lease ?? lease,
    // A third of the lease, however long that is.
    shardLockRefreshInterval: options.lease ?? lease,
    // Closing is no end of a run, so nobody waits for the stages that run.
    entityTerminationTimeout: "1 second",
    ...more
  })

type Below =
  | MessageStorage.MessageStorage
  | RunnerStorage.RunnerStorage
  | ShardingConfig.ShardingConfig
  | RpcSerialization.RpcSerialization

const assemble = (
  sharding: Layer.Layer<Sharding.Sharding, Journal.JournalError, Below>,
  config: Layer.Layer<ShardingConfig.ShardingConfig>,
  delivers: Duration.Input | undefined
): Layer.Layer<Durable.Engine, Journal.JournalError, Postgres> =>
  Layer.suspend(() => {
    const made: ClusterStorage.Made = new Map()
    const stops = ClusterStop.make()
    return Layer.effectContext(make({ made, stops, delivers })).pipe(
      Layer.provide(ClusterWorkflowEngine.layer),
      Layer.provide(sharding),
      Layer.provide(Layer.provide(ClusterStorage.messages({ made, stop: stops.stop }), NodeCrypto.layerDigest)),
      Layer.provide(ClusterStorage.runners),
      Layer.provide(config),
      Layer.provide(RpcSerialization.layerSchemaBinary())
    )
  })

const StoredExit = Schema.fromJsonString(Schema.toCodecJson(Schema.Exit(Schema.Any, Schema.Any, Schema.Defect())))

/** The JSON of a workflow's payload. Its schemas need no services: lines are data. */
const payloadOf = (workflow: Durable.Workflow.Any) =>
  Schema.fromJsonString(Schema.toCodecJson(workflow.payloadSchema) as unknown as Schema.Codec<object, Schema.Json>)

interface Role {
  readonly made: ClusterStorage.Made
  readonly stops: ClusterStop.Stops
  /** How often signals that others left are looked for; a client does not look. */
  readonly delivers: Duration.Input | undefined
}

const make = Effect.fnUntraced(function* ({ delivers, made, stops }: Role) {
  const postgres = yield* Postgres
  const storage = yield* MessageStorage.MessageStorage
  const sharding = yield* Sharding.Sharding
  const runners = yield* RunnerStorage.RunnerStorage
  const inner = yield* WorkflowEngine.WorkflowEngine
  const registered = new Map<string, Durable.Workflow.Any>()
  const carried = new WeakMap<object, ReadonlyMap<string, string>>()

  const start = (workflow: Durable.Workflow.Any, { body, execution }: Signals.Signal) =>
    Effect.flatMap(Effect.orDie(Schema.decodeEffect(payloadOf(workflow))(body)), (payload) =>
      // The schemas of a workflow need no services.
      inner.execute(workflow as Started, { executionId: execution, payload: payload as never, discard: true })
    ) as Effect.Effect<unknown>
  const pollOf = inner.poll as (
    workflow: Durable.Workflow.Any,
    execution: string
  ) => Effect.Effect<Option.Option<unknown>> // as above
  const answer = ({ body, execution, name, workflow }: Signals.Signal) =>
    Effect.flatMap(Effect.orDie(Schema.decodeEffect(StoredExit)(body)), (exit) =>
      inner.deferredDone(DurableDeferred.make(name, { success: Schema.Any, error: Schema.Any }), {
        workflowName: workflow,
        executionId: execution,
        deferredName: name,
        exit
      })
    )
  /** Hands a signal to the cluster, which keeps it from there on. What fails stays, and a runner tries it again. */
  const deliver = (signal: Signals.Signal, workflow = registered.get(signal.workflow)) =>
    Effect.suspend(() => {
      if (signal.name !== "") return answer(signal)
      return workflow === undefined
        ? Effect.die(`${signal.workflow} is no line of this process`)
        : start(workflow, signal)
    }).pipe(
      Effect.andThen(Signals.remove(postgres, signal)),
      Effect.catchCause((cause) =>
        Effect.logWarning(`A signal of the execution ${signal.execution} is delivered later.`, cause)
      )
    )
  if (delivers !== undefined) {
    yield* Effect.suspend(() => Signals.due(postgres, [...registered.keys()])).pipe(
      Effect.flatMap((due) => Effect.forEach(due, (signal) => deliver(signal), { concurrency: 8, discard: true })),
      Effect.catchCause((cause) => Effect.logWarning("Signals can not be looked for. Trying again.", cause)),
      Effect.repeat(Schedule.spaced(delivers)),
      Effect.forkScoped
    )
  }

  /** Writes a signal with the facts of the outbox, and delivers it. A store that fails is a defect to an engine. */
  const send = Effect.fnUntraced(function* (
    signal: Signals.Signal,
    outbox: Durable.Outbox,
    workflow?: Durable.Workflow.Any
  ) {
    const entries = Journal.scrub(outbox.entries, yield* Redaction.Secrets)
    const isNew = yield* Effect.orDie(Signals.put(postgres, signal, entries))
    // A start whose facts stand already is somebody else's, under the same name; an answer that stands was delivered.
    outbox.isWritten = isNew || signal.name !== ""
    if (isNew) yield* deliver(signal, workflow)
  })

  const engine = WorkflowEngine.WorkflowEngine.of({
    ...inner,
    register: (workflow, execute) => {
      // Added first, so it is done last: when what was interrupted is undone.
      const ending = Effect.flatMap(WorkflowEngine.WorkflowInstance, (instance) =>
        Scope.addFinalizer(
          instance.scope,
          Effect.suspend(() => {
            if (!instance.interrupted) return Effect.void
            stops.forget(instance.executionId)
            return ClusterStop.tellParent(workflow._tag, instance.executionId).pipe(
              Effect.provideService(MessageStorage.MessageStorage, storage),
              Effect.provideService(Sharding.Sharding, sharding)
            )
          })
        )
      )
      return Effect.tap(
        inner.register(workflow, (payload, execution) => Effect.andThen(ending, execute(payload, execution))),
        () => Effect.sync(() => void registered.set(workflow._tag, workflow))
      )
    },
    interruptUnsafe: inner.interrupt,
    execute: ((workflow: Started, options: Parameters<typeof inner.execute>[1]) =>
      Effect.gen(function* () {
        const outbox = yield* Durable.Outbox
        if (outbox === undefined || options.discard !== true) {
          const executed = inner.execute(workflow, options)
          const parent = yield* Effect.serviceOption(WorkflowEngine.WorkflowInstance)
          const isWaitedFor = Option.isSome(parent) && options.discard !== true
          return yield* isWaitedFor
            ? Effect.provideService(stops.heed(executed), WorkflowEngine.WorkflowInstance, parent.value)
            : executed
        }
        const body = yield* Effect.orDie(Schema.encodeEffect(payloadOf(workflow))(options.payload as object))
        yield* send({ execution: options.executionId, name: "", workflow: workflow._tag, body }, outbox, workflow)
        return options.executionId
      })) as typeof inner.execute, // the same requirements: those of the payload's schema
    deferredDone: ((deferred: Deferred, options: Parameters<typeof inner.deferredDone>[1]) =>
      Effect.gen(function* () {
        const outbox = yield* Durable.Outbox
        if (outbox === undefined) return yield* inner.deferredDone(deferred, options)
        const exit = yield* Effect.orDie(Schema.encodeEffect(deferred.exitSchema)(options.exit))
        const body = yield* Effect.orDie(Schema.encodeEffect(StoredExit)(exit))
        const { deferredName, executionId, workflowName } = options
        yield* send({ execution: executionId, name: deferredName, workflow: workflowName, body }, outbox)
      })) as typeof inner.deferredDone, // as above
    resume: Effect.fnUntraced(function* (workflow, execution) {
      if (yield* Effect.orDie(Signals.release(postgres, execution))) return
      // The fact that a run stopped stands a moment before the run has stopped.
      yield* pollOf(workflow, execution).pipe(
        Effect.repeat({
          until: Option.isSome,
          schedule: Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: "5 seconds" }))
        })
      )
      yield* inner.resume(workflow, execution)
    }),
    activityExecute: ((activity: Activity, attempt: number) =>
      Effect.gen(function* () {
        const instance = yield* WorkflowEngine.WorkflowInstance
        const outbox = yield* Durable.Outbox
        if (!carried.has(instance)) {
          carried.set(instance, yield* Effect.orDie(Signals.results(postgres, instance.executionId)))
        }
        const past = carried.get(instance)?.get(`${activity.name}/${attempt}`)
        if (past !== undefined) {
          if (outbox !== undefined) outbox.isWritten = true
          const exit = Exit.map(
            yield* Effect.orDie(Schema.decodeEffect(StoredExit)(past)),
            (value: unknown) => value ?? null
          )
          return new Workflow.Complete({
            exit: yield* Effect.orDie(Schema.decodeEffect(activity.exitSchemaPartial)(exit))
          })
        }
        // What undoes an interrupted run is not stopped.
        const heeding = instance.interrupted ? activity.executeEncoded : stops.heed(activity.executeEncoded)
        const run = (executeEncoded: Effect.Effect<unknown, unknown, unknown>) =>
          inner.activityExecute(Object.create(activity, { executeEncoded: { value: executeEncoded } }), attempt)
        if (outbox === undefined) return yield* run(heeding)
        const secrets = yield* Redaction.Secrets
        const key = ClusterStorage.stepKey(instance.executionId, activity.name, attempt)
        const scrub = (entries: Durable.Outbox["entries"]) => Journal.scrub(entries, secrets)
        let isMade = false
        const noted = Effect.sync(() => {
          isMade = true
          made.set(key, { outbox, scrub })
        })
        const result = yield* run(Effect.ensuring(heeding, noted))
        // What was not made by this call has its facts from when it was.
        if (result._tag === "Complete" && !isMade) outbox.isWritten = true
        return result
      })) as typeof inner.activityExecute
  })

  const isRunElsewhere = Effect.fnUntraced(function* (execution: string) {
    if (sharding.hasShardId(sharding.getShardId(EntityId.make(execution), "default"))) return false
    const known = yield* Effect.orDie(runners.getRunners)
    return known.length > 0
  })

  return Context.make(WorkflowEngine.WorkflowEngine, engine).pipe(
    Context.add(Durable.IsRunElsewhere, isRunElsewhere),
    Context.add(Durable.Supports, {
      persistence: true,
      atomicFacts: true,
      inOrder: false,
      atomicSignals: true,
      atomicResumes: false
    })
  )
})

/** Any workflow, as the engine's own signature wants it. */
type Started = Durable.Workflow.Workflow<string, Durable.Workflow.AnyStructSchema, Schema.Top, Schema.Top>
type Deferred = Durable.DurableDeferred.DurableDeferred<Schema.Constraint, Schema.Constraint>
type Activity = Durable.Activity.Activity<Schema.Constraint, Schema.Constraint, never>
