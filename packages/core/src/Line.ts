/**
 * A **line**: a durable pipeline that carries one work item from intake to delivered or parked. It is ordinary Effect
 * code: branches are `if`, loops are loops, and going back is a loop ({@link rework}).
 *
 * Between stages a line may only decide: no clock, no random number, no input or output. Everything else stands in a
 * stage, a role or a gate, so that a replay after a crash takes the same way.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Actor from "./Actor.ts"
import * as Budget from "./Budget.ts"
import * as Durable from "./Durable.ts"
import type * as FactoryEvent from "./FactoryEvent.ts"
import * as Fault from "./Fault.ts"
import * as Branches from "./internal/Branches.ts"
import * as Child from "./internal/Child.ts"
import type { ChildStopped } from "./internal/Child.ts"
import * as LineControl from "./internal/LineControl.ts"
import { Expired, LineError, Parked } from "./internal/LineError.ts"
import * as LineStart from "./internal/LineStart.ts"
import * as Trace from "./internal/Trace.ts"
import * as Undoing from "./internal/Undoing.ts"
import * as Wait from "./internal/Wait.ts"
import * as Journal from "./Journal.ts"
import * as Run from "./Run.ts"
import * as Stage from "./Stage.ts"
import type * as WorkItem from "./WorkItem.ts"

export {
  /** Runs branches side by side, until enough of them have a result. */
  parallel
} from "./internal/Branches.ts"
export {
  /** A child was cancelled, or put aside from outside. */
  ChildStopped
} from "./internal/Child.ts"
export {
  /** Stops a run for good: undoes what it did, and cancels its children. */
  cancel,
  /** What a run came to. Completes when it is over, however often somebody is asked before. */
  ended,
  /** Whether another living process runs a run. */
  isRunElsewhere,
  /** The runs that fit a filter, in the order in which they were started. */
  list,
  /** Takes a run up again: one whose process is gone, or one that stalled. */
  resume,
  /** Makes a run forget a stage and what began after it, and go on from there. */
  rewind,
  /** What a run came to, or what it waits for. Completes when the run can not go on by itself. */
  settled,
  /** Where a run stands. */
  status
} from "./internal/LineControl.ts"
export {
  /** Why work is not done again, although it is not good. */
  Exhausted,
  /** A part of a line was not done in the time that it was given. */
  Expired,
  /** A call that a line does not take. */
  LineError,
  /** A line put its item aside, with the reason and what would take it up again. */
  Parked
} from "./internal/LineError.ts"
export {
  /** The work has to be done again, with this as its context. */
  Again,
  /** Goes back: the next attempt gets this as its context. */
  again,
  /** Does work until it is good, or until it makes no sense to go on. */
  rework
} from "./internal/Rework.ts"

/** The fields of a line's payload. The work item that it carries is always there. */
export type Fields = { readonly item: typeof WorkItem.WorkItem } & Schema.Struct.Fields

/** A durable pipeline for one work item. */
export interface Line<
  Name extends string,
  Payload extends Fields,
  Success extends Schema.Constraint,
  Error extends Schema.Constraint
> {
  readonly name: Name
  /**
   * Gives the line its code. A fault that the code leaves unhandled stalls the line; any other error has to be one that
   * the line declares, or the program does not compile.
   *
   * A run has the services that stand around this layer, settings with a default, clock, loggers and tracer included, and
   * nothing of whoever starts, wakes, answers or stops it: not its parent's budget, and not the sandbox of its parent's stage.
   */
  readonly toLayer: <R>(
    code: (payload: Schema.Struct.Type<Payload>) => Effect.Effect<Success["Type"], Error["Type"] | Fault.Fault, R>
  ) => Layer.Layer<
    never,
    never,
    Durable.Engine | Journal.Journal | Exclude<R, Run.Run | Durable.Execution | Scope.Scope>
  >
  /**
   * Starts a new run and answers with its name. Completes as soon as the run is stored. Calls with the same `key` for
   * the same item start one run, from whichever process they come, and all answer with it.
   */
  readonly start: (
    payload: Schema.Struct.Type<Payload>,
    options?: { readonly key?: string }
  ) => Effect.Effect<string, LineError | Journal.JournalError, Durable.Engine | Journal.Journal>
  /**
   * Runs this line as a child of the line that it is called in, and waits for its end. The parent keeps its finished
   * stages whatever the child waits for. Fails with what the child fails with, or with {@link ChildStopped}.
   */
  readonly child: (
    payload: Schema.Struct.Type<Payload>,
    options?: { readonly name?: string }
  ) => Effect.Effect<Success["Type"], Error["Type"] | ChildStopped | LineError | Journal.JournalError, Journal.Journal>
  /** Decodes the result of a finished run. */
  readonly result: (stored: unknown) => Effect.Effect<Success["Type"], Schema.SchemaError>
}

