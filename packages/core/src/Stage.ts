/**
 * A **stage**: one named durable step of a line: done once, result stored, retried by policy.
 *
 * - A result, or an error that the stage declares, is stored; a replay answers with it and runs nothing.
 * - Any other failure is a fault: it is recorded, and the line stalls here until it is resumed. Then the stage runs
 *   again, so a stage that acts on the outside carries an idempotency key.
 * - Outside of a line, and inside of another stage, a stage is just its effect.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Budget from "./Budget.ts"
import * as Durable from "./Durable.ts"
import * as Fault from "./Fault.ts"
import * as LineControl from "./internal/LineControl.ts"
import * as Undoing from "./internal/Undoing.ts"
import * as StoredSize from "./internal/StoredSize.ts"
import * as Trace from "./internal/Trace.ts"
import * as Journal from "./Journal.ts"
import * as Redaction from "./Redaction.ts"
import * as Retry from "./Retry.ts"
import * as Run from "./Run.ts"

export {
  /** Runs a part of a stage in a span that says where in the factory it stands, and of a failure only its class. */
  span,
  /** What a span is called, and what it says from its beginning. */
  type SpanOptions
} from "./internal/Trace.ts"

/** How a stage is stored and retried. */
export interface Options<Success extends Schema.Constraint, Error extends Schema.Constraint> {
  /**
   * Unique among the kinds of steps of a line; steps of one name are numbered in the order in which they begin. In
   * branches that run at once, steps whose order depends on what finishes first need names of their own: a replay could
   * give one the result of another.
   */
  readonly name: string
  readonly success: Success
  /** Errors that are results of the work. Default: none. */
  readonly error?: Error
  /** How retryable faults are tried again before the line stalls: one schedule, or one for each class. Default: not. */
  readonly retry?: Retry.Policy
  /**
   * How long one attempt may take. It is kept by the host: also where the stage ignores that it is interrupted. Then what
   * it started may still be at work when the next attempt begins.
   */
  readonly timeout?: Duration.Input
  /** How often the line may come to a stage of this name; a loop that does not end stalls there. Default: no limit. */
  readonly visits?: number
}

/** What takes back what a stage did, when its line fails or is cancelled after it. At least once, the last stage first. */
export type Undo<A, R> = (value: A) => Effect.Effect<unknown, unknown, R>

class StageError extends Fault.Class<StageError>()("StageError", {
  /** The result does not fit the schema of the stage. */
  NotStorable: false,
  /** Something that the stage ran interrupted itself. */
  Interrupted: false,
  TimedOut: true,
  /** The line came to it more often than it may. */
  TooManyVisits: false,
  /** The result is larger than what is stored. */
  TooLarge: false,
  /** The result was stored before the schema of the stage was changed. */
  NotReadable: false
}) {}

/** Whether stages may begin although the run did something else here before: the ones that find out, and the undoing. */
export const Unchecked = Context.Reference<boolean>("@millwright/core/Stage/Unchecked", { defaultValue: () => false })

/** Layers that the stages of an effect are built with. */
const Layers = Context.Reference<ReadonlyArray<Layer.Layer<never, Fault.Fault>>>("@millwright/core/Stage/Layers", {
  defaultValue: () => []
})

/**
 * Provides services to the stages of an effect. In a line the layer is built when a stage really runs, and is closed
 * after it, so a replay opens nothing for stages that are done. Elsewhere it is built at once.
 */
export const provide =
  <ROut, E extends Fault.Fault, RIn>(layer: Layer.Layer<ROut, E, RIn>) =>
  <A, E2, R>(effect: Effect.Effect<A, E2, R>): Effect.Effect<A, E | E2, RIn | Exclude<R, ROut>> =>
    Effect.gen(function* () {
      const run = yield* Run.betweenStages
      if (Option.isNone(run)) return yield* Effect.provide(effect, layer)
      const outer = yield* Layers
      // The stages provide what the layer gives (`within`); line code between them may do no input or output.
      const erased = layer as unknown as Layer.Layer<never, Fault.Fault>
      return yield* Effect.provideService(effect, Layers, [...outer, erased]) as Effect.Effect<A, E2, Exclude<R, ROut>>
    })

const within = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | Fault.Fault, R> =>
  Effect.flatMap(Layers, (layers) =>
    layers.reduceRight<Effect.Effect<A, E | Fault.Fault, R>>((inner, layer) => Effect.provide(inner, layer), effect)
  )

