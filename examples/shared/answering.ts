/** The commands with which a person answers gates: `approve`, `reject` and `answer`, for any program that has gates. */
import * as Actor from "@millwright/core/Actor"
import * as Fault from "@millwright/core/Fault"
import * as Gate from "@millwright/core/Gate"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import { userInfo } from "node:os"

/** An answer that is not complete. */
export class AnswerError extends Fault.Class<AnswerError>()("AnswerError", {
  NoReason: false,
  NoAnswer: false,
  NotJson: false
}) {}

/** The person at this terminal. */
export const me = (): Actor.Actor => Actor.human(userInfo().username)

/** Answers a gate as the person at this terminal. */
export const settle = (gate: string, answer: Gate.Answer) => Gate.settle(gate, answer, { actor: me() })

/** What a program does with an answer. */
export type Deliver<E, R> = (gate: string, answer: Gate.Answer) => Effect.Effect<void, E, R>

const gate = Argument.String("gate").pipe(Argument.withDescription("The gate, as the run printed it"))
const note = Flag.String("note").pipe(Flag.withDescription("Why, or what should be different"), Flag.withDefault(""))

/** `approve`. What an answer is delivered to is the program's. */
export const approve = <E, R>(deliver: Deliver<E, R>) =>
  Command.make("approve", { gate, note }, ({ gate, note }) => deliver(gate, { _tag: "Approve", note })).pipe(
    Command.withDescription("Say yes at a gate")
  )

/** `reject`: a no without its reason is refused. */
export const reject = <E, R>(deliver: Deliver<E, R>) =>
  Command.make("reject", { gate, note }, ({ gate, note }) =>
    Effect.gen(function* () {
      if (note.trim() !== "") return yield* deliver(gate, { _tag: "Reject", note })
      return yield* new AnswerError({
        reason: "NoReason",
        message: `A no needs its reason, for the work goes on with it. Say what should be different: reject ${gate} --note "why".`
      })
    })
  ).pipe(Command.withDescription("Say no at a gate; --note says why, and is needed"))

/** `answer`, in words or as JSON. */
export const answer = <E, R>(deliver: Deliver<E, R>) =>
  Command.make("answer", { gate, text, value }, ({ gate, text, value }) =>
    Effect.gen(function* () {
      if (Option.isSome(text) === Option.isSome(value)) {
        return yield* new AnswerError({
          reason: "NoAnswer",
          message: `Give the answer either in words or as JSON: answer ${gate} "your answer", or --json-answer '{"size": 3}'.`
        })
      }
      return yield* deliver(
        gate,
        Option.isSome(text)
          ? { _tag: "Reply", text: text.value }
          : yield* given(
              gate,
              Option.getOrElse(value, () => "")
            )
      )
    })
  ).pipe(Command.withDescription("Answer a question, in words or as JSON"))

const text = Argument.String("text").pipe(Argument.withDescription("The answer, in words"), Argument.optional)
const value = Flag.String("json-answer").pipe(
  Flag.withDescription("The answer as JSON, where the gate asks for a value"),
  Flag.optional
)

const given = Effect.fnUntraced(function* (gate: string, json: string) {
  if (!("ask" in Gate)) {
    return yield* new AnswerError({
      reason: "NoAnswer",
      message: "No gate of this version asks for a value. Answer in words."
    })
  }
  const value = yield* Effect.try({
    try: (): Schema.Json => JSON.parse(json),
    catch: (cause) =>
      new AnswerError({
        reason: "NotJson",
        message: `The answer to ${gate} is no JSON: ${String(cause)}. Put it in quotes, as in --json-answer '{"size": 3}'.`
      })
  })
  return { _tag: "Give", value } as unknown as Gate.Answer // a case that comes with `Gate.ask`
})
