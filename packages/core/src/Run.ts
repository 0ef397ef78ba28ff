/** The run of a line that a piece of code belongs to, the numbering of its steps, and what it did in earlier lives. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Actor from "./Actor.ts"
import type * as Durable from "./Durable.ts"
import type * as FactoryEvent from "./FactoryEvent.ts"
import * as Journal from "./Journal.ts"
import type * as WorkItem from "./WorkItem.ts"

/** A run of a line. */
export class Run extends Context.Service<
  Run,
  {
    readonly line: string
    /** The run's name, unique in its journal: the item's id and a number. */
    readonly id: string
    readonly item: WorkItem.WorkItem
    readonly execution: Context.Context<Durable.Execution>
    /**
     * The key of the next step of this name: `test`, `test#2`, `test#3`. The engine knows a step by its key alone, so two
     * steps of one name must never share one.
     */
    readonly next: (name: string) => string
    readonly life: Life
    /**
     * Where a part only comes once more by what it did, so that it can be undone: the finished stages that are still
     * before it. It ends behind the last of them, and begins nothing.
     */
    readonly retraced?: Set<string> | undefined
  }
>()("@millwright/core/Run") {}

/** One passage of a process through the code of a run, from its beginning. */
export interface Life {
  /** What the journal knew when this life began to do something new; read once. */
  readonly past: Effect.Effect<Past, Journal.JournalError, Journal.Journal>
  /** The gates that this life has come by. */
  readonly gates: Set<string>
  /** The keys of the steps that this life has come by. */
  readonly asked: Set<string>
  /** How often this life has come to a step of this name, in whatever branch. Counts this time. */
  readonly visit: (name: string) => number
  /** The keys of the stages that this life is in, until their results are stored. */
  readonly open: ReadonlySet<string>
  readonly enter: (stage: string) => void
  readonly leave: (stage: string) => void
  /** What takes back the stages that this life has come by, in their order. Each is done once, over all lives. */
  readonly undos: Array<{ readonly stage: string; readonly undo: Effect.Effect<void> }>
  /** A part of the line's code begins to work, or to work again after a wait. */
  readonly work: () => void
  /** A part of the line's code ends, or waits. */
  readonly rest: () => void
  /** Whether nothing works in this life and no stage is open. */
  readonly isIdle: () => boolean
  /** Completes when nothing works in this life any more. */
  readonly idle: Effect.Effect<void>
}

/** What earlier lives of a run did. */
export interface Past {
  /** Which branches were enough, by the key of their parallel part. */
  readonly joined: ReadonlyMap<string, ReadonlyArray<string>>
  /** Which version of its history the run is in: the place of the rewind that it began with, 0 for the first. */
  readonly epoch: number
  /** The keys of the stages that began, the one that began last at the end. */
  readonly began: ReadonlySet<string>
  /** The gates that were opened. */
  readonly gates: ReadonlySet<string>
  /** The keys of the stages that have a result, or an error that they declare. */
  readonly finished: ReadonlySet<string>
  /** The key of the stage that began last. */
  readonly last: string | undefined
  readonly isCancelled: boolean
  /** The run is to go back before this stage, and has not yet undone what it did from there on. */
  readonly rewinding: { readonly before: string; readonly by: Actor.Actor } | undefined
}

type Now = Pick<Past, "epoch" | "isCancelled" | "rewinding">

/** What a run did until now. */
export const pastOf = (run: string): Effect.Effect<Past, Journal.JournalError, Journal.Journal> =>
  Effect.suspend(() => {
    const began = new Set<string>()
    const finished = new Set<string>()
    const gates = new Set<string>()
    const joined = new Map<string, ReadonlyArray<string>>()
    const join = ({ enough, key }: Join) => {
      joined.set(key, enough)
      // A replay goes on without the branches that were stopped.
      for (const stage of began) if (isOther({ key, enough }, stage)) began.delete(stage)
    }
    const take = (now: Now, { actor, fact, seq, stage }: FactoryEvent.FactoryEvent): Now => {
      switch (fact._tag) {
        case "LineStarted":
          // A fork goes on as if it had done itself what it has taken over.
          for (const took of fact.forkOf?.took ?? []) for (const known of [began, finished]) known.add(took)
          for (const [key, enough] of Object.entries(fact.forkOf?.joined ?? {})) join({ key, enough })
          return now
        case "StageStarted":
          // A stage that begins once more is the last one again.
          began.delete(stage ?? "")
          began.add(stage ?? "")
          return now
        case "GateOpened":
          gates.add(fact.gate)
          return now
        case "StageFinished":
        case "StageFailed":
          finished.add(stage ?? "")
          return now
        case "LineStalled":
          // What failed there was no result.
          finished.delete(stage ?? "")
          return now
        case "BranchesJoined":
          join(fact)
          return now
        case "LineCancelled":
        // From outside; a run that parked itself has no other life.
        case "LineParked":
          return { ...now, isCancelled: true, rewinding: undefined }
        case "LineRewinding":
          return { epoch: seq, isCancelled: false, rewinding: { before: fact.before, by: actor } }
        case "LineRewound":
          for (const dropped of fact.dropped) for (const known of [began, finished]) known.delete(dropped)
          for (const gate of fact.gates) gates.delete(gate)
          for (const key of joined.keys()) if (isIn(key, fact.dropped)) joined.delete(key)
          return { epoch: seq, isCancelled: false, rewinding: undefined }
        default:
          return now
      }
    }
    const none: Now = { epoch: 0, isCancelled: false, rewinding: undefined }
    return Effect.map(Journal.fold(none, take, run), (now) => ({
      ...now,
      began,
      finished,
      gates,
      joined,
      last: [...began].at(-1)
    }))
  })

