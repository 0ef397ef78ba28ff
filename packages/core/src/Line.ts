/**
 * A **line**: a durable pipeline that carries one work item from intake to delivered or parked. It is ordinary Effect
 * code: branches are `if`, loops are loops, and going back is a loop ({@link rework}).
 *
 * Between stages a line may only decide: no clock, no random number, no input or output. Everything else stands in a
 * stage, a role or a gate, so that a replay after a crash takes the same way.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import * as Durable from "./Durable.ts"
import * as Fault from "./Fault.ts"
import * as Journal from "./Journal.ts"
import * as Run from "./Run.ts"
import * as Status from "./Status.ts"
import type * as WorkItem from "./WorkItem.ts"

/** The fields of a line's payload. The work item that it carries is always there. */
export type Fields = { readonly item: typeof WorkItem.WorkItem } & Schema.Struct.Fields

/** A line put this item aside, with the reason and what would take it up again. */
export class Parked extends Schema.TaggedError<Parked>()("Parked", {
  item: Schema.String,
  reason: Schema.String,
  unblockWhen: Schema.NullOr(Schema.String)
}) {
  override get message() {
    return this.unblockWhen === null ? this.reason : `${this.reason} (until: ${this.unblockWhen})`
  }
}

/** A call that a line does not take. */
export class LineError extends Fault.Class<LineError>()("LineError", {
  NoSuchRun: false,
  /** The run is finished, failed or parked; there is nothing to resume. */
  Ended: false
}) {}

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
   */
  readonly toLayer: <R>(
    code: (payload: Schema.Struct.Type<Payload>) => Effect.Effect<Success["Type"], Error["Type"] | Fault.Fault, R>
  ) => Layer.Layer<
    never,
    never,
    Durable.Engine | Journal.Journal | Exclude<R, Run.Run | Durable.Execution | Scope.Scope>
  >
  /** Starts a new run and answers with its name. Completes as soon as the run is stored. */
  readonly start: (
    payload: Schema.Struct.Type<Payload>
  ) => Effect.Effect<string, Journal.JournalError, Durable.Engine | Journal.Journal>
  /** Takes a run up again: one whose process is gone, or one that stalled. What runs elsewhere stays there. */
  readonly resume: (
    run: string
  ) => Effect.Effect<void, LineError | Journal.JournalError, Durable.Engine | Journal.Journal>
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
    payload: { run: Schema.String, input: Schema.Struct(options.payload) },
    // The constraint of the engine is wider than ours; the schemas are the same values.
    success: options.success as unknown as Schema.Codec<Success["Type"], unknown>,
    error: errorSchema as unknown as Schema.Codec<Error["Type"], unknown>,
    idempotencyKey: ({ run }) => run
  })
  const result = Schema.toCodecJson(options.success) as unknown as Schema.Codec<Success["Type"], unknown>
  const isDeclared = Schema.is(errorSchema)

  return {
    name,
    toLayer: (code) =>
      workflow.toLayer((payload, executionId) => {
        const input = payload.input as Schema.Struct.Type<Payload>
        const item = itemOf(input)
        const origin = { ...outside, line: name, run: payload.run, item: item.id }
        const ending = (fact: Parameters<typeof Journal.entry>[0]) =>
          Journal.record(fact, `${name}/${payload.run}/ended`)
        return Effect.gen(function* () {
          const execution = yield* Durable.execution
          const run = Run.Run.of({ line: name, id: payload.run, item, execution, next: Run.numbering() })
          const success = yield* Effect.provideService(code(input), Run.Run, run)
          yield* ending({ _tag: "LineFinished", result: yield* Effect.orDie(toJson(result, success)) })
          return success
        }).pipe(
          Effect.catchCause((cause) => {
            if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
            const error = Cause.squash(cause)
            if (isDeclared(error)) {
              const fact =
                error instanceof Parked
                  ? ({ _tag: "LineParked", reason: error.message } as const)
                  : ({ _tag: "LineFailed", fault: Fault.record(error) } as const)
              return Effect.andThen(ending(fact), Effect.fail(error))
            }
            return Effect.andThen(Journal.record({ _tag: "LineStalled", fault: Fault.record(error) }), Durable.suspend)
          }),
          // A journal that can not be written leaves nothing behind; the engine tells whoever waits.
          Effect.catchIf(
            (error): error is Journal.JournalError => error instanceof Journal.JournalError,
            () => Durable.suspend
          ),
          Effect.provideService(Journal.Origin, origin),
          Effect.annotateLogs({ line: name, run: payload.run, execution: executionId })
        )
      }) as never, // the engine's own requirements are spelt out in the interface
    start: Effect.fnUntraced(function* (payload) {
      return yield* begin(itemOf(payload), {
        line: name,
        executionOf: (run) => workflow.executionId({ run, input: payload } as never),
        execute: (run) =>
          workflow.execute({ run, input: payload } as never, { discard: true }) as Effect.Effect<
            string,
            never,
            Durable.Engine
          >
      })
    }),
    resume: Effect.fnUntraced(function* (run) {
      const status = yield* Status.of(run)
      if (status === undefined) {
        return yield* new LineError({
          reason: "NoSuchRun",
          message: `There is no run "${run}" in this journal. List the runs, or check which store the program opens.`
        })
      }
      if (Status.isEnded(status)) {
        return yield* new LineError({
          reason: "Ended",
          message: `The run "${run}" is over (${status._tag}). Start a new one for the same item.`
        })
      }
      yield* Journal.record({ _tag: "LineResumed" }).pipe(
        Effect.provideService(Journal.Origin, { ...outside, line: name, run, item: status.item })
      )
      yield* workflow.resume(status.execution)
    }),
    result: (stored) => Schema.decodeUnknownEffect(result)(stored)
  }
}

