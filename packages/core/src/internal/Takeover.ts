/** **Takeover**: work that a human has taken from the factory, and gives back. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Actor from "../Actor.ts"
import type * as Digest from "../Digest.ts"
import * as Intervention from "../Intervention.ts"
import type * as Journal from "../Journal.ts"
import * as WorkItem from "../WorkItem.ts"
import * as KnownInterventions from "./KnownInterventions.ts"
import * as Recording from "./Recording.ts"

/** What is taken from the factory, by whom, and why. */
export interface Taking {
  readonly item: string
  /** Only this stage of it; default: all of the item. */
  readonly stage?: string
  readonly line?: string
  readonly run?: string
  readonly by: Actor.Human
  readonly why: string
  /** Default: `taken over`. */
  readonly cause?: string
  readonly before?: Digest.Digest
  readonly ref?: string
}

/** Work that a human has taken over. Whoever has it, or its `id`, can give it back. */
export interface Takeover {
  readonly id: string
  readonly item: string
  /** `null`: all of the item. */
  readonly stage: string | null
  readonly by: Actor.Human
  /** In milliseconds since 1970. */
  readonly since: number
}

/** What the ids of takeovers begin with, and no other's. */
export const prefix = "takeover:"

/**
 * A human takes an item, or one stage of it, from the factory, and has it until {@link handBack}: over restarts, and for every
 * process. Once more by the same human gives the same takeover. It stops no run: see `Line.park`.
 */
export const takeOver = Effect.fnUntraced(function* (
  taking: Taking
): Effect.fn.Return<Takeover, Recording.Failure, Journal.Journal> {
  const {
    before = null,
    by,
    cause = Intervention.causes.takenOver,
    item,
    line,
    ref = null,
    run,
    stage = null,
    why
  } = taking
  if (!Schema.is(WorkItem.WorkItem.fields.id)(item)) {
    return yield* Recording.invalid(`"${item}" is no id of a work item`)
  }
  if (why.trim() === "") return yield* Recording.invalid("Nobody says why it is taken over")
  const ids = `${prefix}${item}:`
  const place = { item, stage, ...(line !== undefined && { line }), ...(run !== undefined && { run }) }
  const measures = { waited: null, activeMinutes: null, before, after: null, ref }
  const named = { kind: "takeover", name: stage ?? "item", cause, why, by } as const
  const said = { _tag: "Intervened", ...named, ...measures, open: true } as const
  for (let last = 0; ;) {
    const known = [...(yield* KnownInterventions.ledger).values()].filter(({ id }) => id.startsWith(ids))
    const overlapping = known.find(
      (other) => other.answered === null && (other.stage === null || stage === null || other.stage === stage)
    )
    if (overlapping !== undefined) {
      const { id, openedAt: since } = overlapping
      const isSame = overlapping.to === by.name && overlapping.stage === stage
      return isSame ? { id, item, stage, by, since } : yield* taken(overlapping)
    }
    // All takeovers of an item have one sequence of ids, so of two who take something of it at once one has to look again.
    last = 1 + Math.max(last, ...known.map(({ id }) => Number(id.slice(ids.length))))
    yield* Recording.write({ ...said, id: `${ids}${last}` }, place, `${ids}${last}`)
  }
})

const taken = ({ id, item, stage, to }: Intervention.Intervention) =>
  new Recording.RecorderError({
    reason: "Taken",
    message:
      `${to} has taken over ${stage === null ? `the item "${item}"` : `the stage "${stage}" of the item "${item}"`} ("${id}"). ` +
      `It has to be handed back before.`
  })

/** How work is given back. */
export interface Return {
  readonly by: Actor.Human
  readonly why: string
  /** Minutes of work, where they were measured; default: not known. */
  readonly activeMinutes?: number | null
  /** What the human left. */
  readonly after?: Digest.Digest
  /** The human who has it, where another one gives it back in their place. */
  readonly insteadOf?: Actor.Human
}

/** Gives work back to the factory. The same human once more changes nothing. Answers with what stands. */
export const handBack = Effect.fnUntraced(function* (
  takeover: Pick<Takeover, "id"> | string,
  { activeMinutes = null, after, by, insteadOf = by, why }: Return
): Effect.fn.Return<Intervention.Intervention, Recording.Failure, Journal.Journal> {
  const id = typeof takeover === "string" ? takeover : takeover.id
  const known = yield* Recording.standing(id)
  if (known.kind !== "takeover") {
    return yield* new Recording.RecorderError({
      reason: "NotATakeover",
      message: `"${id}" is no takeover but ${known.kind}, so nobody can hand it back. A gate is settled at its desk.`
    })
  }
  if (known.answered === null) {
    if (known.to !== insteadOf.name) return yield* notYours(known, insteadOf)
    const { item, line, run, stage } = known
    const ended = { _tag: "InterventionEnded", id, by, why, activeMinutes, after: after ?? null } as const
    yield* Recording.write(ended, { item, line, run, stage }, `${id}/ended`)
  }
  const standing = yield* Recording.standing(id)
  if (Recording.nameOf(standing) === by.name) return standing
  return yield* new Recording.RecorderError({
    reason: "Ended",
    message: `"${id}" was handed back by ${Recording.nameOf(standing)} before. That stands.`
  })
})

const notYours = ({ id, to }: Intervention.Intervention, { name }: Actor.Human) =>
  new Recording.RecorderError({
    reason: "NotYours",
    message: `${to} has "${id}", not ${name}. Let ${to} hand it back, or say that you do it insteadOf ${to}.`
  })