/** Runs an effect as a stage of the line that it stands in. */
export const run: {
  <Success extends Schema.Constraint, E, R, Error extends Schema.Constraint = Schema.Never>(
    options: Options<Success, Error>,
    effect: Effect.Effect<Success["Type"], E, R>
  ): Effect.Effect<Success["Type"], E, R | Journal.Journal>
  <Success extends Schema.Constraint, E, R, R2, Error extends Schema.Constraint = Schema.Never>(
    options: Options<Success, Error>,
    effect: Effect.Effect<Success["Type"], E, R>,
    undo: Undo<Success["Type"], R2>
  ): Effect.Effect<Success["Type"], E, R | R2 | Journal.Journal>
} = <Success extends Schema.Constraint, E, R, R2, Error extends Schema.Constraint = Schema.Never>(
  options: Options<Success, Error>,
  effect: Effect.Effect<Success["Type"], E, R>,
  undo?: Undo<Success["Type"], R2>
): Effect.Effect<Success["Type"], E, R | R2 | Journal.Journal> =>
  Effect.gen(function* () {
    const standing = yield* Run.betweenStages
    if (Option.isNone(standing)) return yield* effect
    const { execution, life, next, retraced } = standing.value
    const stage = next(options.name)
    life.asked.add(stage)
    if (retraced !== undefined && !retraced.has(stage)) return yield* Effect.interrupt
    const outbox: Durable.Outbox = { entries: [], isWritten: false }
    const activity = Durable.Activity.make({
      name: stage,
      success: options.success,
      error: options.error,
      // An interrupted stage is not tried again here: whoever interrupted it wants it to stop.
      interruptRetryPolicy: Schedule.recurs(0).pipe(Schedule.setInputType<Cause.Cause<unknown>>()),
      execute: attempts(options, { run: standing.value, stage, effect, outbox, visit: life.visit(options.name) })
    })
    const readable = Effect.catchDefect(Effect.provideContext(activity, execution), (defect) =>
      Effect.die(Schema.isSchemaError(defect) ? unreadable(stage, defect) : defect)
    )
    life.enter(stage)
    const stored = Effect.ensuring(
      Durable.withOutbox(outbox, readable),
      Effect.sync(() => life.leave(stage))
    )
    // The schemas of a stage need no services, and the errors that reach here are the declared ones.
    const kept = undo === undefined ? stored : undoable(stored, { undo, run: standing.value, stage })
    return (yield* retraced === undefined ? kept : passing(kept, stage, retraced)) as Success["Type"]
  }) as Effect.Effect<Success["Type"], E, R | R2 | Journal.Journal>

/** Comes once more by a finished stage, and ends there when it was the last one. */
const passing = <A, E, R>(kept: Effect.Effect<A, E, R>, stage: string, retraced: Set<string>) =>
  Effect.flatMap(Effect.exit(kept), (exit): Effect.Effect<A, E> => {
    retraced.delete(stage)
    return retraced.size === 0 ? Effect.interrupt : exit
  })

/** Lets a stage be undone when the line fails later. That is a stage too, so it is done once, and goes on after a crash. */
const undoable = <A, E, R, R2>(
  effect: Effect.Effect<A, E, R>,
  {
    run: standing,
    stage,
    undo
  }: { readonly undo: Undo<A, R2>; readonly run: Run.Run["Service"]; readonly stage: string }
) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const services = yield* Effect.context<R2 | Journal.Journal>()
      const value = yield* restore(effect)
      const undoing = run(
        { name: `undo-${stage}`, success: Schema.Void },
        Effect.gen(function* () {
          const exit = yield* Effect.exit(undo(value))
          // What can not be undone must not keep the others from being undone.
          const fault = Exit.isSuccess(exit) ? null : Fault.record(Cause.squash(exit.cause))
          const origin = yield* Journal.Origin
          yield* Effect.provideService(Journal.record({ _tag: "StageUndone", fault }), Journal.Origin, {
            ...origin,
            stage
          })
        })
      ).pipe(
        Effect.orDie,
        Effect.provideService(Unchecked, true),
        Effect.provideService(Run.Run, { ...standing, retraced: undefined }),
        Effect.provideContext(services)
      )
      standing.life.undos.push({ stage, undo: undoing })
      return value
    })
  )

interface Step<A, E, R> {
  readonly run: Run.Run["Service"]
  readonly stage: string
  /** How often the line has come to a stage of this name. */
  readonly visit: number
  readonly effect: Effect.Effect<A, E, R>
  readonly outbox: Durable.Outbox
}

