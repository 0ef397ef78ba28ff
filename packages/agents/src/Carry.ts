/**
 * What an agent is given of an **earlier session**: nothing, which is usually best, or as much of it as a policy says. It is text
 * for a prompt, in a block that names its origin: what an agent read and wrote is data to the next one.
 *
 * ```ts
 * import * as Carry from "@millwright/agents/Carry"
 * import type * as Session from "@millwright/agents/Session"
 *
 * export const task = (session: Session.Session) => Carry.prompt(session, Carry.truncate(8_000))
 * ```
 */
import * as TokenBudget from "@millwright/context/TokenBudget"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Stage from "@millwright/core/Stage"
import * as Tainted from "@millwright/core/Tainted"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Harness from "./Harness.ts"
import * as Ending from "./internal/Ending.ts"
import * as Conversation from "./loop/Conversation.ts"
import * as Retelling from "./loop/Retelling.ts"
import * as Transcript from "./loop/Transcript.ts"
import * as Session from "./Session.ts"
import * as Untrusted from "./Untrusted.ts"

/** How much of an earlier session is given on. Tokens are estimated. */
export const Policy = Schema.TaggedUnion({
  /** Nothing. */
  Fresh: {},
  /** All messages, as they were at the end of the session. */
  Full: {},
  /** The newest turns that fit, each of them whole. */
  Truncate: { tokens: Schema.Natural },
  /** All messages; of what tools answered, the beginning. */
  Compact: {},
  /** What a model makes of it. */
  Summary: { tokens: Schema.Natural, tier: Model.Tier }
})
/** How much of an earlier session is given on. */
export type Policy = typeof Policy.Type

/** Nothing is given on: the default of whoever has no reason for another one. */
export const fresh = Policy.cases.Fresh.make({})
/** All messages. */
export const full = Policy.cases.Full.make({})
/** The newest turns that fit into so many tokens. */
export const truncate = (tokens: number) => Policy.cases.Truncate.make({ tokens })
/** All messages, with the beginnings of what tools answered. */
export const compact = Policy.cases.Compact.make({})
/** A summary of at most so many tokens, by a model of the tier, by default a small one. */
export const summary = (tokens: number, tier: Model.Tier = "small") => Policy.cases.Summary.make({ tokens, tier })

/** How much is shown of what a tool answered, in characters. */
const heads = 200

/** The session that a harness gave at the end of a request. Only our own loop's can be read. */
export const sessionOf = ({ data, harness }: Harness.Session): Result.Result<Session.Session, Session.SessionError> =>
  Result.mapError(
    Schema.decodeUnknownResult(Conversation.Saved)(data),
    () =>
      new Session.SessionError({
        reason: "Damaged",
        message: `The session of the harness "${harness}" is none that can be read here. Take one of the loop, or ask its agent.`
      })
  )

/** What can be told without a model. */
export const text = (
  session: Session.Session,
  policy: Exclude<Policy, { readonly _tag: "Summary" }>
): Result.Result<string, Session.SessionError> =>
  policy._tag === "Fresh"
    ? Result.succeed("")
    : Result.map(Session.path(session), (way) => {
        const { items } = Transcript.of(way)
        const told =
          policy._tag === "Truncate"
            ? newest(items, policy.tokens)
            : Retelling.of(items, policy._tag === "Compact" ? { results: heads } : {})
        return block(session, told)
      })

/**
 * The text for the prompt of the next agent; empty where nothing is given on. With a summary this is a stage, `carry`, in a line:
 * it is made once, and kept.
 */
export const prompt = (
  session: Session.Session,
  policy: Policy
): Effect.Effect<string, Harness.Failure, Harness.Harness | Journal.Journal | Harness.Workplace> =>
  policy._tag === "Summary" ? summed(session, policy) : Effect.fromResult(text(session, policy))

const summed = (session: Session.Session, { tier, tokens }: Extract<Policy, { readonly _tag: "Summary" }>) =>
  Stage.run(
    { name: "carry", success: Schema.String },
    Effect.gen(function* () {
      const told = yield* Effect.fromResult(text(session, compact))
      const { summary } = yield* Ending.value(
        {
          role: "Carry",
          tier,
          system: `Role: Carry\n\nYou read what an agent did, and write down what the next one has to know: what was to be reached, what was done and where, what was decided and why, what is open, what failed, and names and messages that are needed letter by letter. Leave out the rest.\n\n${Untrusted.rule}`,
          prompt: `${told}\n\nWrite at most ${tokens} tokens, and give them as the outcome.`,
          grants: [],
          maxTurns: 4
        },
        Schema.Struct({ summary: Schema.String })
      )
      return block(session, TokenBudget.cut(summary, tokens * TokenBudget.bytesPerToken).text)
    }).pipe(Journal.as({ _tag: "Agent", role: "Carry" }))
  )

const newest = (items: ReadonlyArray<Transcript.Item>, tokens: number): string => {
  const turns = Retelling.turns(items)
  const told: Array<string> = []
  let room = tokens
  let from = turns.length
  for (const turn of turns.toReversed()) {
    const text = Retelling.of(turn)
    room -= TokenBudget.estimate(text)
    if (room < 0) break
    told.unshift(text)
    from--
  }
  const left = turns
    .slice(0, from)
    .flat()
    .filter(({ message }) => message.role !== "system").length
  return [...(left === 0 ? [] : [`[${left} earlier messages are left out]`]), ...told].join("\n\n")
}

const block = ({ entries, id }: Session.Session, told: string): string => {
  const root = entries[0]?.body
  const who = root?._tag === "Opened" ? root.role : "somebody"
  return `What ${Untrusted.word(who)} said and did before, in another session. Files may have changed since.\n\n${Untrusted.block(Tainted.of(`session ${id}`, told))}`
}