const outside = { line: null, run: null, item: null, stage: null, actor: { _tag: "Host" } } as const

/** Every payload has an item, by the constraint of {@link make}; its type is too generic for the compiler to see it. */
const itemOf = (payload: unknown): WorkItem.WorkItem => (payload as { readonly item: WorkItem.WorkItem }).item

const toJson = <A>(codec: Schema.Codec<A, unknown>, value: A) =>
  Effect.map(Schema.encodeEffect(codec)(value), (encoded) => encoded as Schema.Json) // what a JSON codec encodes to

interface Start {
  readonly line: string
  readonly executionOf: (run: string) => Effect.Effect<string>
  readonly execute: (run: string) => Effect.Effect<string, never, Durable.Engine>
}

/** Starts a run under the next free name of its item, over all lines; two processes never get the same. */
const begin = Effect.fnUntraced(function* (item: WorkItem.WorkItem, { execute, executionOf, line }: Start) {
  const start = randomUUID()
  const { atomicSignals } = yield* Durable.Supports
  const journal = yield* Journal.Journal
  for (let number = 1; ; number++) {
    const run = `${item.id}.${number}`
    const fact = { _tag: "LineStarted", title: item.title, execution: yield* executionOf(run), start } as const
    const entry = yield* Effect.provideService(Journal.entry(fact, `${run}/started`), Journal.Origin, {
      ...outside,
      line,
      run,
      item: item.id
    })
    if (atomicSignals) {
      // The engine writes the execution and its start together, or neither when there is one of that name.
      const outbox: Durable.Outbox = { entries: [entry], isWritten: false }
      yield* Durable.storeFailure(Effect.provideService(execute(run), Durable.Outbox, outbox))
      if (outbox.isWritten) return run
    } else {
      const [event] = yield* journal.append([entry])
      if (event?.fact._tag !== "LineStarted" || event.fact.start !== start) continue
      yield* execute(run)
      return run
    }
  }
})

/** Whether another living process runs this run. What nobody runs can be resumed here. */
export const isRunElsewhere = (status: Status.Status): Effect.Effect<boolean> =>
  Effect.flatMap(Durable.IsRunElsewhere, (isRunElsewhere) => isRunElsewhere(status.execution))

/** What a run came to, or what it waits for. Completes when the run can not go on by itself. */
export const settled = (run: string): Effect.Effect<Status.Status, Journal.JournalError | LineError, Journal.Journal> =>
  Effect.gen(function* () {
    const failure = yield* Durable.Failure
    return yield* Effect.raceFirst(Status.settled(run), failure)
  }).pipe(
    Effect.flatMap(
      Option.match({
        onNone: () =>
          Effect.fail(new LineError({ reason: "NoSuchRun", message: `There is no run "${run}" in this journal.` })),
        onSome: Effect.succeed
      })
    )
  )

/** Puts the item aside. The line ends here, and says why and what would take the item up again. */
export const park = (
  item: WorkItem.WorkItem,
  why: { readonly reason: string; readonly unblockWhen?: string }
): Effect.Effect<never, Parked> =>
  Effect.fail(new Parked({ item: item.id, reason: why.reason, unblockWhen: why.unblockWhen ?? null }))

/** The work has to be done again, with this as its context. */
export class Again<out Feedback> {
  readonly _tag = "Again"
  readonly feedback: Feedback
  constructor(feedback: Feedback) {
    this.feedback = feedback
  }
}

/** Goes back: the next attempt of the {@link rework} around gets the feedback. */
export const again = <Feedback>(feedback: Feedback): Effect.Effect<Again<Feedback>> =>
  Effect.succeed(new Again(feedback))

/** Does work until it is good, at most `attempts` times. The failure of one attempt is the context of the next. */
export const rework = <A, Feedback, E, R>(
  options: { readonly attempts: number },
  work: (feedback: Feedback | undefined, attempt: number) => Effect.Effect<A | Again<Feedback>, E, R>
): Effect.Effect<A, E | Parked, R> =>
  Effect.gen(function* () {
    let feedback: Feedback | undefined
    for (let attempt = 1; attempt <= options.attempts; attempt++) {
      const result = yield* work(feedback, attempt)
      if (!(result instanceof Again)) return result
      feedback = result.feedback
    }
    const run = yield* Effect.serviceOption(Run.Run)
    return yield* new Parked({
      item: Option.match(run, { onNone: () => "", onSome: ({ item }) => item.id }),
      reason: `The work was not accepted in ${options.attempts} attempts`,
      unblockWhen: "somebody looks at the last verdict and changes the item, the contract or the limit of attempts"
    })
  })