/** Declares a line: what it is given, what it delivers, and the errors that it may end in. */
export const make = <
  const Name extends string,
  Payload extends Fields,
  Success extends Schema.Constraint,
  Error extends Schema.Constraint = typeof Parked
>(
  name: Name,
  options: { readonly payload: Payload; readonly success: Success; readonly error?: Error }
): Line<Name, Payload, Success, Error> => {
  const errorSchema = options.error ?? Parked
  const workflow = Durable.Workflow.make(name, {
    // The line reads its input itself, so that one that it can not read stalls the run and does not fail in the engine.
    payload: { run: Schema.String, input: Schema.Json },
    // The constraint of the engine is wider than ours; the schemas are the same values.
    success: options.success as unknown as Schema.Codec<Success["Type"], unknown>,
    error: errorSchema as unknown as Schema.Codec<Error["Type"], unknown>,
    idempotencyKey: ({ run }) => run
  })
  // The schemas of a payload need no services.
  const inputs = Schema.toCodecJson(Schema.Struct(options.payload)) as unknown as Schema.Codec<
    Schema.Struct.Type<Payload>,
    unknown
  >
  const result = Schema.toCodecJson(options.success) as unknown as Schema.Codec<Success["Type"], unknown>
  const isDeclared = Schema.is(errorSchema)
  const encode = (payload: Schema.Struct.Type<Payload>) =>
    Effect.mapError(
      toJson(inputs, payload),
      (cause) =>
        new LineError({
          reason: "InvalidPayload",
          message: `The line ${name} can not be started with this payload: ${cause.message}. Mend the payload.`,
          cause
        })
    )
  /** A run that is `detached` wakes nobody when it ends, also when another run starts it in a stage. */
  const executeIn = (run: string, input: Schema.Json, detached: boolean) =>
    Trace.quiet(workflow.execute({ run, input }, { discard: true, detached }))

  const line: Line<Name, Payload, Success, Error> = {
    name,
    toLayer: (code) =>
      workflow.toLayer((payload, executionId) => {
        const origin = {
          line: name,
          run: payload.run,
          item: idOf(payload.input),
          stage: null,
          actor: Actor.host
        } as const
        return Effect.gen(function* () {
          const execution = yield* Durable.execution
          const decoded = yield* Effect.result(Schema.decodeUnknownEffect(inputs)(payload.input))
          if (Result.isFailure(decoded)) return yield* stall(unreadable(payload.run, name, decoded.failure))
          const input = decoded.success
          const item = itemOf(input)
          const life = yield* Run.live(payload.run)
          const run = Run.Run.of({ line: name, id: payload.run, item, execution, next: Run.numbering(), life })
          yield* Durable.Workflow.addFinalizer((exit) =>
            Exit.isSuccess(exit) ? Effect.void : Undoing.atEnd(run, Cause.hasInterruptsOnly(exit.cause))
          )
          const ending = (fact: FactoryEvent.Fact) =>
            Effect.flatMap(Run.key(run, "ended"), (key) => Journal.record(fact, key))
          const { rewinding } = yield* life.past
          if (rewinding !== undefined) {
            const again = code(input) as Effect.Effect<unknown, unknown, Run.Run> // what it needs is provided around
            return yield* Effect.catchTag(Undoing.rewind(run, again, rewinding), "LineError", stall)
          }
          return yield* Effect.provideService(code(input), Run.Run, run).pipe(
            Effect.tap(
              Effect.fnUntraced(function* (success) {
                const missing = yield* Run.missing(run)
                if (missing !== undefined) return yield* LineControl.codeChanged(run, "its end", missing)
                const stored = yield* Effect.mapError(toJson(result, success), (cause) =>
                  unstorable(payload.run, name, cause)
                )
                const end = yield* ending({ _tag: "LineFinished", result: stored })
                if (end.fact._tag === "LineFinished") return
                // It was stopped at the last moment.
                yield* Undoing.heed(run)
                return yield* Durable.suspend
              })
            ),
            Effect.catchCause((cause) => {
              if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
              const error = Cause.squash(cause)
              if (!isDeclared(error)) return stall(error)
              const fact =
                error instanceof Parked
                  ? LineControl.parked({ ...error, unblockWhen: error.unblockWhen ?? undefined })
                  : ({ _tag: "LineFailed", fault: Fault.record(error) } as const)
              const undoing = life.undos.length > 0 && ({ undoing: true } as const)
              return Effect.andThen(ending({ ...fact, ...undoing }), Effect.fail(error))
            })
          )
        }).pipe(
          // A journal that can not be written leaves nothing behind; the engine tells whoever waits.
          Effect.catchIf(
            (error): error is Journal.JournalError => error instanceof Journal.JournalError,
            () => Durable.suspend
          ),
          Trace.line,
          Effect.provideService(Journal.Origin, origin),
          Effect.annotateLogs({ line: name, run: payload.run, execution: executionId })
        )
      }) as never, // the engine's own requirements are spelt out in the interface
    start: Effect.fnUntraced(function* (payload, options) {
      const input = yield* encode(payload)
      const execute = (run: string) => executeIn(run, input, true)
      return yield* LineStart.begin({ line: name, item: itemOf(payload), key: options?.key, execute })
    }),
    child: Effect.fnUntraced(function* (payload, options) {
      const run = yield* Child.standing(name)
      const input = yield* encode(payload)
      const started = yield* Child.start(run, {
        name: options?.name ?? name,
        begin: (relation, key) =>
          LineStart.begin({
            line: name,
            item: itemOf(payload),
            key,
            relation,
            execute: (run) => executeIn(run, input, false)
          })
      })
      return yield* Child.end(run, started, workflow.execute({ run: started, input }))
    }),
    result: (stored) => Schema.decodeUnknownEffect(result)(stored)
  }
  return {
    ...line,
    toLayer: (code) =>
      // Before the code: an engine may go on with runs of the line as soon as it has it.
      Layer.unwrap(Effect.as(Budget.ofLine(name), line.toLayer(code)))
  }
}

