/**
 * Which model a conversation is with, as the loop asks for it: at the beginning, when a person wants another one, and
 * where something speaks against the one that has it. Who has it stands in the session, and a switch ends the walk:
 * `Agent.run` returns without an outcome, and begins again with the other model and with tools as that one loads them.
 */
import type * as ToolSession from "@millwright/context/ToolSession"
import * as Digest from "@millwright/core/Digest"
import * as Journal from "@millwright/core/Journal"
import type * as Model from "@millwright/core/Model"
import * as Tainted from "@millwright/core/Tainted"
import * as Tool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Harness from "../Harness.ts"
import * as ModelChoice from "../ModelChoice.ts"
import type * as SessionEntry from "../SessionEntry.ts"
import * as Untrusted from "../Untrusted.ts"
import * as Conversation from "./Conversation.ts"
import type * as ModelTurn from "./ModelTurn.ts"
import * as Standing from "./Standing.ts"
import * as ToolTurn from "./ToolTurn.ts"
import * as Transcript from "./Transcript.ts"

/** Whose model is chosen, and by whom. */
export interface Seat {
  readonly request: Harness.Request
  readonly conversation: Conversation.Conversation
  readonly choice: ModelChoice.ModelChoice["Service"]
}

/** A seat of which the progress is shown. */
interface Shown extends Seat {
  readonly emit: (event: Harness.HarnessEvent) => Effect.Effect<void>
}

/** The tool through which an agent asks for a stronger model. */
export const tool = Tool.make("escalate", {
  description:
    "Hands your work over to a stronger model, which reads all that was said and done here. Call it by itself, when you have tried and " +
    "see that the task is beyond you, and say what you tried and what you could not do. It is not for work that is only long.",
  parameters: Schema.Struct({ why: Schema.NonEmptyString })
})

/** The tools that the loop offers for the choice of the model. The same ones for as long as one model has the conversation. */
export const offered = ({ conversation }: Pick<Seat, "conversation">): ReadonlyArray<Tool.Any> =>
  conversation.transcript.hasStronger ? [tool] : []

/** Whether a call asks for a stronger model, and may. */
export const isAsking = (seat: Pick<Seat, "conversation">, { name }: Pick<ModelTurn.ToolCall, "name">): boolean =>
  name === tool.name && (seat.conversation.transcript.hasStronger || isHeard(seat))

/** Whether the wish of the last answer was heard already. The program may have stopped before the call had its result. */
const isHeard = ({ conversation: { transcript } }: Pick<Seat, "conversation">): boolean =>
  transcript.path.findLast(({ body }) => body._tag === "Routed" || body._tag === "Answered")?.body._tag === "Routed"

/** Who begins or goes on, and what is to be appended about it when the conversation has begun. */
export const begin = Effect.fnUntraced(function* (seat: Seat) {
  const { choice, conversation, request } = seat
  const standing = yield* Standing.of(seat)
  const other = isMalformed(conversation, request)
    ? yield* choice.after(standing, { _tag: "FailedValidation" })
    : undefined
  const chosen = other ?? (yield* choice.choose(standing))
  const why = other !== undefined ? "FailedValidation" : standing.pin === chosen.candidate ? "Pinned" : "Begun"
  return { model: chosen.model, entries: entriesOf(seat, chosen, why) }
})

/** What is appended where a model takes a conversation over. */
const entriesOf = (
  { conversation }: Seat,
  { candidate, hasStronger }: ModelChoice.Chosen,
  why: SessionEntry.Routing
): ReadonlyArray<SessionEntry.Body> =>
  candidate === undefined || candidate === conversation.transcript.candidate
    ? []
    : [{ _tag: "Routed", candidate, hasStronger, why }]

/**
 * Whether the outcome that a session ended with is not what it has to be: whoever goes on with it is to mend it. Another
 * role asks for another outcome, and says nothing against this one.
 */
const isMalformed = (
  { isResumed, transcript }: Conversation.Conversation,
  { outcome, role }: Harness.Request
): boolean =>
  !isResumed &&
  Transcript.roleOf(transcript) === role &&
  transcript.outcome !== undefined &&
  Result.isFailure(Schema.decodeUnknownResult(outcome)(transcript.outcome.value))

