/**
 * To **steer** is to say something to an agent while it works, from whatever process can write to its journal. There are two
 * lanes: `steer` is heard at the next turn, `follow-up` when the agent gives its outcome. What was said is a fact, so it is
 * on record who said what, and nothing is lost when the agent's process ends before it heard it.
 */
import * as Fault from "@millwright/core/Fault"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"

/** Nobody can be told. */
export class SteeringError extends Fault.Class<SteeringError>()("SteeringError", {
  /** No agent works under this name. The message names those that do. */
  NotAtWork: false,
  /** Several agents work in the run: the message names them. */
  Several: false,
  /** There is nothing to say. */
  Empty: false
}) {}

/** When what is said is heard. */
export type Lane = Extract<FactoryEvent.Fact, { readonly _tag: "AgentPrompted" }>["lane"]

/** An agent at work. */
export interface AtWork {
  readonly session: string
  readonly role: string
  readonly origin: FactoryEvent.Origin
}

/** The agents at work, by session, after one more event. One whose process was killed counts until its stage or its run goes on, or ends. */
export const step = (
  agents: ReadonlyMap<string, AtWork>,
  { actor, fact, item, line, run, stage }: FactoryEvent.FactoryEvent
): ReadonlyMap<string, AtWork> => {
  switch (fact._tag) {
    case "AgentStarted": {
      const origin = { actor, item, line, run, stage }
      return new Map(agents).set(fact.session, { session: fact.session, role: fact.role, origin })
    }
    case "AgentEnded":
      return without(agents, ({ session }) => session === fact.session)
    // Whoever was at work in an earlier attempt died with its process; who goes on says so.
    case "StageStarted":
      return run === null ? agents : without(agents, ({ origin }) => origin.run === run && origin.stage === stage)
    case "LineFinished":
    case "LineParked":
    case "LineFailed":
    case "LineCancelled":
    case "RunPruned":
      return without(agents, ({ origin }) => origin.run === run)
    default:
      return agents
  }
}

const without = (agents: ReadonlyMap<string, AtWork>, isGone: (agent: AtWork) => boolean) =>
  new Map([...agents].filter(([, agent]) => !isGone(agent)))

/** The agents at work, of one run or of all. */
export const atWork = (run?: string): Effect.Effect<ReadonlyArray<AtWork>, Journal.JournalError, Journal.Journal> =>
  Effect.map(Journal.fold<ReadonlyMap<string, AtWork>>(new Map(), step, run), (agents) => [...agents.values()])

/** What is said, and to whom: a session, or the only agent at work in a run. */
export interface Prompt {
  readonly to: { readonly session: string } | { readonly run: string }
  readonly lane: Lane
  readonly text: string
}

/** Says something to an agent at work. Who says it is the actor in force (`Journal.as`). Answers with whom it was said to. */
export const say = Effect.fnUntraced(function* ({
  lane,
  text,
  to
}: Prompt): Effect.fn.Return<AtWork, SteeringError | Journal.JournalError, Journal.Journal> {
  if (text.trim() === "") {
    return yield* new SteeringError({ reason: "Empty", message: "There is nothing to say. Give a text." })
  }
  const agents = yield* atWork("run" in to ? to.run : undefined)
  const found = "run" in to ? agents : agents.filter(({ session }) => session === to.session)
  const [agent, other] = found
  const names = agents.map(({ role, session }) => `${session} (${role})`).join(", ")
  if (agent === undefined) {
    const whom = "run" in to ? `in the run ${to.run}` : `in the session ${to.session}`
    return yield* new SteeringError({
      reason: "NotAtWork",
      message: `No agent works ${whom}${names === "" ? ", so nobody would hear it." : `. At work: ${names}.`}`
    })
  }
  if (other !== undefined) {
    return yield* new SteeringError({
      reason: "Several",
      message: `Several agents are at work: ${names}. Name a session.`
    })
  }
  const { actor } = yield* Journal.Origin
  yield* Effect.provideService(
    Journal.record({ _tag: "AgentPrompted", session: agent.session, lane, text }),
    Journal.Origin,
    { ...agent.origin, actor }
  )
  return agent
})
