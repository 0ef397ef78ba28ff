/**
 * Effect's own engine in memory: for tests, rehearsals and examples, beside the journal in memory. Nothing of it outlives
 * the process, and closing it ends its runs as if they had failed, with their compensations.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Durable from "../Durable.ts"

const { WorkflowEngine } = Durable

/** The execution that something is done in or for, and what is open for as long as that. */
const ofExecution = Context.pick(WorkflowEngine.WorkflowInstance, Scope.Scope)

/** Runs an effect with these services, and with nothing of what stands here but the execution. */
const only =
  (services: Context.Context<never>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateContext(
      effect,
      // A workflow's schemas need no services, and what its code needs stands where it was given.
      (here: Context.Context<R>) => Context.merge(services, ofExecution(here)) as Context.Context<R>
    )

/** An engine without any execution. */
export const layer: Layer.Layer<Durable.Engine> = Layer.effect(
  WorkflowEngine.WorkflowEngine,
  Effect.gen(function* () {
    const inner = yield* WorkflowEngine.WorkflowEngine
    // The fibre of a run is made from that of whoever starts or wakes it, and its end runs around its code.
    const alone = only(yield* Effect.context<never>())
    return WorkflowEngine.WorkflowEngine.of({
      ...inner,
      register: (workflow, execute) =>
        Effect.flatMap(Effect.context<never>(), (services) =>
          inner.register(workflow, (payload, execution) => only(services)(execute(payload, execution)))
        ),
      execute: (workflow, options) => {
        const started = alone(inner.execute(workflow, { ...options, discard: true }))
        // In a parent the wait is registered, through a context that is private to Effect's engine: so it is kept here.
        return options.discard === true ? started : Effect.andThen(started, inner.execute(workflow, options))
      },
      interrupt: (workflow, execution) => alone(inner.interrupt(workflow, execution)),
      interruptUnsafe: (workflow, execution) => alone(inner.interruptUnsafe(workflow, execution)),
      resume: (workflow, execution) => alone(inner.resume(workflow, execution)),
      deferredDone: (deferred, options) => alone(inner.deferredDone(deferred, options)),
      scheduleClock: (workflow, options) => alone(inner.scheduleClock(workflow, options))
    })
  })
).pipe(Layer.provide(WorkflowEngine.layerMemory))
