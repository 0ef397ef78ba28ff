/**
 * Waiting for something that outlives the process. A branch waits in memory while branches beside it are in a stage, so
 * that an answer disturbs none of them; when nothing else is left to do, the run stops, and holds nothing.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Durable from "../Durable.ts"
import * as Journal from "../Journal.ts"
import type * as Run from "../Run.ts"

const { DurableClock, DurableDeferred, Workflow, WorkflowEngine } = Durable

/** What a human answers the gate of this key with. */
export const answer = <A>(run: Run.Run["Service"], key: string, schema: Schema.Codec<A, unknown>) =>
  Effect.flatMap(Journal.Journal, (journal) => {
    const answered = Effect.gen(function* () {
      const last = yield* Journal.fold(0, (_, { seq }) => seq, run.id)
      return journal.follow({ run: run.id, after: last }).pipe(
        Stream.filter(({ fact }) => fact._tag === "GateAnswered"),
        Stream.runHead
      )
    })
    return until(run, DurableDeferred.make(key, { success: schema }), Effect.orDie(answered))
  })

/** Waits until a time has passed since the run first came here; needs no process while it lasts. */
export const pass = (run: Run.Run["Service"], key: string, duration: Duration.Duration) =>
  Effect.gen(function* () {
    const clock = DurableClock.make({ name: key, duration })
    const engine = yield* WorkflowEngine.WorkflowEngine
    const { executionId, workflow } = yield* WorkflowEngine.WorkflowInstance
    if (run.retraced === undefined && Option.isNone(yield* engine.deferredResult(clock.deferred))) {
      yield* engine.scheduleClock(workflow, { executionId, clock })
    }
    const passed = Effect.andThen(
      Effect.sleep(duration),
      engine.deferredDone(clock.deferred, {
        workflowName: workflow._tag,
        executionId,
        deferredName: clock.deferred.name,
        exit: Exit.void
      })
    )
    yield* until(run, clock.deferred, Effect.succeed(passed))
  }).pipe(Effect.provideContext(run.execution))

/**
 * The value of a deferred. `signal` is asked for before each look at it, and what it answers with completes when a value
 * that was not there then may be.
 */
const until = <A>(
  run: Run.Run["Service"],
  deferred: Durable.DurableDeferred.DurableDeferred<Schema.Codec<A, unknown>>,
  signal: Effect.Effect<Effect.Effect<unknown, unknown, never>, never, Journal.Journal>
): Effect.Effect<A, never, Journal.Journal> =>
  Effect.gen(function* () {
    const engine = yield* WorkflowEngine.WorkflowEngine
    const instance = yield* WorkflowEngine.WorkflowInstance
    const { inOrder } = yield* Durable.Supports
    const { life } = run
    // A part whose value is there does not rest, so that none beside it takes the run for idle.
    const known = yield* engine.deferredResult(deferred)
    if (Option.isSome(known)) return yield* known.value
    if (run.retraced !== undefined) return yield* Effect.interrupt
    const waiting = Effect.gen(function* () {
      while (true) {
        // Parts beside this one begin what they have to do.
        for (let turn = 0; turn < 4 && life.isIdle(); turn++) yield* Effect.yieldNow
        if (life.isIdle()) {
          // From here on the engine has to hear of a value, and may stop the run for it.
          instance.awaitedDeferreds.set(deferred.name, 1)
          const last = yield* Workflow.wrapActivityResult(engine.deferredResult(deferred), Option.isNone)
          if (Option.isNone(last)) return yield* Durable.suspend
          // The run goes on after all, and must not be stopped for what parts wait for that have stopped already. An
          // engine that counts its wakes runs it once more for those.
          if (inOrder) instance.awaitedDeferreds.clear()
          return yield* last.value
        }
        const signalled = yield* signal
        const exit = yield* engine.deferredResult(deferred)
        if (Option.isSome(exit)) return yield* exit.value
        yield* Effect.raceFirst(life.idle, Effect.orDie(signalled))
      }
    })
    life.rest()
    return yield* Effect.ensuring(waiting, Effect.sync(life.work))
  }).pipe(Effect.provideContext(run.execution)) as Effect.Effect<A, never, Journal.Journal> // a deferred of ours has no errors
