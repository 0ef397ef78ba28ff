/**
 * **Compaction**: a conversation that outgrows the model's context goes on with notes in the place of its earlier turns. The model
 * that works writes them itself, in the same conversation, so what it reads for it comes from the provider's cache.
 *
 * Instructions (the system prompt, tasks, what people said) and the last turns stay as they are. The conversation becomes
 * another one by the entry `Compacted` alone: until that is kept, nothing has happened.
 */
import * as TokenBudget from "@millwright/context/TokenBudget"
import * as ToolSession from "@millwright/context/ToolSession"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import type * as Pricing from "@millwright/core/Pricing"
import * as ToolLoading from "@millwright/core/ToolLoading"
import * as Usage from "@millwright/core/Usage"
import * as Prompt from "effect/ai/Prompt"
import type * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Harness from "../Harness.ts"
import * as CompactionPlan from "./CompactionPlan.ts"
import * as CompactionText from "./CompactionText.ts"
import * as ModelTurn from "./ModelTurn.ts"
import * as Offer from "./Offer.ts"
import type * as Transcript from "./Transcript.ts"
import * as Weight from "./Weight.ts"

/** When a conversation is compacted, in tokens. */
export interface Options {
  /** What a request and its answer may have together. Default: what the model says; where it says nothing, its provider has to refuse first. */
  readonly window?: number
  /** What is left free for the answer and for what tools say to it; half of the window at most. Default 16,384. */
  readonly reserve?: number
  /** How much of the last turns stays as it is, at most. Default 20,000. */
  readonly keep?: number
}

/** What is compacted, and with what. */
export interface Around extends Offer.Bench {
  readonly request: Harness.Request
  readonly model: Model.Model
  readonly toolkit: Toolkit.WithHandler<Record<string, Tool.Any>>
  readonly patience: ModelTurn.Patience
  /** `false`: it is left as it is, and overflows. Default: the defaults. */
  readonly compaction?: Options | false | undefined
}

type Trigger = Extract<FactoryEvent.Fact, { readonly _tag: "ContextCompacted" }>["trigger"]

/** How many conversations were compacted. */
export const compactions = Metric.counter("millwright.context.compactions", {
  description: "Conversations whose earlier turns a summary replaced"
})

/** Takes a turn; or makes room, so that there is one to take: when the context is nearly full, and when it has overflowed. */
export const around = <R>(
  options: Around,
  turn: Effect.Effect<void, Harness.Failure, R>
): Effect.Effect<void, Harness.Failure, R | Journal.Journal | Pricing.Pricing> =>
  Effect.gen(function* () {
    if (options.compaction === false) return yield* turn
    if (yield* isFull(options)) return yield* compact(options, "window")
    const done = yield* Effect.result(turn)
    if (done._tag === "Success") return
    if (!isOverflow(done.failure)) return yield* Effect.fail(done.failure)
    yield* compact(options, "overflow")
  })

const isOverflow = (failure: Harness.Failure): boolean =>
  failure._tag === "ModelError" && failure.reason === "ContextOverflow"

const limits = ({ compaction, model }: Around) => {
  const {
    keep = 20_000,
    reserve = 16_384,
    window = model.contextWindow
  } = compaction === false ? {} : (compaction ?? {})
  return { keep, window, limit: window === undefined ? undefined : window - Math.min(reserve, window / 2) }
}

/** Whether the next request would come too near to the end of the context, and compacting makes it shorter. */
const isFull = Effect.fnUntraced(function* (options: Around) {
  const { items, used } = options.conversation.transcript
  const { keep, limit } = limits(options)
  if (limit === undefined || used === undefined) return false
  const since = items.slice(items.findLastIndex(({ at }) => at <= used.at) + 1)
  if (used.tokens + Weight.sum(since) <= limit) return false
  const { plan } = yield* planned(options, keep)
  return CompactionPlan.isWorthIt(plan, limit)
})

const planned = Effect.fnUntraced(function* (options: Around, keep: number) {
  const { transcript } = options.conversation
  const offered = yield* Offer.tools(options)
  const tools = ToolSession.estimate(offered.filter((tool) => !ToolLoading.isDeferred(tool)))
  return { offered, tools, plan: CompactionPlan.make({ transcript, tools, limit: limits(options).limit, keep }) }
})

