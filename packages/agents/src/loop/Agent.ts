/**
 * The loop itself: settle the calls of the last answer, hear what was said meanwhile, ask the model again, until there is an
 * outcome. Where it stands is in the transcript alone, so a conversation that broke off anywhere is gone on with by walking
 * the same loop.
 */
import type * as ToolSession from "@millwright/context/ToolSession"
import * as Journal from "@millwright/core/Journal"
import type * as Model from "@millwright/core/Model"
import type * as Pricing from "@millwright/core/Pricing"
import * as Prompt from "effect/ai/Prompt"
import type * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Harness from "../Harness.ts"
import type * as ModelChoice from "../ModelChoice.ts"
import * as CallIds from "./CallIds.ts"
import * as Choosing from "./Choosing.ts"
import * as Compaction from "./Compaction.ts"
import * as Conversation from "./Conversation.ts"
import * as Hooking from "./Hooking.ts"
import type * as Lanes from "./Lanes.ts"
import * as ModelTurn from "./ModelTurn.ts"
import * as Offer from "./Offer.ts"
import type * as PrefixWatch from "./PrefixWatch.ts"
import * as Repetition from "./Repetition.ts"
import * as ToolTurn from "./ToolTurn.ts"
import * as Transcript from "./Transcript.ts"

/** What a loop works with. */
export interface Options {
  readonly request: Harness.Request
  readonly conversation: Conversation.Conversation
  readonly model: Model.Model
  /** Says who goes on where something speaks against the model. */
  readonly choice: ModelChoice.ModelChoice["Service"]
  /** All tools of the place; only those that are granted are offered and run. */
  readonly toolkit: Toolkit.WithHandler<Record<string, Tool.Any>>
  readonly granted: ReadonlyArray<Tool.Any>
  readonly index: ToolSession.ToolSession | undefined
  readonly delegation: ToolTurn.Delegation | undefined
  readonly outcome: Tool.Any
  readonly lanes: Lanes.Lanes
  readonly watch: PrefixWatch.PrefixWatch
  readonly patience: ModelTurn.Patience
  /** How long one call of a tool may take, in milliseconds. */
  readonly toolTime: number
  readonly compaction?: Compaction.Options | false | undefined
  readonly emit: (event: Harness.HarnessEvent) => Effect.Effect<void>
}

/** Everything that the loop needs around it. */
export type Needs = Journal.Journal | Pricing.Pricing | Harness.Workplace

/** Walks on until there is an outcome, or another model has the conversation. */
export const run = (options: Options): Effect.Effect<void, Harness.Failure, Needs> =>
  Effect.gen(function* () {
    const { conversation, emit, request } = options
    const { transcript } = conversation
    const { candidate } = transcript
    while (transcript.candidate === candidate) {
      const { outcome } = transcript
      const heard = transcript.calls.length > 0 ? [] : yield* options.lanes.next(outcome !== undefined)
      if (heard.length > 0) yield* conversation.append(...heard)
      else if (outcome !== undefined) {
        return yield* emit({ _tag: "Ended", outcome: outcome.value, session: yield* conversation.save })
      } else if (transcript.calls.length > 0) yield* settle(options)
      else if (transcript.answer?.isSilent === true) yield* remind(options)
      else if (Repetition.find(transcript.steps) !== undefined) yield* warn(options)
      else if (transcript.turns >= request.maxTurns) return yield* tooManyTurns(options)
      else {
        // What does not fit is made shorter first, and then given to somebody who holds more.
        yield* Compaction.around(options, ask(options)).pipe(
          Effect.catchTag("ModelError", (error) => Choosing.failed(options, error))
        )
      }
    }
  })

/** Asks the model, and keeps its answer. */
const ask = Effect.fnUntraced(function* (options: Options) {
  const { conversation, emit, index, model, patience, toolkit, watch } = options
  const { transcript } = conversation
  if (yield* Choosing.repin(options)) return
  // What is appended stands behind what a tool or a person said, and changes nothing before it.
  const notices = (yield* index?.notices(Transcript.prompt(transcript)) ?? Effect.succeed([])).map((message) =>
    Conversation.noting("notice", message)
  )
  if (notices.length > 0) yield* conversation.append(...notices)
  const prompt = Transcript.prompt(transcript)
  const tools = yield* Offer.tools(options)
  if (index !== undefined && (notices.length > 0 || transcript.tools === undefined)) yield* keepTools(options)
  yield* watch.asked({ model, messages: prompt.content, tools })
  const answer = yield* ModelTurn.run({
    model,
    prompt,
    toolkit: { ...toolkit, tools: Offer.named(tools) },
    onText: (text) => emit({ _tag: "Text", text }),
    patience
  })
  yield* Choosing.answered(options)
  yield* conversation.append({
    _tag: "Answered",
    messages: CallIds.distinct(Prompt.fromResponseParts(answer.parts).content, transcript.ids),
    model: model.name,
    usage: answer.usage,
    isCut: answer.isCut
  })
  yield* watch.answered(answer.usage)
  yield* emit({ _tag: "Turn", number: transcript.turns, usage: answer.usage })
})