/** Which branches were enough, of those under a key. */
interface Join {
  readonly key: string
  readonly enough: ReadonlyArray<string>
}

/** Whether one of these stages stands in the branches under a key. */
export const isIn = (key: string, stages: ReadonlyArray<string>): boolean =>
  stages.some((stage) => stage.startsWith(`${key}/`))

/** Whether a step belongs to a branch that was stopped when others were enough. */
export const isOther = ({ enough, key }: Join, step: string): boolean =>
  step.startsWith(`${key}/`) && !enough.some((branch) => step.startsWith(`${key}/${branch}/`))

/** A new life of a run. */
export const live = (run: string): Effect.Effect<Life> =>
  Effect.map(Effect.cached(pastOf(run)), (past) => {
    const open = new Set<string>()
    const visits = new Map<string, number>()
    // The code of the line itself.
    let working = 1
    let idle = Deferred.makeUnsafe<void>()
    const isIdle = () => working <= 0 && open.size === 0
    const tell = () => {
      if (!isIdle()) return
      Deferred.doneUnsafe(idle, Effect.void)
      idle = Deferred.makeUnsafe()
    }
    return {
      past,
      gates: new Set<string>(),
      asked: new Set<string>(),
      visit: (name) => {
        const count = (visits.get(name) ?? 0) + 1
        visits.set(name, count)
        return count
      },
      open,
      enter: (stage) => void open.add(stage),
      leave: (stage) => {
        open.delete(stage)
        tell()
      },
      undos: [],
      work: () => void working++,
      rest: () => {
        working--
        tell()
      },
      isIdle,
      idle: Effect.suspend(() => (isIdle() ? Effect.void : Deferred.await(idle)))
    }
  })

/**
 * A stage that the run began before and that this life has not come by, although it is about to do something new: then
 * its code is not what it was. Answers `undefined` in the usual case.
 */
export const missing = ({
  life
}: Run["Service"]): Effect.Effect<string | undefined, Journal.JournalError, Journal.Journal> =>
  Effect.gen(function* () {
    const { last } = yield* life.past
    const isMissing = () => last !== undefined && !life.asked.has(last)
    // Branches side by side do not come by their old stages in the order of old: let them all pass first.
    for (let quiet = 0; isMissing() && quiet < 50; quiet++) {
      const { size } = life.asked
      yield* Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, 5)))
      if (life.asked.size > size) quiet = 0
    }
    return isMissing() ? last : undefined
  })

/** The journal's key of something that happens once in a run, unless the run is rewound. */
export const key = (run: Run["Service"], what: string): Effect.Effect<string, Journal.JournalError, Journal.Journal> =>
  Effect.map(run.life.past, ({ epoch }) => `${run.line}/${run.id}/${what}${epoch === 0 ? "" : `@${epoch}`}`)

/** Numbers the steps of one run of the line's code; a replay starts from the beginning again. */
export const numbering = (): Run["Service"]["next"] => {
  const counts = new Map<string, number>()
  const taken = new Set<string>()
  return (name) => {
    let count = counts.get(name) ?? 0
    let key: string
    // A name may look like a numbered one, such as that of an issue.
    do {
      count++
      key = count === 1 ? name : `${name}#${count}`
    } while (taken.has(key))
    counts.set(name, count)
    taken.add(key)
    return key
  }
}

/** The same run for a branch of it, whose steps have keys of their own whatever the branches beside it do. */
export const branch = (run: Run["Service"], name: string): Run["Service"] => {
  const next = numbering()
  const prefix = `${name}/`
  // A step that belongs to a key of this branch, such as the opening of a gate, has it in its name.
  return { ...run, next: (step) => prefix + next(step.startsWith(prefix) ? step.slice(prefix.length) : step) }
}

/** The run, when the code that asks stands in a line and between its stages. Inside of a stage nothing is durable. */
export const betweenStages: Effect.Effect<Option.Option<Run["Service"]>> = Effect.contextWith(
  (context: Context.Context<never>) =>
    Effect.succeed(
      Context.get(context, Journal.Origin).stage === null ? Context.getOption(context, Run) : Option.none()
    )
)