/** Every payload has an item, by the constraint of {@link make}; its type is too generic for the compiler to see it. */
const itemOf = (payload: unknown): WorkItem.WorkItem => (payload as { readonly item: WorkItem.WorkItem }).item

/** Stops the run where it is, until somebody mends what is wrong and resumes it. */
const stall = (error: unknown) => {
  const fault = Fault.record(error)
  return Journal.record({ _tag: "LineStalled", fault }).pipe(
    Effect.andThen(Trace.stalled(fault)),
    Effect.andThen(Durable.suspend)
  )
}

/** The item of a stored payload, also of one that its line can not read. */
const idOf = (input: Schema.Json): string | null => {
  const item = Predicate.hasProperty(input, "item") ? input.item : null
  return Predicate.hasProperty(item, "id") && typeof item.id === "string" ? item.id : null
}

const unstorable = (run: string, line: string, cause: Schema.SchemaError) =>
  new LineError({
    reason: "NotStorable",
    message:
      `What the run "${run}" of the line "${line}" came to does not fit its schema and can not be stored: ` +
      `${cause.message}. Mend the line or its schema, and resume the run.`,
    cause
  })

const unreadable = (run: string, line: string, cause: Schema.SchemaError) =>
  new LineError({
    reason: "NotReadable",
    message:
      `What the run "${run}" was started with does not fit the payload of the line "${line}" any more: ` +
      `${cause.message}. Put the schema back, or let it accept what was stored, and resume the run.`,
    cause
  })

