/**
 * Our own agent loop over Effect's `LanguageModel`: call the model, run the tools that it asks for, again, until it gives
 * its outcome through the `outcome` tool. Earlier messages are never rewritten, so each turn reads the last one's prefix
 * from the provider's cache.
 */
import * as TokenBudget from "@millwright/context/TokenBudget"
import * as ToolIndex from "@millwright/context/ToolIndex"
import * as ToolScope from "@millwright/context/ToolScope"
import type * as SavedTools from "@millwright/context/SavedTools"
import * as ToolSession from "@millwright/context/ToolSession"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as Tainted from "@millwright/core/Tainted"
import * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Harness from "../Harness.ts"
import * as Agent from "../loop/Agent.ts"
import type * as Compaction from "../loop/Compaction.ts"
import * as Choosing from "../loop/Choosing.ts"
import * as Conversation from "../loop/Conversation.ts"
import * as Delegate from "../loop/Delegate.ts"
import * as Lanes from "../loop/Lanes.ts"
import * as PrefixWatch from "../loop/PrefixWatch.ts"
import * as Telemetry from "../loop/Telemetry.ts"
import * as Transcript from "../loop/Transcript.ts"
import * as ApartChoice from "../internal/ApartChoice.ts"
import * as ModelChoice from "../ModelChoice.ts"
import * as Sessions from "../Sessions.ts"
import * as Truncation from "../tools/Truncation.ts"
import * as Tools from "../Tools.ts"
import * as Untrusted from "../Untrusted.ts"

const name = "loop"

/** How the loop works. */
export interface Options {
  /** How long a model may say nothing, before its answer or within, until it is asked again. Default: 5 minutes. */
  readonly silence?: Duration.Input
  /** How long one answer may take, also while it goes on, until the model is asked once more. Default: 30 minutes. */
  readonly answer?: Duration.Input
  /** The largest answer, in bytes. Default: 4 MiB. */
  readonly answerBytes?: number
  /** How long one call of a tool may take, until it is stopped, or left behind, and the model told. Default: 10 minutes. */
  readonly tool?: Duration.Input
  /** How long all of it may take. A run that is ended for it can be taken up again where it was. Default: no limit. */
  readonly total?: Duration.Input
  /** How what others say to an agent is said to it. */
  readonly lanes?: Lanes.Options
  /** How conversations use the tool index. Default: as it costs least, and as the model can. */
  readonly tools?: Pick<ToolSession.Options, "budget" | "deferral" | "isCached" | "mode" | "pins">
  /** When earlier turns give way to notes. Default: before the model's context is full. `false`: never, and what is too long fails. */
  readonly compaction?: Compaction.Options | false
  /** How much of what tools say a model reads, and how much of the rest the journal keeps. Default: `Truncation.defaults`. */
  readonly output?: Partial<Truncation.Limits>
}

/**
 * The loop, with the models that the tiers name, or those that a `ModelChoice` around it chooses. Roles with a scope of
 * tools need a `ToolIndex` around it.
 */
export const layerWith = (
  options: Options
): Layer.Layer<Harness.Harness, never, Model.Models | Pricing.Pricing | Journal.Journal> =>
  Layer.effect(
    Harness.Harness,
    Effect.gen(function* () {
      const models = yield* Model.Models
      const choice = ApartChoice.holding(
        Option.getOrElse(yield* Effect.serviceOption(ModelChoice.ModelChoice), () => ModelChoice.tiers(models))
      )
      // Only these: everything else, the workplace above all, is that of each call and never that of this layer.
      const services = Context.make(Pricing.Pricing, yield* Pricing.Pricing).pipe(
        Context.add(Journal.Journal, yield* Journal.Journal)
      )
      const toolkit = yield* Effect.provide(Tools.toolkit, Tools.layer)
      const index = Option.getOrUndefined(yield* Effect.serviceOption(ToolIndex.ToolIndex))
      const sessions = Option.getOrUndefined(yield* Effect.serviceOption(Sessions.Sessions))
      return Harness.make({
        name,
        supports: { subAgents: true, sessions: sessions !== undefined, toolHooks: true },
        run: (request) =>
          Stream.callback<Harness.HarnessEvent, Harness.Failure, Harness.Workplace>((queue) =>
            work(request, {
              choice,
              toolkit: toolkit as unknown as Toolkit.WithHandler<Record<string, Tool.Any>>, // tools by name, whichever they are
              index,
              sessions,
              options,
              emit: (event) => Effect.asVoid(Queue.offer(queue, event)),
              opened: () => {}
            }).pipe(
              Telemetry.agent(request),
              Effect.andThen(Queue.end(queue)),
              Effect.provideContext(services),
              Effect.provideService(Truncation.Limits, { ...Truncation.defaults, ...options.output })
            )
          )
      })
    })
  )

/** The loop as it is. */
export const layer = layerWith({})

interface Around {
  readonly options: Options
  readonly choice: ModelChoice.ModelChoice["Service"]
  readonly toolkit: Toolkit.WithHandler<Record<string, Tool.Any>>
  readonly index: ToolIndex.ToolIndex | undefined
  readonly sessions: Sessions.Sessions["Service"] | undefined
  readonly emit: (event: Harness.HarnessEvent) => Effect.Effect<void>
  readonly opened: (conversation: Conversation.Conversation) => void
}

