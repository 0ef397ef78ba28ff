/** A line inside of a line. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Durable from "../Durable.ts"
import * as Journal from "../Journal.ts"
import * as Run from "../Run.ts"
import * as Stage from "../Stage.ts"
import * as Status from "../Status.ts"
import { LineError } from "./LineError.ts"

/** The child was cancelled, or put aside from outside. */
export class ChildStopped extends Schema.TaggedError<ChildStopped>()("ChildStopped", {
  run: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The child "${this.run}" was stopped: ${this.reason}`
  }
}

/** The run that stands here. Fails outside of a line, and in a stage, where nothing can wait durably. */
export const standing = (what: string): Effect.Effect<Run.Run["Service"], LineError> =>
  Effect.flatMap(
    Run.betweenStages,
    Option.match({
      onSome: Effect.succeed,
      onNone: () =>
        new LineError({
          reason: "NotInALine",
          message: `"${what}" waits, and was called outside of a line or inside of a stage, where nothing can wait durably.`
        })
    })
  )

/** How a child is started. */
export interface Starting<E> {
  readonly name: string
  readonly begin: (
    relation: { readonly parent: { readonly run: string; readonly stage: string } },
    key: string
  ) => Effect.Effect<string, E, Durable.Engine | Journal.Journal>
}

/** Starts a child once, and answers with the name of its run. */
export const start = <E>(run: Run.Run["Service"], { begin, name }: Starting<E>) =>
  Stage.run(
    { name: `child-${name}`, success: Schema.String },
    Effect.gen(function* () {
      const { stage } = yield* Journal.Origin
      const key = yield* Run.key(run, stage ?? name)
      const child = yield* begin({ parent: { run: run.id, stage: stage ?? name } }, key)
      yield* Journal.record({ _tag: "ChildStarted", child }, `${key}/started`)
      return child
    }).pipe(Effect.provideContext(run.execution))
  )

/** The end of a child. The parent holds nothing while it waits. */
export const end = <A, E>(run: Run.Run["Service"], child: string, ended: Effect.Effect<A, E, Durable.Execution>) =>
  Effect.gen(function* () {
    if (run.retraced !== undefined && !(yield* isOver(child))) return yield* Effect.interrupt
    yield* besideOthers(run, child)
    const exit = yield* Effect.exit(Effect.provideContext(ended, run.execution))
    if (Exit.isSuccess(exit) || !Cause.hasInterruptsOnly(exit.cause)) return yield* exit
    const status = yield* Status.of(child)
    const reason = status?._tag === "Cancelled" || status?._tag === "Parked" ? status.reason : "it was interrupted"
    return yield* new ChildStopped({ run: child, reason })
  })

/**
 * Waits for the end of a child in memory, for as long as something beside it works: the engine's own wait would hear of it
 * only when that stops.
 */
const besideOthers = ({ life }: Run.Run["Service"], child: string) => {
  const waiting = Effect.gen(function* () {
    // Parts beside this one begin what they have to do.
    for (let turn = 0; turn < 4 && life.isIdle(); turn++) yield* Effect.yieldNow
    if (!life.isIdle()) yield* Effect.raceFirst(life.idle, Effect.orDie(Status.until(child, Status.isDone)))
  })
  return Effect.andThen(Effect.sync(life.rest), Effect.ensuring(waiting, Effect.sync(life.work)))
}

const isOver = (run: string) => Effect.map(Status.of(run), (now) => now !== undefined && Status.isDone(now))