const keepTools = Effect.fnUntraced(function* ({ conversation, index }: Options) {
  if (index !== undefined) yield* conversation.append({ _tag: "Tooled", tools: yield* index.save })
})

/** Runs the calls that have no result, and takes the outcome. */
const settle = Effect.fnUntraced(function* (options: Options) {
  const { conversation, delegation, emit, granted, index, outcome, request, toolkit } = options
  const { transcript } = conversation
  const open = Transcript.open(transcript)
  if (transcript.answer?.isCut === true)
    return yield* conversation.append(...open.map((call) => Conversation.refusing(call, cut)))
  const lost = open.filter(({ isBegun }) => isBegun)
  if (lost.length > 0)
    return yield* conversation.append(...lost.map((call) => Conversation.refusing(call, interrupted)))
  const calls = open.filter((call) => call.name !== outcome.name && !Choosing.isAsking(options, call))
  if (calls.length > 0) {
    const prompt = Transcript.prompt(transcript)
    const outcomes = yield* ToolTurn.run(calls, {
      toolkit: { ...toolkit, tools: Offer.named(granted) },
      emit,
      conversation: conversation.id,
      time: options.toolTime,
      index: index && { session: index, prompt, offered: yield* Effect.cached(index.tools(prompt)) },
      delegation,
      hooking: Hooking.of(request),
      keep: {
        begun: ({ id }) => conversation.append({ _tag: "Begun", call: id }),
        // What a result loads joins with it: a conversation that breaks off between them would know half of it.
        returned: ({ found, part }) =>
          conversation.append(
            { _tag: "Returned", part },
            ...(index?.after(found === undefined ? [] : [found]) ?? []).map((message) =>
              Conversation.noting("notice", message)
            )
          )
      }
    })
    if (outcomes.some(({ found }) => (found?.loaded.length ?? 0) > 0)) yield* keepTools(options)
  }
  const given = open.filter(({ name }) => name === outcome.name).map((call) => ({ call, value: valueOf(call.params) }))
  const [first, ...others] = given
  if (first === undefined) return yield* Choosing.requested(options)
  if (others.some(({ value }) => JSON.stringify(value) !== JSON.stringify(first.value))) {
    return yield* conversation.append(...given.map(({ call }) => Conversation.refusing(call, twice)))
  }
  yield* conversation.append({ _tag: "Ended", outcome: first.value })
})

const valueOf = (params: unknown): Schema.Json => {
  const given = Predicate.hasProperty(params, "outcome") ? params.outcome : params
  return Schema.is(Schema.Json)(given) ? given : null
}

const cut = "Not run: your answer was cut. Make it shorter."
const interrupted =
  "Interrupted: the program was stopped while this ran, so nobody knows how much of it took effect. " +
  "Look at what is there before you do it again."
const twice = "You gave several outcomes that differ, and none was taken. Call `outcome` once."

const remind = Effect.fnUntraced(function* ({ conversation, model, request }: Options) {
  if (conversation.transcript.isReminded) {
    return yield* new Harness.HarnessError({
      reason: "NoOutcome",
      message:
        `The role ${request.role} ended twice without calling the outcome tool (model ${model.name}). ` +
        `Its skill has to say which outcomes there are; or give the role a larger tier.`
    })
  }
  yield* conversation.append(
    Conversation.saying("reminder", "You ended your turn without an outcome. Call the `outcome` tool now.")
  )
})

const warn = Effect.fnUntraced(function* (options: Options) {
  const { conversation, request } = options
  const { isWarned, steps } = conversation.transcript
  const circle = Repetition.find(steps)
  if (circle === undefined) return
  yield* Journal.record({ _tag: "CircleFound", ...circle, told: !isWarned })
  if (isWarned) {
    if (yield* Choosing.replace(options, "DoomLoop")) return
    return yield* new Harness.HarnessError({
      reason: "InACircle",
      message:
        `The role ${request.role} called ${circle.tools.join(", ")} ${circle.times} times in the same way, with the same ` +
        `results, and did it again after it was told. Look at what those results lack, or give the role a larger tier.`
    })
  }
  yield* conversation.append(
    Conversation.noting("warning", Prompt.systemMessage({ content: Repetition.warning(circle) }))
  )
})

const tooManyTurns = ({ model, request }: Options) =>
  new Harness.HarnessError({
    reason: "TooManyTurns",
    message:
      `The role ${request.role} took ${request.maxTurns} turns without an outcome (model ${model.name}). ` +
      `Raise maxTurns of the role, or make the task smaller.`
  })