/** What a conversation is told whose tools are found in another way from here on than it was told at its beginning. */
export const retooled = Effect.fnUntraced(function* (
  conversation: Conversation.Conversation,
  session: ToolSession.ToolSession | undefined
) {
  const before = conversation.transcript.tools?.mode
  if (session === undefined || before === undefined || before === session.mode) return
  yield* conversation.append(
    Conversation.saying(
      "notice",
      `You find and call tools in another way from here on.\n\n${session.opening}\n\n${Untrusted.block(Tainted.of("tool index", session.contents))}`
    ),
    { _tag: "Tooled", tools: yield* session.save }
  )
})

/**
 * Gives the conversation to whom a person wants, where that is somebody else, and answers whether it did. A wish that can
 * not be met does not end the work.
 */
export const repin = Effect.fnUntraced(function* (seat: Seat) {
  const pin = yield* yield* ModelChoice.Pin
  const { candidate } = seat.conversation.transcript
  if (pin === undefined || pin === candidate) return false
  const stays = ({ message }: { readonly message: string }) =>
    Effect.as(Effect.logWarning(`The role ${seat.request.role} stays with ${candidate}. ${message}`), undefined)
  const chosen = yield* Effect.catchTags(seat.choice.choose(yield* Standing.of(seat)), {
    RouteError: stays,
    ScorerError: stays
  })
  return chosen !== undefined && (yield* move(seat, entriesOf(seat, chosen, "Pinned")))
})

/** Gives the conversation to somebody stronger, once for each kind of evidence that an agent does not give itself. Answers whether it did. */
export const replace = Effect.fnUntraced(function* (seat: Seat, kind: "DoomLoop") {
  if (seat.conversation.transcript.evidence.some((each) => each.kind === kind)) return false
  const chosen = yield* seat.choice.after(yield* Standing.of(seat), { _tag: kind })
  if (chosen === undefined) return false
  return yield* move(seat, [
    ...entriesOf(seat, chosen, kind),
    Conversation.saying("notice", "You take over here from another model, which went in a circle. Try another way.")
  ])
})

/** Gives the conversation to somebody else after a call failed, or fails with its error. */
export const failed = Effect.fnUntraced(function* (seat: Seat, error: Model.ModelError) {
  const chosen = yield* seat.choice.after(yield* Standing.of(seat), { _tag: "Failed", error })
  if (chosen === undefined) return yield* error
  const isMovedOn = yield* move(seat, entriesOf(seat, chosen, error.isRetryable ? "Failed" : "Overflow"))
  if (!isMovedOn) return yield* error
})

const move = (seat: Seat, entries: ReadonlyArray<SessionEntry.Body>) =>
  entries.some(({ _tag }) => _tag === "Routed")
    ? Effect.as(seat.conversation.append(...entries), true)
    : Effect.succeed(false)

/** The model answered. */
export const answered = ({ choice, conversation }: Seat): Effect.Effect<void> =>
  conversation.transcript.candidate === undefined ? Effect.void : choice.answered(conversation.transcript.candidate)

/** Answers calls that ask for a stronger model, and gives the conversation to one. */
export const requested = Effect.fnUntraced(function* (seat: Shown) {
  const { conversation, emit } = seat
  const [first, ...others] = Transcript.open(conversation.transcript).filter((call) => isAsking(seat, call))
  if (first === undefined) return
  const why = Predicate.hasProperty(first.params, "why") ? String(first.params.why) : ""
  const summary = Untrusted.visible(`escalate ${why}`).slice(0, 200)
  yield* emit({ _tag: "ToolStarted", tool: tool.name, summary })
  const isMovedOn = isHeard(seat)
  const chosen = isMovedOn ? undefined : yield* seat.choice.after(yield* Standing.of(seat), { _tag: "Requested" })
  const entries = chosen === undefined ? [] : entriesOf(seat, chosen, "Requested")
  const ok = isMovedOn || entries.length > 0
  const text = ok
    ? "A stronger model goes on from here."
    : "No stronger model can be had now. Go on as well as you can."
  yield* Journal.record({
    _tag: "ToolCalled",
    tool: tool.name,
    summary,
    arguments: Digest.ofJson(first.params ?? null),
    ok,
    outputBytes: Buffer.byteLength(text),
    duration: 0
  })
  yield* conversation.append(
    ...entries,
    ...[first, ...others].map((call) => ({ _tag: "Returned" as const, part: ToolTurn.result(call, { ok, text }) }))
  )
  yield* emit({ _tag: "ToolEnded", tool: tool.name, ok })
})
