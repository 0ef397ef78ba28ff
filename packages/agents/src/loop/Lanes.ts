/** What others say to an agent while it works: read from the journal between two turns, and said in its conversation once. */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as Harness from "../Harness.ts"
import type * as SessionEntry from "../SessionEntry.ts"
import type * as Steering from "../Steering.ts"
import * as Conversation from "./Conversation.ts"

/** Whether what waits in a lane is said one at a time, or all at once. */
export interface Options {
  /** Default `all`. */
  readonly steer?: "one" | "all"
  /** Default `one`. */
  readonly followUp?: "one" | "all"
}

/** What waits to be said. */
export interface Lanes {
  /** What is to be said now. When the work is done that is what waits in both lanes, and then what the request says itself. */
  readonly next: (
    isDone: boolean
  ) => Effect.Effect<ReadonlyArray<SessionEntry.Body>, Journal.JournalError, Journal.Journal>
}

interface Waiting {
  readonly lane: Steering.Lane
  readonly text: string
  readonly seq: number
}

/** The lanes of a conversation. `since` is the place in the journal from where on something may have been said to it. */
export const make = (
  { id, isResumed, transcript }: Conversation.Conversation,
  {
    request: { followUps = [], maxTurns },
    since,
    ...options
  }: Options & { readonly since: number; readonly request: Pick<Harness.Request, "followUps" | "maxTurns"> }
): Lanes => {
  // Those that requests before this one said are none of its own.
  const first = isResumed ? 0 : transcript.followUps
  const waiting: Array<Waiting> = []
  let after = since
  const take = ({ fact, seq }: FactoryEvent.FactoryEvent) => {
    after = seq
    if (fact._tag !== "AgentPrompted" || fact.session !== id || transcript.prompts.has(seq)) return
    waiting.push({ lane: fact.lane, text: fact.text, seq })
  }
  const pull = (lane: Steering.Lane, mode: "one" | "all"): ReadonlyArray<SessionEntry.Body> => {
    const found = waiting.filter((each) => each.lane === lane).slice(0, mode === "one" ? 1 : undefined)
    for (const each of found) waiting.splice(waiting.indexOf(each), 1)
    return found.map(({ seq, text }) => Conversation.saying(lane, text, seq))
  }
  return {
    next: Effect.fnUntraced(function* (isDone) {
      const journal = yield* Journal.Journal
      const { run } = yield* Journal.Origin
      yield* Stream.runForEach(journal.read({ after, ...(run !== null && { run }) }), (event) =>
        Effect.sync(() => take(event))
      )
      const steered = pull("steer", options.steer ?? "all")
      if (steered.length > 0 || !isDone) return steered
      const asked = pull("follow-up", options.followUp ?? "one")
      if (asked.length > 0) return asked
      // There is an outcome, and no turn left to come to another one.
      if (transcript.turns >= maxTurns) return []
      const said = transcript.followUps - first
      return followUps
        .slice(said, said + (options.followUp === "all" ? followUps.length : 1))
        .map((text) => Conversation.saying("follow-up", text))
    })
  }
}
