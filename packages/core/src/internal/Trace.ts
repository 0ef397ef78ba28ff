/**
 * Spans of lines and stages. What a span holds leaves the house, so it says who, when and how it ended, and never what was
 * said: of a failure it has the tag and the closed reason, never the message.
 *
 * Between the stages of a line there are no spans: a replay comes by there in every life, and the engine's own spans of
 * steps that it finds stored would be spans of nothing that happened.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import type * as Tracer from "effect/Tracer"
import * as Durable from "../Durable.ts"
import * as Fault from "../Fault.ts"
import * as Journal from "../Journal.ts"

/** What a span is called, and what it says from its beginning. */
export interface SpanOptions<A = unknown> {
  readonly name: string
  /** `client` where something outside of the process is called. Default: `internal`. */
  readonly kind?: Tracer.SpanKind
  /** Never prompts, answers, arguments or messages. What is `undefined` is left out. */
  readonly attributes?: Readonly<Record<string, unknown>>
  /** The class of a failure that stands in a value, as `error.type`; `undefined` for a value that is none. */
  readonly failed?: (value: A) => string | undefined
}

interface Placed<A> extends SpanOptions<A> {
  readonly root?: boolean
  readonly parent?: Tracer.AnySpan | undefined
}

/**
 * Runs an effect in a span that says where in the factory it stands, as `millwright.line`, `run`, `item`, `stage` and
 * `role`. A failure is its `error.type`, such as `ModelError.RateLimited`; its message and its stack are left out.
 */
export const span: <A, E, R>(
  options: SpanOptions<A>,
  run: (span: Tracer.Span) => Effect.Effect<A, E, R>
) => Effect.Effect<A, E, R> = (options, run) => placed(options, run)

const placed = <A, E, R>(
  { attributes, failed, kind = "internal", name, parent, root = false }: Placed<A>,
  run: (span: Tracer.Span) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.flatMap(Journal.Origin, ({ actor, item, line, run: id, stage }) =>
    Effect.useSpan(name, { kind, root, parent }, (span) => {
      set(span, {
        "millwright.line": line,
        "millwright.run": id,
        "millwright.item": item,
        "millwright.stage": stage,
        "millwright.role": actor._tag === "Agent" ? actor.role : undefined,
        ...attributes
      })
      return Effect.onExit(Effect.withParentSpan(run(span), span, { captureStackTrace: false }), (exit) =>
        end(span, exit, failed)
      )
    })
  )

const set = (span: Tracer.Span, attributes: Readonly<Record<string, unknown>>): void => {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) span.attribute(key, value)
  }
}

/** Ends a span before its tracer does, which would write down the message, the stack and the value. */
const end = <A, E>(span: Tracer.Span, exit: Exit.Exit<A, E>, failed?: (value: A) => string | undefined) =>
  Effect.map(Clock.currentTimeNanos, (now) => {
    const noted = span.attributes.get("error.type")
    const type =
      typeof noted === "string"
        ? noted
        : Exit.isSuccess(exit)
          ? failed?.(exit.value)
          : Cause.hasInterruptsOnly(exit.cause)
            ? undefined
            : Fault.classOf(Fault.record(Cause.squash(exit.cause)))
    if (type === undefined) return span.end(now, Exit.isSuccess(exit) ? Exit.void : exit)
    span.attribute("error.type", type)
    span.end(now, Exit.fail({ name: type, message: type }))
  })

/** The life of a run that code stands in, and whether spans are wanted where its line was given its code. */
const Life = Context.Reference<{ readonly span: Tracer.Span; readonly isOn: boolean } | undefined>(
  "@millwright/core/Trace/Life",
  { defaultValue: () => undefined }
)

/** Runs what the engine does without spans. The stages in it make theirs. */
export const quiet = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, References.TracerEnabled, false)

const loud = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Life, (life) =>
    life === undefined ? effect : Effect.provideService(effect, References.TracerEnabled, life.isOn)
  )

/**
 * One life of a run, from where its code begins until it ends or waits: a trace of its own, since nothing may stay open
 * for the days that a gate waits. The lives of a run have `millwright.run` in common.
 */
export const line = <A, E, R>(
  code: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | Durable.WorkflowEngine.WorkflowInstance> =>
  Effect.flatMap(Journal.Origin, ({ line }) =>
    Effect.flatMap(References.TracerEnabled, (isOn) =>
      placed(
        {
          name: `invoke_workflow ${line}`,
          root: true,
          attributes: { "gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": line }
        },
        (life) =>
          Effect.flatMap(Durable.WorkflowEngine.WorkflowInstance, (instance) =>
            Effect.onExit(Effect.provideService(quiet(code), Life, { span: life, isOn }), () => {
              if (!instance.suspended) return Effect.void
              life.attribute("millwright.suspended", true)
              return end(life, Exit.void)
            })
          )
      )
    )
  )

/** One attempt of a stage. The pauses between attempts are in no span but the life's. */
export const stage = <A, E, R>(
  { attempt, name }: { readonly name: string; readonly attempt: number },
  work: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.flatMap(Life, (life) =>
    loud(
      placed(
        { name: `stage ${name}`, parent: life?.span, attributes: { "millwright.stage.attempt": attempt } },
        () => work
      )
    )
  )

/** Marks the life as one that a fault stopped. */
export const stalled = (fault: Fault.Recorded): Effect.Effect<void> =>
  Effect.map(Life, (life) => life?.span.attribute("error.type", Fault.classOf(fault)))