/** Tries a stage until it has a result, an error that it declares, or nothing that a retry could mend. */
const attempts = <Success extends Schema.Constraint, Error extends Schema.Constraint, E, R>(
  options: Options<Success, Error>,
  { effect, outbox, run, stage, visit }: Step<Success["Type"], E, R>
) =>
  Effect.gen(function* () {
    yield* admit(run, stage)
    const { atomicFacts, inOrder } = yield* Durable.Supports
    // In a store that takes one result, the facts in its transaction stand once by themselves.
    const key = atomicFacts && inOrder ? undefined : yield* Run.key(run, `${stage}/ended`)
    const isDeclared = options.error === undefined ? () => false : Schema.is(options.error)
    const pauseAfter = yield* Retry.stepper(options.retry)
    const started = yield* Clock.currentTimeMillis
    for (let attempt = 1; ; attempt++) {
      yield* begin(attempt, inOrder)
      const effort =
        visit > (options.visits ?? Infinity) ? tooMany(stage, visit) : inTime(within(effect), options.timeout, stage)
      // The facts of this stage are its own: what it starts or answers has others.
      const work = Effect.provideService(Budget.enforce(effort), Durable.Outbox, undefined)
      const kept = Effect.flatMap(work, (value) => keep(options.success, value, stage))
      const exit = yield* Effect.exit(Trace.stage({ name: options.name, attempt }, kept))
      // A clock may be set back.
      const duration = Math.max(0, (yield* Clock.currentTimeMillis) - started)
      if (Exit.isSuccess(exit)) {
        outbox.entries.push(yield* Journal.entry({ _tag: "StageFinished", attempt, duration }, key))
        return exit.value
      }
      const isInterrupted = Cause.hasInterruptsOnly(exit.cause)
      // A stage that waits for the engine suspends. An interruption from outside does not come here.
      if (isInterrupted && (yield* Durable.WorkflowEngine.WorkflowInstance).suspended) return yield* exit
      const error = isInterrupted ? interruptedFault(stage) : Cause.squash(exit.cause)
      const fault = Fault.record(error)
      if (isDeclared(error)) {
        outbox.entries.push(yield* Journal.entry({ _tag: "StageFailed", attempt, duration, fault }, key))
        return yield* exit
      }
      const now = yield* Clock.currentTimeMillis
      const pause = yield* pauseAfter(now, error)
      if (Option.isNone(pause)) return yield* giveUp({ attempt, duration, fault })
      const delay = Math.max(
        Math.ceil(Duration.toMillis(pause.value)),
        Fault.isFault(error) ? (error.retryAfter ?? 0) : 0
      )
      if (!Number.isSafeInteger(delay)) return yield* giveUp({ attempt, duration, fault })
      yield* Journal.record({ _tag: "StageRetried", attempt, fault, delay })
      yield* Effect.sleep(delay)
    }
  }).pipe(
    (self) =>
      Effect.flatMap(Journal.Origin, (origin) => Effect.provideService(self, Journal.Origin, { ...origin, stage })),
    // A journal that can not be written leaves nothing behind; the engine tells whoever waits.
    Effect.catchIf(
      (error): error is Journal.JournalError => error instanceof Journal.JournalError,
      () => Durable.suspend
    )
  )

/**
 * Records that an attempt begins. A store that writes in the order in which it is asked to need not be waited for: what
 * the work records and comes to follows, and mostly shares the commit. When it can not be written, the work stops at once.
 */
const begin = (attempt: number, isInOrder: boolean) => {
  const started = Journal.record({ _tag: "StageStarted", attempt })
  if (!isInOrder) return Effect.asVoid(started)
  return Effect.flatMap(Durable.WorkflowEngine.WorkflowInstance, (instance) =>
    Effect.withFiber((work) => {
      const stop = Effect.sync(() => {
        instance.suspended = true
        work.interruptUnsafe(work.id)
      })
      return Effect.asVoid(
        Effect.forkDetach(
          Effect.catch(started, () => stop),
          { startImmediately: true }
        )
      )
    })
  )
}