const work = (request: Harness.Request, around: Around): Effect.Effect<void, Harness.Failure, Agent.Needs> =>
  Effect.gen(function* () {
    const { choice, emit, index, options, sessions, toolkit } = around
    const outcome = outcomeTool(request.outcome)
    const conversation = yield* Conversation.open(request, { harness: name, sessions })
    const { id: session, isResumed, transcript } = conversation
    around.opened(conversation)
    yield* Telemetry.conversation(session)
    const delegation = yield* Delegate.make({
      request,
      conversation,
      emit,
      run: (child, listening) =>
        work(child, { ...around, ...listening, index: index?.within(request.tools ?? []) }).pipe(Telemetry.agent(child))
    })
    const granted = [...request.grants.flatMap((grant) => toolkit.tools[grant] ?? []), ...(delegation?.tools ?? [])]
    const seat = { request, conversation, choice }
    /** Who has the conversation, and how that one finds tools. */
    const taken = Effect.gen(function* () {
      const { entries, model } = yield* Choosing.begin(seat)
      yield* Telemetry.model(model)
      const found = yield* findable(request, {
        index,
        model,
        options,
        own: [...granted, outcome],
        saved: transcript.tools
      })
      return { entries, taker: { model, index: found } }
    })
    let { entries, taker } = yield* taken
    yield* Conversation.begin(conversation, request, opened(request.system, taker.index))
    const walked = Effect.fnUntraced(function* (since: number) {
      yield* emit({ _tag: "Began", session, isResumed })
      const walking = {
        ...seat,
        toolkit,
        granted,
        delegation,
        lanes: Lanes.make(conversation, { ...options.lanes, since, request }),
        watch: PrefixWatch.make(transcript),
        outcome,
        patience: {
          silence: Duration.toMillis(options.silence ?? "5 minutes"),
          answer: Duration.toMillis(options.answer ?? "30 minutes"),
          bytes: options.answerBytes ?? 4 * 1024 * 1024
        },
        toolTime: Duration.toMillis(options.tool ?? "10 minutes"),
        compaction: options.compaction,
        emit
      }
      for (;;) {
        if (entries.length > 0) yield* conversation.append(...entries)
        Transcript.givenTo(transcript, taker.model.name)
        yield* Choosing.retooled(conversation, taker.index)
        yield* Agent.run({ ...walking, ...taker })
        if (transcript.outcome !== undefined) return
        ;({ entries, taker } = yield* taken)
      }
    })
    const { total } = options
    // Whoever is said to be at work is said to have stopped, whatever comes between.
    yield* Effect.acquireUseRelease(
      Journal.record({ _tag: "AgentStarted", role: request.role, session, resumed: isResumed }),
      ({ seq }) => {
        const walk = walked(isResumed ? 0 : seq)
        return total === undefined ? walk : timed(walk, request.role, total)
      },
      (_, exit) =>
        Effect.ignore(
          Journal.record({
            _tag: "AgentEnded",
            session,
            fault: Exit.isSuccess(exit) ? null : Fault.record(why(request.role, exit.cause))
          })
        )
    )
  })

/** Why an agent stopped. To be stopped is no defect. */
const why = (role: string, cause: Cause.Cause<Harness.Failure>): unknown =>
  Cause.hasInterruptsOnly(cause)
    ? new Harness.HarnessError({
        reason: "Interrupted",
        message: `The role ${role} was stopped by whoever waited for it. Where its conversation is kept, it goes on where it was.`
      })
    : Cause.squash(cause)

const timed = <R>(
  walk: Effect.Effect<void, Harness.Failure, R>,
  role: string,
  total: Duration.Input
): Effect.Effect<void, Harness.Failure, R> =>
  Effect.timeoutOrElse(walk, {
    duration: total,
    orElse: () =>
      Effect.fail(
        new Harness.HarnessError({
          reason: "TimedOut",
          message:
            `The role ${role} took longer than ${Duration.format(Duration.fromInputUnsafe(total))}. Give it more time, or a smaller task; ` +
            `where its conversation is kept, it goes on where it was.`
        })
      )
  })

/** The system prompt of a new conversation. */
const opened = (system: string, session: ToolSession.ToolSession | undefined): string =>
  session === undefined || session.opening === ""
    ? system
    : `${system}\n\n${session.opening}\n\n${Untrusted.block(Tainted.of("tool index", session.contents))}`

/** How the conversation uses the tools that the role may find. */
const findable = Effect.fnUntraced(function* (
  { prompt, role, system, tools: scope = [] }: Harness.Request,
  {
    index,
    model,
    options,
    own,
    saved
  }: Pick<Around, "index" | "options"> & {
    readonly model: Model.Model
    readonly own: ReadonlyArray<Tool.Any>
    readonly saved: SavedTools.Saved | undefined
  }
) {
  if (scope.length === 0) return undefined
  if (index === undefined) {
    return yield* new Harness.HarnessError({
      reason: "NoToolIndex",
      message: `The role ${role} may use ${scope.join(", ")}, and there is no tool index. Provide one to the layer of the loop: SourceIndex.layer([…]).`
    })
  }
  const session = yield* ToolSession.make({
    ...options.tools,
    index: index.within(scope),
    loading: model.supports.toolLoading,
    prefix: TokenBudget.estimate(`${system}${prompt}`) + ToolSession.estimate(own),
    ...(saved && { saved })
  })
  if (saved === undefined) {
    const ids = (yield* index.list()).map(({ id }) => id)
    const { servers } = yield* index.stats
    for (const said of ToolScope.idle(scope, { ids, servers })) yield* Effect.logWarning(`The role ${role}: ${said}`)
  }
  return session
})

/** The tool through which the outcome is given. It does not exclude other tools, unlike a provider's output format. */
const outcomeTool = (outcome: Harness.Request["outcome"]) =>
  Tool.make("outcome", {
    description: "Ends your work with its outcome. Call it exactly once, when everything else is done.",
    parameters: Schema.Struct({ outcome })
  })