const toJson = <A>(codec: Schema.Codec<A, unknown>, value: A) =>
  Effect.map(Schema.encodeEffect(codec)(value), (encoded) => encoded as Schema.Json) // what a JSON codec encodes to

/**
 * Starts a run that takes over what another one did before a stage, and does the rest anew. Answers with its name. `by` is the
 * human who does it by hand; default: the host.
 */
export const fork = (
  run: string,
  options: { readonly before: string; readonly by?: Actor.Actor }
): Effect.Effect<string, LineError | Journal.JournalError, Durable.Engine | Journal.Journal> =>
  Effect.flatMap(LineControl.forkOf(run, options), LineStart.begin)

/**
 * Puts the item aside. In a line, with its item: the line ends here, and says why and what would take the item up again.
 * From outside, with the name of a run: stops the run for the same reason.
 */
export const park: {
  (item: WorkItem.WorkItem, why: Aside): Effect.Effect<never, Parked>
  (
    run: string,
    why: Aside & LineControl.Why
  ): Effect.Effect<void, LineError | Journal.JournalError, Durable.Engine | Journal.Journal>
} = ((what: WorkItem.WorkItem | string, why: Aside & LineControl.Why) => {
  if (typeof what === "string") return LineControl.setAside(what, why)
  const { reason, reviewAfter, unblockWhen = null } = LineControl.parked(why)
  return Effect.fail(
    new Parked({ item: what.id, reason, unblockWhen, ...(reviewAfter !== undefined && { reviewAfter }) })
  )
}) as never // an implementation of both signatures

/** Why an item is put aside, what would take it up again, and how long to leave it at least. */
export interface Aside {
  readonly reason: string
  readonly unblockWhen?: string
  readonly reviewAfter?: Duration.Input
}

/**
 * Whether a run takes the way of the new code at a place where the code of a line has changed. A run that came by here
 * with the old code answers `false` for ever, any other `true`.
 */
export const patched = (name: string): Effect.Effect<boolean, never, Journal.Journal> =>
  Effect.gen(function* () {
    const standing = yield* Run.betweenStages
    if (Option.isNone(standing)) return true
    const isNew = Effect.map(Effect.orDie(Run.missing(standing.value)), (missing) => missing === undefined)
    return yield* Stage.run({ name: `patched-${name}`, success: Schema.Boolean }, isNew).pipe(
      Effect.provideService(Stage.Unchecked, true)
    )
  })

/** Waits for a time in which the run needs no process. Goes on at once when the time has passed since it first came here. */
export const sleep = (name: string, duration: Duration.Input): Effect.Effect<void, LineError, Journal.Journal> =>
  Effect.gen(function* () {
    const run = yield* Child.standing(name)
    const key = run.next(`sleep-${name}`)
    yield* Stage.run({ name: `${key}-open`, success: Schema.Void }, Effect.void)
    yield* Wait.pass(run, key, Duration.fromInputUnsafe(duration))
  })

/**
 * Gives a part of a line, whatever it waits for, a time to be done in. It is kept by the host, over restarts. What is not
 * done then is stopped, and the line has to handle {@link Expired}.
 */
export const within = <A, E, R>(
  { after, name }: { readonly name: string; readonly after: Duration.Input },
  part: Effect.Effect<A, E, R>
): Effect.Effect<A, E | Expired | LineError, R | Journal.Journal> =>
  Effect.gen(function* () {
    yield* Child.standing(name)
    const time = Effect.andThen(sleep("time", after), Effect.succeed(undefined))
    const joined = yield* Branches.parallel(name, { part: Effect.result(part), time }, { join: "first" })
    if (joined.branch === "part") return yield* Effect.fromResult(joined.value)
    return yield* new Expired({ name, after: Duration.toMillis(Duration.fromInputUnsafe(after)) })
  })
