/** Taking back what a run did, when it fails, is stopped or goes back: the last stage first. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Durable from "../Durable.ts"
import type * as Run from "../Run.ts"

/** Undoes the stages that are meant, and that this life has come by. */
export const undo = (run: Run.Run["Service"], isMeant: (stage: string) => boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    const instance = yield* Effect.provideContext(Durable.WorkflowEngine.WorkflowInstance, run.execution)
    for (const { stage, undo } of run.life.undos.toReversed()) {
      // The process closes: another one goes on here.
      if (instance.abandoned) return
      if (isMeant(stage)) yield* apart(undo)
    }
  })

/** The fibre that undoes may be one that is being interrupted, and a stage in it would be too. */
const apart = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.forkDetach(effect, { startImmediately: true }), Fiber.join)