const compact = Effect.fnUntraced(function* (options: Around, trigger: Trigger) {
  const { conversation, index, model } = options
  const { compactions: earlier } = conversation.transcript
  const { keep, window } = limits(options)
  // What was kept was still too much: now nothing is.
  const { offered, plan, tools } = yield* planned(options, earlier > 0 ? 0 : keep)
  const { removed, tail } = plan
  if (earlier >= 2 || removed.length === 0 || plan.fixed >= (window ?? Number.POSITIVE_INFINITY)) {
    return yield* tooLarge(options, plan)
  }
  const asked = yield* notes(options, { offered, plan, tools, trigger })
  const dropped = {
    messages: removed.length,
    toolResults: removed.reduce((sum, { message }) => sum + (message.role === "tool" ? message.content.length : 0), 0),
    tokens: plan.removedTokens
  }
  const summary = Prompt.userMessage({
    content: [Prompt.textPart({ text: CompactionText.summary({ ...asked, dropped, plan }) })]
  })
  const joined = yield* (
    index?.rejoined(Prompt.fromMessages(removed.map(({ message }) => message))) ?? Effect.succeed([])
  )
  yield* conversation.append(
    // First: a conversation that breaks off between them has its tools in either case.
    ...(index === undefined || joined.length === 0 ? [] : [{ _tag: "Tooled" as const, tools: yield* index.save }]),
    { _tag: "Compacted", summary, kept: plan.kept, dropped, ...(joined.length > 0 && { joined }) }
  )
  yield* Metric.update(compactions, 1)
  const added = [summary, ...joined].reduce((sum, message) => sum + Weight.of(message), 0)
  yield* Journal.record({
    _tag: "ContextCompacted",
    model: model.name,
    trigger,
    notes: asked.text === "" ? "calls" : "model",
    before: plan.before,
    after: plan.before - plan.removedTokens + Math.ceil(plan.scale * added),
    kept: tail.length,
    dropped,
    usage: asked.usage
  })
})

interface Asking {
  readonly offered: ReadonlyArray<Tool.Any>
  readonly plan: CompactionPlan.Plan
  readonly tools: number
  readonly trigger: Trigger
}

/** What the model writes down. Where the whole conversation does not fit any more it is shown less of it, from its beginning. */
const notes = Effect.fnUntraced(function* (options: Around, { offered, plan, tools, trigger }: Asking) {
  const { items } = options.conversation.transcript
  const { scale } = plan
  const most = Math.min(limits(options).limit ?? Number.POSITIVE_INFINITY, plan.before * 0.75)
  const unseenOf = (shown: ReadonlyArray<Transcript.Item>) => plan.removed.filter((item) => !shown.includes(item))
  const attempts = [
    ...(trigger === "window" ? [() => items] : []),
    ...[1, 2, 4].map((part) => () => CompactionPlan.beginning(items, { most: most / part, scale, tools }))
  ]
  for (const shownOf of attempts) {
    const shown = shownOf()
    if (shown.length === 0) break
    const answer = yield* Effect.result(ask(options, { offered, shown }))
    if (answer._tag === "Failure") {
      if (isOverflow(answer.failure)) continue
      return yield* Effect.fail(answer.failure)
    }
    const { calls, isCut, parts, usage } = answer.success
    const text = calls.length > 0 ? "" : CompactionText.written(Prompt.fromResponseParts(parts).content)
    const fitting = TokenBudget.cut(text, (plan.notes / scale) * TokenBudget.bytesPerToken)
    return {
      text: fitting.text,
      isCut: isCut || fitting.dropped > 0,
      usage,
      unseen: text === "" ? plan.removed : unseenOf(shown)
    }
  }
  return { text: "", isCut: false, usage: Usage.zero, unseen: plan.removed }
})

const ask = (
  { model, patience, toolkit }: Around,
  { offered, shown }: { readonly offered: ReadonlyArray<Tool.Any>; readonly shown: ReadonlyArray<Transcript.Item> }
) =>
  ModelTurn.run({
    model,
    prompt: Prompt.fromMessages([
      ...shown.map(({ message }) => message),
      Prompt.userMessage({ content: [Prompt.textPart({ text: CompactionText.question })] })
    ]),
    // The same tools: without them, or with another choice among them, nothing of the prompt comes from the cache.
    toolkit: { ...toolkit, tools: Offer.named(offered) },
    onText: () => Effect.void,
    patience
  })

const tooLarge = (options: Around, { before, fixed, removed }: CompactionPlan.Plan) => {
  const { model, request } = options
  const { window } = limits(options)
  const context = window === undefined ? "its context" : `its ${window} tokens`
  const why =
    removed.length === 0
      ? "and there is nothing in it that could be left out"
      : fixed >= (window ?? Number.POSITIVE_INFINITY)
        ? "and those can not be left out"
        : "also after earlier turns were taken out twice"
  return new Model.ModelError({
    reason: "ContextOverflow",
    message:
      `The conversation of the role ${request.role} does not fit into ${model.name} (${context}): about ${before} tokens, ` +
      `of which tools, system prompt and instructions are ${fixed}, ${why}. Give the role less to begin with, fewer tools, or a model that holds more.`
  })
}
