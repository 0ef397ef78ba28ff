/**
 * A **predecessor**: an agent that has finished, and can be asked what it did not write down. It answers in a branch of its
 * conversation: the session that is asked stays as it is, and can be asked again.
 *
 * It knows what it knew at its end, and does nothing: it has no tools any more. Its provider's cache is read only where tools
 * are no part of what is cached.
 */
import * as Digest from "@millwright/core/Digest"
import * as Journal from "@millwright/core/Journal"
import type * as Model from "@millwright/core/Model"
import * as Stage from "@millwright/core/Stage"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Harness from "./Harness.ts"
import * as Ending from "./internal/Ending.ts"
import * as Conversation from "./loop/Conversation.ts"
import * as Session from "./Session.ts"

/** What a predecessor answers. A model wrote it, and what it read may be in it: give it on as untrusted text. */
export const Answer = Schema.Struct({ answer: Schema.String })
/** What a predecessor answers. */
export type Answer = typeof Answer.Type

/** Who answers. */
export interface Options {
  /** The name that the answer has in the journal. Default `Predecessor`. */
  readonly role?: string
  /** Default `standard`. A model that did not have the conversation reads all of it anew. */
  readonly tier?: Model.Tier
}

/**
 * Asks it. In a line this is a stage, `ask`: asked once, and the answer is kept. The session is one that a harness gave at its end,
 * and has to be of the harness around; or one of our own loop, as `Sessions` keep it.
 */
export const ask = (
  session: Harness.Session | Session.Session,
  question: string,
  { role = "Predecessor", tier = "standard" }: Options = {}
): Effect.Effect<Answer, Harness.Failure, Harness.Harness | Journal.Journal | Harness.Workplace> =>
  Stage.run(
    { name: "ask", success: Answer },
    Effect.flatMap(handed(session), (session) =>
      Ending.value(
        {
          role,
          tier,
          // That of the conversation stands.
          system: "",
          prompt: `${question}\n\nAnswer from what you know: your tools are gone, and nothing is to be done any more. Call \`outcome\`.`,
          grants: [],
          maxTurns: 4,
          session: branch(session, question)
        },
        Answer
      )
    ).pipe(Journal.as({ _tag: "Agent", role }))
  )

/** The newest way of a kept session. */
const handed = Effect.fnUntraced(function* (
  session: Harness.Session | Session.Session
): Effect.fn.Return<Harness.Session, Session.SessionError, Harness.Harness> {
  if (!("entries" in session)) return session
  const { name } = yield* Harness.Harness
  const entries = yield* Effect.fromResult(Session.path(session))
  return yield* Conversation.saved({ id: session.id, entries }, name)
})

/** Of a name of its own: what is asked for under the name of the session goes on where the session ended, and not behind a question. */
const branch = ({ data, harness }: Harness.Session, question: string): Harness.Session =>
  Predicate.hasProperty(data, "id") && Predicate.isString(data.id)
    ? { harness, data: { ...data, id: Session.nameOf([data.id, `asked-${Digest.short(Digest.of(question))}`]) } }
    : { harness, data }