/** What the result will be when it is read back, secrets taken out. Fails while it can still be mended: before it is stored. */
const keep = <Success extends Schema.Constraint>(
  schema: Success,
  value: Success["Type"],
  stage: string
): Effect.Effect<Success["Type"], StageError> =>
  Effect.gen(function* () {
    // The schemas of a stage need no services.
    const codec = Schema.toCodecJson(schema) as unknown as Schema.Codec<Success["Type"], unknown>
    const encoded = yield* Schema.encodeEffect(codec)(value)
    // `Schema.Any` lets pass what no text can hold, such as an object that refers to itself, or a function.
    const text = yield* Effect.try({
      try: () => JSON.stringify(encoded) as string | undefined,
      catch: (cause) => notStorable(stage, cause)
    })
    if (text === undefined && encoded !== undefined) {
      return yield* notStorable(stage, `a ${typeof encoded} is no JSON`)
    }
    if (StoredSize.isTooLarge(encoded)) {
      const message = `The result of the stage "${stage}" is too large. ${StoredSize.mend}`
      return yield* new StageError({ reason: "TooLarge", message })
    }
    const clean = Redaction.scrubJson(encoded, yield* Redaction.Secrets)
    return yield* Schema.decodeUnknownEffect(codec)(clean ?? null)
  }).pipe(Effect.catchTag("SchemaError", (cause) => Effect.fail(notStorable(stage, cause))))

const notStorable = (stage: string, cause: unknown) =>
  new StageError({
    reason: "NotStorable",
    message:
      `The result of the stage "${stage}" does not fit its schema and can not be stored: ` +
      `${cause instanceof Error ? cause.message : String(cause)}. Mend the stage or its schema, and resume the run.`,
    cause
  })

/** A result that is stored is never made again by itself, so what can not be read is for somebody to decide. */
const unreadable = (stage: string, cause: Schema.SchemaError) =>
  new StageError({
    reason: "NotReadable",
    message:
      `The stored result of the stage "${stage}" does not fit its schema any more: ${cause.message}. ` +
      `Put the schema back, or let it accept what was stored, and resume the run.`,
    cause
  })

const interruptedFault = (stage: string) =>
  new StageError({
    reason: "Interrupted",
    message: `The stage "${stage}" was interrupted by something that it ran itself. Resume the run to try it again.`
  })

/** How long an attempt whose time is over may clean up, before the line goes on without it. */
const grace = "10 seconds"

const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>, timeout: Duration.Input | undefined, stage: string) => {
  if (timeout === undefined) return effect
  const after = Duration.format(Duration.fromInputUnsafe(timeout))
  // Of a fibre of its own: what ignores interruption must not hold up the line for ever.
  return Effect.flatMap(Effect.forkDetach(effect, { startImmediately: true }), (fiber) =>
    Effect.gen(function* () {
      const exit = yield* Effect.raceFirst(
        Effect.asSome(Fiber.await(fiber)),
        Effect.as(Effect.sleep(timeout), Option.none())
      )
      if (Option.isSome(exit)) return yield* exit.value
      yield* Effect.timeoutOption(Fiber.interrupt(fiber), grace)
      return yield* new StageError({
        reason: "TimedOut",
        message: `The stage "${stage}" was not done after ${after}. Give it more time, or find out what it waits for.`
      })
    }).pipe(Effect.onInterrupt(() => Fiber.interrupt(fiber)))
  )
}

const tooMany = (stage: string, visit: number) =>
  new StageError({
    reason: "TooManyVisits",
    message: `The line comes to "${stage}" for the ${visit}th time, which is more than it may. Look at why its loop does not end.`
  })

/**
 * Lets a stage begin whose result is not there. A run that did other things at this place before, with other code, must
 * not go on as if nothing had happened.
 */
const admit = (run: Run.Run["Service"], stage: string) =>
  Effect.gen(function* () {
    const { began, isCancelled, last } = yield* run.life.past
    if (yield* Unchecked) return
    // Whoever cancelled the run may not have lived to tell the engine.
    if (isCancelled) return yield* Effect.andThen(Undoing.heed(run), Durable.suspend)
    if (last === undefined || run.life.asked.has(last) || began.has(stage)) return
    const missing = yield* Run.missing(run)
    if (missing === undefined) return
    const fault = Fault.record(LineControl.codeChanged(run, `"${stage}"`, missing))
    return yield* giveUp({ attempt: 1, duration: 0, fault })
  })

/** Records that a line stops here until somebody mends the fault and resumes it, and stops it. */
const giveUp = (failed: { readonly attempt: number; readonly duration: number; readonly fault: Fault.Recorded }) =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    const facts = [{ _tag: "StageFailed", ...failed } as const, { _tag: "LineStalled", fault: failed.fault } as const]
    yield* journal.append(yield* Effect.forEach(facts, (fact) => Journal.entry(fact)))
    yield* Trace.stalled(failed.fault)
    return yield* Durable.suspend
  })
