/** One turn of a model: called within the budget, tried again by failure class, recorded with its tokens and its price. */
import * as Budget from "@millwright/core/Budget"
import * as Fault from "@millwright/core/Fault"
import type * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import type * as AiError from "effect/ai/AiError"
import type * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import type * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as BrokenAnswer from "./BrokenAnswer.ts"
import * as Telemetry from "./Telemetry.ts"
import * as Watchdog from "./Watchdog.ts"

/** What a model is called with. */
export interface Call {
  readonly model: Model.Model
  readonly prompt: Prompt.Prompt
  readonly toolkit: Toolkit.WithHandler<Record<string, Tool.Any>>
  readonly onText: (text: string) => Effect.Effect<void>
  readonly patience: Patience
}

/** How long a model is waited for. Times in milliseconds. */
export interface Patience {
  /** Without a word, before its answer or within. */
  readonly silence: number
  /** For the whole of one answer, also while it goes on. */
  readonly answer: number
  /** The largest answer, in bytes: text, reasoning and arguments together. */
  readonly bytes: number
}

/** What a model answered. */
export interface Answer {
  readonly parts: ReadonlyArray<Response.AnyPart>
  readonly calls: ReadonlyArray<ToolCall>
  /** The answer reached the model's limit of output; its last call may hold half of its arguments. */
  readonly isCut: boolean
  /** The provider's policy kept the answer back. It is billed all the same. */
  readonly isRefused: boolean
  readonly usage: Usage.Usage
  readonly cost: Usage.Cost
}

/** A tool that the model asks for. The arguments are as the model wrote them, not decoded. */
export interface ToolCall {
  readonly id: string
  readonly name: string
  readonly params: unknown
}

/** The most that one call is tried. */
export const maxAttempts = 5

/** How often a model is asked that did not come to an end: each time may cost as much as an answer can. */
const mostEndless = 2

/** The most calls of one answer. One with more goes on without end, whatever it wants. */
export const maxCalls = 1_000

/** The longest that a provider's `Retry-After` is waited for; a longer one stalls the line, which can be resumed later. */
export const maxWait = 5 * 60_000

/** Calls the model. Overload, rate limits and broken connections are tried again, as the provider asks. */
export const run = (
  call: Call
): Effect.Effect<
  Answer,
  Model.ModelError | Budget.BudgetError | Journal.JournalError,
  Journal.Journal | Pricing.Pricing
> =>
  Effect.gen(function* () {
    for (let attempt = 1; ; attempt++) {
      yield* Budget.check
      const started = yield* Clock.currentTimeMillis
      const parts: Array<Response.AnyPart> = []
      // An answer that came is billed, whatever becomes of it and of whoever asked.
      const result = yield* Effect.uninterruptibleMask((restore) =>
        Effect.tap(
          Effect.result(
            BrokenAnswer.recorded(call.model, parts)(Telemetry.chat(call.model)(restore(once(call, parts))))
          ),
          (result) =>
            result._tag === "Success"
              ? Effect.flatMap(Clock.currentTimeMillis, (now) =>
                  bill(call.model, { answer: result.success, latency: Math.max(0, now - started) })
                )
              : Effect.void
        )
      )
      if (result._tag === "Success" && !result.success.isRefused) return result.success
      const error = result._tag === "Success" ? refusal(call.model) : result.failure
      const delay = error.retryAfter ?? Math.min(30_000, 500 * 2 ** attempt)
      const isWorthIt =
        error.isRetryable && attempt < (error.reason === "Endless" ? mostEndless : maxAttempts) && delay <= maxWait
      const failed = Budget.spend({
        _tag: "ModelFailed",
        model: call.model.name,
        fault: Fault.record(error),
        delay: isWorthIt ? delay : null,
        ...(result._tag === "Failure" && (yield* BrokenAnswer.billed(call.model, parts)))
      })
      yield* Effect.uninterruptible(failed)
      if (!isWorthIt) return yield* error
      yield* Effect.sleep(delay)
    }
  })

