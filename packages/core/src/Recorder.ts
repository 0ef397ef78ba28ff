/**
 * The **recorder** of interventions: how one that nobody asked for comes into the journal. What was asked for comes by a gate, and what
 * is done to a run (steer, cancel, resume, rewind, fork) is a fact by itself; everything else that a human does comes through here.
 *
 * Only a human steps in. The host may record what a human did, as a forge or a page told it; an agent may not.
 *
 * ```ts
 * import * as Actor from "@millwright/core/Actor"
 * import * as Recorder from "@millwright/core/Recorder"
 * import * as Effect from "effect/Effect"
 *
 * const ada = Actor.human("ada")
 *
 * export const mended = Effect.gen(function* () {
 *   const mine = yield* Recorder.takeOver({ item: "issue-1", by: ada, why: "The agent can not reach the printer." })
 *   yield* Recorder.handBack(mine, { by: ada, why: "The test runs now.", activeMinutes: 25 })
 * })
 * ```
 */
import * as Effect from "effect/Effect"
import type * as Actor from "./Actor.ts"
import * as Digest from "./Digest.ts"
import type * as FactoryEvent from "./FactoryEvent.ts"
import * as KnownInterventions from "./internal/KnownInterventions.ts"
import * as Recording from "./internal/Recording.ts"
import * as Takeover from "./internal/Takeover.ts"
import * as Intervention from "./Intervention.ts"
import * as Journal from "./Journal.ts"
import * as Status from "./Status.ts"

export {
  /** Minutes of work between signs of life of a human; `null` where nothing was measured. */
  activeMinutes,
  /** Does what a human does at a surface, and measures how long they were at it. */
  measured,
  /** What came of work, and how long the human was at it. */
  type Measured
} from "./internal/Attention.ts"
export {
  /** Every intervention that the journal holds now, by id. Only what was written since the last look is read. */
  ledger
} from "./internal/KnownInterventions.ts"
export {
  /** What can not be recorded. Nothing was written. */
  RecorderError
} from "./internal/Recording.ts"
export {
  /** Gives work back to the factory. */
  handBack,
  /** A human takes an item, or one stage of it, from the factory, until it is handed back. */
  takeOver,
  /** Work that a human has taken over. */
  type Takeover
} from "./internal/Takeover.ts"

/** Something that a human did. */
export interface Past {
  /** The same for whoever finds out, and with what it comes from before the colon: `git:<commit>`, `forge:<id>`. */
  readonly id: string
  readonly kind: Extract<FactoryEvent.Fact, { readonly _tag: "Intervened" }>["kind"]
  /** Where in the work: a stage, a gate, `branch`, `pull request`, …. */
  readonly name: string
  /** As a class that can be learnt from: see `Intervention.causes`. */
  readonly cause: string
  /** Kept to 4,000 characters. */
  readonly why: string
  readonly by: Actor.Human
  /** What it belongs to, where that is not the origin in force. */
  readonly place?: Partial<Omit<FactoryEvent.Origin, "actor">>
  /** When it was, in milliseconds since 1970; default: now. */
  readonly since?: number
  /** How many milliseconds the work waited for it; default: not known. */
  readonly waited?: number | null
  /** Minutes of work, where they were measured ({@link measured}); default: not known. */
  readonly activeMinutes?: number | null
  /** What was there, and what the human left. */
  readonly before?: Digest.Digest
  readonly after?: Digest.Digest
  /** Where it can be looked at: a commit, an address, a session. */
  readonly ref?: string
}

/** The last date that there is, in milliseconds since 1970. */
const latest = 8_640_000_000_000_000

