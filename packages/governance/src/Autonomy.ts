/**
 * How much of a change people did: its **autonomy level**. It follows from the interventions of the change and from nothing that an
 * agent says of itself, so it is the same whether they come from the journal of a factory or from the history of git and a forge.
 */
import type * as Intervention from "@millwright/core/Intervention"
import * as Schema from "effect/Schema"

/** From nobody was needed to a human did it. `unknown`: what people did was not all observed, and may be more than is known. */
export const Level = Schema.Literals([
  "zero-touch",
  /** A human was asked for a yes, and nothing else. */
  "approved",
  /** A human said what to do, stopped it, took it up or sent it back. */
  "steered",
  /** A human changed it. */
  "edited",
  /** A human did the work. */
  "taken over",
  "unknown"
])
/** How much of a change people did. */
export type Level = typeof Level.Type

/** Who wrote what is in a change, as `ChangeShipped` tells. */
export type Authors = "agent" | "human" | "mixed" | "unknown"

/**
 * The level of a change: the highest of its interventions. Those that were withdrawn before anybody answered count for nothing; a gate
 * whose time ran out counts, since a human was needed. A rejection is more than a yes. Where not all was observed, the level is `unknown`,
 * unless nothing could raise it any more. `authors` can only raise it: a human's lines are there even if nobody saw them being written.
 */
export const of = (
  interventions: ReadonlyArray<Pick<Intervention.Intervention, "kind" | "withdrawn" | "answered">>,
  isAllObserved: boolean,
  authors: Authors = "agent"
): Level => {
  const rank = interventions
    .filter(isCounted)
    .reduce((rank, each) => Math.max(rank, rankOf(each)), Number(ofAuthors[authors]))
  const level = Level.literals[rank] ?? "unknown"
  return (isAllObserved && authors !== "unknown") || level === "taken over" ? level : "unknown"
}

const isCounted = ({ answered, withdrawn }: Pick<Intervention.Intervention, "withdrawn" | "answered">) =>
  withdrawn !== true || answered !== null

const ofAuthors = { agent: 0, unknown: 0, mixed: 3, human: 4 } as const satisfies Record<Authors, number>

const ofKind = {
  approve: 1,
  answer: 2,
  ask: 2,
  steer: 2,
  interrupt: 2,
  pickup: 2,
  review: 2,
  edit: 3,
  takeover: 4
} as const satisfies Record<Intervention.Kind, number>

const rankOf = ({ answered, kind }: Pick<Intervention.Intervention, "kind" | "answered">): number =>
  kind === "approve" && isNo({ answered }) ? ofKind.steer : ofKind[kind]

/** Whether a yes was asked for and not given. */
export const isNo = ({ answered }: Pick<Intervention.Intervention, "answered">): boolean => {
  const answer = answered?.answer
  return typeof answer === "object" && answer !== null && "approved" in answer && answer.approved === false
}