const once = ({ model, onText, patience, prompt, toolkit }: Call, parts: Array<Response.AnyPart>) =>
  Effect.gen(function* () {
    let size = 0
    let called = 0
    const stream =
      model.answer?.({ prompt, tools: Object.values(toolkit.tools) }) ??
      // Tools by name have unknown parameters; as they are not decoded here, no service is needed for them.
      (model.languageModel.streamText({
        prompt,
        toolkit,
        // The loop runs the tools itself, so that it can check grants, bound output and record each call.
        disableToolCallResolution: true,
        toolCallValidation: "deferred"
      }) as Stream.Stream<Response.AnyPart, AiError.AiError>)
    const take = (part: Response.AnyPart) => {
      parts.push(part)
      // A part without content takes room as well.
      size += 8 + ("delta" in part ? Buffer.byteLength(part.delta) : 0)
      if (size > patience.bytes) return Effect.fail(endless(model, `${patience.bytes} bytes`))
      if (part.type === "tool-call" && ++called > maxCalls) return Effect.fail(endless(model, `${maxCalls} calls`))
      return part.type === "text-delta" ? onText(part.delta) : Effect.void
    }
    yield* Watchdog.beside(
      {
        silence: patience.silence,
        whole: patience.answer,
        silent: () => silent(model, patience.silence),
        endless: () => endless(model, `${Math.round(patience.answer / 1_000)} s`)
      },
      ({ taking }) =>
        stream.pipe(
          Stream.mapError((error) => Model.fromAiError(error, { model: model.name, provider: model.provider })),
          Stream.runForEachArray((some) => taking(Effect.forEach(some, take, { discard: true })))
        )
    )
    const finish = parts.find((part) => part.type === "finish")
    if (finish === undefined) {
      return yield* new Model.ModelError({
        reason: "Disconnected",
        message: `The answer of ${model.name} ended before it was complete. Nothing of it was used.`
      })
    }
    const calls = parts.flatMap((part): ReadonlyArray<ToolCall> =>
      part.type === "tool-call" ? [{ id: part.id, name: part.name, params: part.params }] : []
    )
    const { reason } = finish
    const usage = Model.usage(finish.usage)
    const { name, provider } = model
    return {
      parts,
      calls,
      isCut: reason === "length",
      isRefused: reason === "content-filter",
      usage,
      cost:
        Usage.total(usage) > 0
          ? Pricing.cost(yield* Pricing.Pricing, { provider, model: name, usage })
          : Usage.unknown(`${provider} did not say what the call used`)
    } satisfies Answer
  })

const silent = (model: Model.Model, silence: number) =>
  new Model.ModelError({
    reason: "Disconnected",
    message:
      `Model ${model.name} of ${model.provider} has said nothing for ${Math.round(silence / 1_000)} s. Nothing of its answer was used. ` +
      `If it thinks for longer than that, give the loop more patience.`
  })

const endless = (model: Model.Model, most: string) =>
  new Model.ModelError({
    reason: "Endless",
    message:
      `Model ${model.name} of ${model.provider} did not end its answer within ${most}, and nothing of it was used. ` +
      `Ask it for less at a time, or let the loop wait for larger answers.`
  })

const refusal = (model: Model.Model) =>
  new Model.ModelError({
    reason: "Refused",
    message: `${model.name} of ${model.provider} refuses to answer this prompt. Change what the role is asked for.`
  })

const bill = (model: Model.Model, { answer, latency }: { readonly answer: Answer; readonly latency: number }) => {
  const { name, paidBy, provider, rehearsed } = model
  const { cost, parts, usage } = answer
  const message = Model.begun(parts)?.message
  return Budget.spend({
    ...{ _tag: "ModelCalled", model: name, provider, usage, cost, latency, rehearsed },
    ...(message && { message }),
    ...(paidBy && { paidBy })
  })
}