/** Records what a human did. The same once more changes nothing, from whichever process it comes. Answers with what stands. */
export const record = Effect.fnUntraced(function* ({
  place = {},
  ...past
}: Past): Effect.fn.Return<Intervention.Intervention, Recording.Failure, Journal.Journal> {
  const { by, id, kind } = past
  // Gates and facts of runs have ids of their own, which begin with the name of a run: it has a dot.
  if (!/^[a-z][a-z0-9-]*:./.test(id) || id.length > 500 || id.startsWith(Takeover.prefix)) {
    return yield* Recording.invalid(
      `"${id.slice(0, 100)}" can not be its id. Give at most 500 characters that begin with where it comes from and a colon, ` +
        `as "git:<commit>", but not with "${Takeover.prefix}"`
    )
  }
  // A clock that is fast is nobody's fault; a time that is no date can not be shown.
  if (past.since !== undefined && past.since > latest)
    return yield* Recording.invalid(`since is ${past.since}, which is no date`)
  const unknown = { waited: null, activeMinutes: null, before: null, after: null, ref: null }
  const isKnown = (yield* KnownInterventions.ledger).has(id)
  if (!isKnown) yield* Recording.write({ _tag: "Intervened", ...unknown, ...past }, place, id)
  const standing = yield* Recording.standing(id)
  const name = Recording.nameOf(standing)
  if (standing.kind === kind && name === by.name) return standing
  return yield* new Recording.RecorderError({
    reason: "OtherIntervention",
    message: `"${id}" is the id of another intervention: ${standing.kind} by ${name}. That stands; give this one its own id.`
  })
})

/** What mended a cause. */
export interface Fix {
  readonly cause: string
  /** A commit, a pull request, or the digest of a skill. */
  readonly fix: string
  /** Their ids, also of ones with another cause, where this stands behind it. Default: all of this cause that nothing has mended yet. */
  readonly interventions?: ReadonlyArray<string>
}

/** Says what removed the cause of interventions, so that it can be seen whether it comes again. Answers with them. */
export const fixed = Effect.fnUntraced(function* ({
  cause,
  fix,
  interventions
}: Fix): Effect.fn.Return<ReadonlyArray<Intervention.Intervention>, Recording.Failure, Journal.Journal> {
  yield* Recording.notByAgent
  if (fix.trim() === "")
    return yield* Recording.invalid("What removed the cause has to be named: a commit, a pull request, a digest")
  const ledger = yield* KnownInterventions.ledger
  const ofCause = [...ledger.values()].filter((known) => known.cause === cause && (known.fix ?? fix) === fix)
  const ids = [...new Set(interventions ?? ofCause.map(({ id }) => id))]
  if (ids.length === 0) {
    return yield* new Recording.RecorderError({
      reason: "NoSuchIntervention",
      message: `There is no intervention with the cause "${cause}" that nothing has mended yet. The ledger names all.`
    })
  }
  const known = yield* Effect.forEach(ids, Recording.standing)
  const other = known.find((each) => (each.fix ?? fix) !== fix)
  if (other !== undefined) {
    return yield* new Recording.RecorderError({
      reason: "AlreadyFixed",
      message: `The cause of "${other.id}" was removed by ${other.fix} before. That stands; name only the others.`
    })
  }
  const left = known.filter((each) => each.fix === null).map(({ id }) => id)
  if (left.length > 0) {
    const key = `cause-removed/${Digest.ofJson([cause, fix, left.toSorted()])}`
    yield* Journal.record({ _tag: "CauseRemoved", cause, fix, interventions: left }, key)
  }
  return yield* Effect.forEach(ids, Recording.standing)
})

/** Every intervention that is open now: what humans have taken over, and what gates ask. The oldest is first. */
export const open: Effect.Effect<
  ReadonlyArray<Intervention.Intervention>,
  Journal.JournalError,
  Journal.Journal
> = Effect.gen(function* () {
  const ledger = yield* KnownInterventions.ledger
  const all = [...ledger.values()].filter(({ answered, withdrawn }) => answered === null && withdrawn !== true)
  const asking = new Set(all.flatMap((each) => (Intervention.isUnasked(each) ? [] : (each.run ?? []))))
  const over = yield* Effect.filter(asking, (run) =>
    Effect.map(Status.of(run), (status) => status !== undefined && Status.isEnded(status))
  )
  // Nobody waits at a gate of a run that is over.
  return all.filter((each) => Intervention.isUnasked(each) || !over.includes(each.run ?? ""))
})
