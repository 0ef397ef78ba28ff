/**
 * Stopping runs of the cluster. Effect's engine stores an interruption as a signal, which a run looks at when it suspends
 * next. Here the steps of such a run are made to suspend at once, so a step that has just finished is still undone; and a
 * parent is told that its child was interrupted, which the engine leaves out.
 *
 * Cutting a run off from outside (`interruptUnsafe` of Effect's engine) is no way: when the signal has woken the run
 * already, it can cut off the very life that is to end it, and nobody wakes it again.
 */
import * as Entity from "effect/cluster/Entity"
import * as EntityAddress from "effect/cluster/EntityAddress"
import * as EntityId from "effect/cluster/EntityId"
import * as EntityType from "effect/cluster/EntityType"
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as Sharding from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Durable from "../Durable.ts"

const { Workflow, WorkflowEngine } = Durable

/** How Effect's engine calls the signal that interrupts a run. */
export const signal = "Workflow/InterruptSignal"

/** The steps that run here, and the executions among them that were told to stop. */
export interface Stops {
  /** Suspends what an execution is doing here, and whatever it begins from now on. */
  readonly stop: (execution: string) => void
  /** An effect of an execution, which suspends when that is stopped. */
  readonly heed: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | WorkflowInstance>
  /** The execution has ended. */
  readonly forget: (execution: string) => void
}

type WorkflowInstance = Durable.WorkflowEngine.WorkflowInstance

/** The stops of one process. */
export const make = (): Stops => {
  const stopped = new Set<string>()
  const running = new Map<string, Set<() => void>>()
  return {
    stop: (execution) => {
      stopped.add(execution)
      for (const suspend of running.get(execution) ?? []) suspend()
    },
    heed: (effect) =>
      Effect.gen(function* () {
        const instance = yield* WorkflowEngine.WorkflowInstance
        const { executionId, interrupted } = instance
        // It is being undone.
        if (interrupted) return yield* effect
        if (stopped.has(executionId)) return yield* Workflow.suspend(instance)
        return yield* Effect.withFiber((fiber) => {
          const suspend = () => {
            instance.suspended = true
            fiber.interruptUnsafe(fiber.id)
          }
          const all = running.get(executionId) ?? new Set()
          running.set(executionId, all.add(suspend))
          const leave = Effect.sync(() => {
            all.delete(suspend)
            if (all.size === 0) running.delete(executionId)
          })
          return Effect.ensuring(effect, leave)
        })
      }),
    forget: (execution) => void stopped.delete(execution)
  }
}

/** What Effect's engine sends to the parent of a child that has ended, word for word. */
const Resume = Rpc.make("resume", {
  payload: { childExecutionId: Schema.optional(Schema.String) },
  primaryKey: ({ childExecutionId }) => childExecutionId ?? ""
})
  .annotate(ClusterSchema.Persisted, true)
  .annotate(ClusterSchema.Uninterruptible, "server")

/** Where Effect's engine keeps the parent, in the payload of a run. */
const parentKey = "~effect/cluster/ClusterWorkflowEngine/payloadParentKey"

const Parent = Schema.Struct({
  workflowName: Schema.String,
  executionId: Schema.String,
  detached: Schema.optional(Schema.Boolean)
})

/** Wakes whoever waits for an execution as its parent. To be called while it ends, and its result is not stored yet. */
export const tellParent = (
  workflow: string,
  execution: string
): Effect.Effect<void, never, MessageStorage.MessageStorage | Sharding.Sharding> =>
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    const storage = yield* MessageStorage.MessageStorage
    const entityId = EntityId.make(execution)
    const address = EntityAddress.make({
      entityType: EntityType.make(`Workflow/${workflow}`),
      entityId,
      shardId: sharding.getShardId(entityId, "default")
    })
    const request = yield* storage.requestIdForPrimaryKey({ address, tag: "run", id: "" })
    if (Option.isNone(request)) return
    const [message] = yield* storage.unprocessedMessagesById([request.value])
    if (message?.envelope._tag !== "Request") return
    const parent = Schema.decodeUnknownOption(Parent)(Object(message.envelope.payload)[parentKey])
    if (Option.isNone(parent) || parent.value.detached === true) return
    const client = yield* Entity.make(`Workflow/${parent.value.workflowName}`, [Resume]).client
    yield* client(parent.value.executionId).resume({ childExecutionId: execution }, { discard: true })
  }).pipe(
    Effect.scoped,
    Effect.retry({ times: 5, schedule: Schedule.exponential("100 millis") }),
    Effect.catchCause((cause) => Effect.logWarning(`The parent of ${execution} was not told of its end.`, cause))
  )
