/**
 * The durability seam over Effect's `Workflow`: a line is a workflow, a stage an activity, a gate a deferred. The only
 * file of the package, engine adapters apart, that touches `effect/workflow`, which is marked unstable.
 */
import * as Activity from "effect/workflow/Activity"
import * as DurableClock from "effect/workflow/DurableClock"
import * as DurableDeferred from "effect/workflow/DurableDeferred"
import * as Workflow from "effect/workflow/Workflow"
import * as WorkflowEngine from "effect/workflow/WorkflowEngine"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type * as FactoryEvent from "./FactoryEvent.ts"
import * as Journal from "./Journal.ts"

export {
  /** A step of a workflow that is run once and whose result is stored. */
  Activity,
  /** A pause of a workflow that needs no process while it lasts. */
  DurableClock,
  /** A value that a workflow waits for, and that anybody can give. */
  DurableDeferred,
  /** Code that is replayed from its stored steps. */
  Workflow,
  /** What runs workflows. */
  WorkflowEngine
}

/** Runs workflows durably. */
export type Engine = WorkflowEngine.WorkflowEngine

/** The engine and the execution that a piece of line code runs in. */
export type Execution = WorkflowEngine.WorkflowEngine | WorkflowEngine.WorkflowInstance

/** The engine and the execution, and nothing else of the context that this is asked in. */
export const execution: Effect.Effect<Context.Context<Execution>, never, Execution> = Effect.gen(function* () {
  return Context.make(WorkflowEngine.WorkflowEngine, yield* WorkflowEngine.WorkflowEngine).pipe(
    Context.add(WorkflowEngine.WorkflowInstance, yield* WorkflowEngine.WorkflowInstance)
  )
})

/** What an engine can do. */
export interface Supports {
  /** What was run survives the process: another one that opens the same store goes on with it. */
  readonly persistence: boolean
  /** The engine shares a store with the journal, and writes the facts of an {@link Outbox} in the result's transaction. */
  readonly atomicFacts: boolean
  /** The engine and the journal write everything in the order in which they were asked to. */
  readonly inOrder: boolean
  /**
   * A start and an answer are stored in one transaction with the facts of their {@link Outbox}, or not at all when the
   * facts stand already; what is stored is delivered, whoever dies.
   */
  readonly atomicSignals: boolean
  /** To resume is stored in one transaction with the facts of its {@link Outbox}: whoever does it need not live to see it done. */
  readonly atomicResumes: boolean
}

/** What the engine can do. One that says nothing can do nothing of it. */
export const Supports = Context.Reference<Supports>("@millwright/core/Durable/Supports", {
  defaultValue: () => ({
    persistence: false,
    atomicFacts: false,
    inOrder: false,
    atomicSignals: false,
    atomicResumes: false
  })
})

/**
 * Facts that have to be written together with a result. An engine that shares a store with the journal writes them in
 * the transaction of the result and says so; for any other engine they are appended right after it, by key, so that a
 * replay writes nothing twice.
 */
export interface Outbox {
  readonly entries: Array<FactoryEvent.Entry>
  isWritten: boolean
}

/** What an execution remembers, to be read and rewritten while nobody runs it. */
export interface History {
  /**
   * Makes an execution forget every step and wait but the kept ones, takes its end back, and writes the facts of the
   * {@link Outbox} with that. It goes on when it is resumed. Answers `false`, and changes nothing, when it is being run.
   * One that calls this itself, and suspends then, is run once more.
   */
  readonly forget: (execution: string, isKept: (step: string) => boolean) => Effect.Effect<boolean>
  /**
   * Makes a new execution that remembers the kept steps and waits of another one, and runs it. Writes the facts of the
   * {@link Outbox} with that, or neither when one of them, or the execution, stands already.
   */
  readonly fork: (execution: string, to: Copy) => Effect.Effect<void>
}

/** An execution that is made from another one. */
export interface Copy {
  readonly execution: string
  /** The run that it belongs to, in the place of the other's. */
  readonly run: string
  readonly isKept: (step: string) => boolean
}

/** The engine's histories; `undefined` when what an engine remembers can not be rewritten. */
export const History = Context.Reference<History | undefined>("@millwright/core/Durable/History", {
  defaultValue: () => undefined
})

/** The workflow of a line, for whoever knows no more than its name: to wake, stop or find an execution. */
export const named = (line: string) =>
  Workflow.make(line, {
    payload: { run: Schema.String, input: Schema.Unknown },
    idempotencyKey: ({ run }) => run
  })

/** The outbox of the result that is being made. Engines read it; stages and gates fill it. */
export const Outbox = Context.Reference<Outbox | undefined>("@millwright/core/Durable/Outbox", {
  defaultValue: () => undefined
})

/** Runs an effect of the engine with an outbox, and appends what the engine did not write. */
export const withOutbox = <A, E, R>(
  outbox: Outbox,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | Journal.Journal> =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    const exit = yield* Effect.exit(Effect.provideService(effect, Outbox, outbox))
    // An error that a step declares is a result too; a defect and an interruption are none.
    const isResult = Exit.isSuccess(exit) || Cause.hasFails(exit.cause)
    if (isResult && !outbox.isWritten && outbox.entries.length > 0) {
      // The result stands already, so what can not be written now is a failure of the store and of nothing else.
      yield* Effect.orDie(journal.append(outbox.entries))
    }
    return yield* exit
  })

/**
 * Fails when the engine can no longer write, for whoever waits for a line: without it they would wait for ever. An
 * engine that can not fail leaves the default.
 */
export const Failure = Context.Reference<Effect.Effect<never, Journal.JournalError>>(
  "@millwright/core/Durable/Failure",
  {
    defaultValue: () => Effect.never
  }
)

/** An engine has no errors of its own: a store that fails is a defect to it, and a failure again for whoever asked. */
export const storeFailure = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | Journal.JournalError, R> =>
  Effect.catchDefect(effect, (defect) =>
    defect instanceof Journal.JournalError ? Effect.fail(defect) : Effect.die(defect)
  )

/** Whether another living process runs an execution. An engine of one process leaves the default: nobody else does. */
export const IsRunElsewhere = Context.Reference<(execution: string) => Effect.Effect<boolean>>(
  "@millwright/core/Durable/IsRunElsewhere",
  { defaultValue: () => () => Effect.succeed(false) }
)

/** Stops the running execution at this point without a result; it goes on from here when it is resumed. */
export const suspend: Effect.Effect<never, never, WorkflowEngine.WorkflowInstance> = Effect.flatMap(
  WorkflowEngine.WorkflowInstance,
  Workflow.suspend
)
