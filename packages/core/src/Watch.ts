/**
 * To **watch** is to see where runs stand while they go on: statuses and progress as a stream over the journal, whoever
 * writes it, this process or another.
 *
 * What was seen is kept and not folded again. A consumer that is slow sees the newest state and skips what came between;
 * nothing is queued for it.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Budget from "./Budget.ts"
import type * as FactoryEvent from "./FactoryEvent.ts"
import * as Journal from "./Journal.ts"
import * as Line from "./Line.ts"
import * as Status from "./Status.ts"
import * as Usage from "./Usage.ts"

/** A stage that began and did not end. `since` is in milliseconds since 1970, UTC, over all its attempts. */
export interface OpenStage {
  readonly stage: string
  readonly since: number
  readonly attempt: number
}

/** How far a run has come. Times are in milliseconds since 1970, UTC. Stages that only open a wait are not counted. */
export interface Progress {
  readonly status: Status.Status
  /** The place in the journal that this holds for. Give it as `after` to go on from here. */
  readonly seq: number
  readonly startedAt: number
  readonly changedAt: number
  /** Stages that finished, in the order in which they did. */
  readonly done: ReadonlyArray<string>
  readonly open: ReadonlyArray<OpenStage>
  /** How often a stage was begun, each attempt counted. */
  readonly attempts: number
  /** Tokens and money, and milliseconds in stages that ended. */
  readonly spent: Budget.Spent
}

/** Runs that changed, in the order in which they did, and the place in the journal that this holds for. */
export interface Change {
  readonly seq: number
  readonly changed: ReadonlyArray<Progress>
}

/** From where on a consumer wants to see. */
export interface Options {
  /** What came to this place in the journal is folded and not shown: the `seq` of what was seen last. Default: nothing. */
  readonly after?: number
}

/** The progress of a run after one more event of it. */
export const step = (progress: Progress | undefined, event: FactoryEvent.FactoryEvent): Progress | undefined => {
  const status = Status.step(progress?.status, event)
  if (status === undefined) return undefined
  const before = event.fact._tag === "LineStarted" ? undefined : progress
  const { attempts, done, open } = stagesAfter(before ?? nothing, event)
  return {
    status,
    seq: event.seq,
    startedAt: before?.startedAt ?? event.at,
    changedAt: event.at,
    attempts,
    done,
    // What is open is for the status to say; when it began stands here.
    open: open.filter(({ stage }) => status.openStages.includes(stage)),
    spent: Budget.count(before?.spent ?? unspent, event.fact)
  }
}

type Stages = Pick<Progress, "attempts" | "done" | "open">

const nothing: Stages = { attempts: 0, done: [], open: [] }
const unspent: Budget.Spent = { bill: Usage.emptyBill, time: 0 }

/** A gate and a sleep are opened in a stage of their own, which is over at once; what is waited for is not. */
const isWait = (stage: string) => /(?:^|\/)(?:gate|sleep)-.*-open$/.test(stage)

const stagesAfter = (before: Stages, { at, fact, stage }: FactoryEvent.FactoryEvent): Stages => {
  const { attempts, done, open } = before
  if (fact._tag === "LineRewound") return { attempts, open, done: done.filter((each) => !fact.dropped.includes(each)) }
  if (stage === null || isWait(stage)) return before
  const others = open.filter((each) => each.stage !== stage)
  switch (fact._tag) {
    case "StageStarted": {
      const since = fact.attempt > 1 ? open.find((each) => each.stage === stage)?.since : undefined
      return { attempts: attempts + 1, done, open: [...others, { stage, since: since ?? at, attempt: fact.attempt }] }
    }
    case "StageFinished":
      return { attempts, done: [...done, stage], open: others }
    case "StageFailed":
      return { attempts, done, open: others }
    default:
      return before
  }
}

/** The progress of a run now; `undefined` when the journal has never heard of it. */
export const progress = (name: string): Effect.Effect<Progress | undefined, Journal.JournalError, Journal.Journal> =>
  Journal.fold<Progress | undefined>(undefined, step, name)

/** How far every run has come, in the order in which they were started. */
export const all = (
  filter: Filter = {}
): Effect.Effect<ReadonlyArray<Progress>, Journal.JournalError, Journal.Journal> =>
  Effect.map(
    Effect.suspend(() =>
      Journal.fold(new Map<string, Progress>(), (known, event) => {
        take(known, filter, event)
        return known
      })
    ),
    (known) =>
      [...known.values()].map((each) => ({
        ...each,
        status: Status.withChildren(each.status, (run) => known.get(run)?.status)
      }))
  )

/** Keeps the progress of the run that an event is of. Answers with it when it is one of those that are asked for. */
const take = (
  known: Map<string, Progress>,
  { item, line }: Filter,
  event: FactoryEvent.FactoryEvent
): Progress | undefined => {
  if (event.run === null || (line !== undefined && event.line !== line)) return undefined
  if (item !== undefined && event.item !== item) return undefined
  const now = step(known.get(event.run), event)
  if (now !== undefined) known.set(event.run, now)
  return now
}

/**
 * Everything that happens to a run, as its progress after each event. Ends when the run is over, and what had to be is undone. Fails with `NoSuchRun`
 * when the journal has never heard of it.
 */
export const run = (
  name: string,
  { after = 0 }: Options = {}
): Stream.Stream<Progress, Journal.JournalError | Line.LineError, Journal.Journal> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const journal = yield* Journal.Journal
      let known: Progress | undefined
      const shown = (events: ReturnType<Journal.Journal["Service"]["read"]>) =>
        events.pipe(
          Stream.map((event) => (known = step(known, event))),
          Stream.filter((now) => now !== undefined)
        )
      const past = shown(journal.read({ run: name }))
      // A run that was over may have been taken up again, so only what is the end now is the end.
      const rest = Stream.suspend((): Stream.Stream<Progress, Journal.JournalError | Line.LineError> => {
        if (known === undefined) return Stream.fail(noSuchRun(name))
        if (Status.isDone(known.status)) return Stream.empty
        return Stream.takeUntil(shown(journal.follow({ run: name, after: known.seq })), ({ status }) =>
          Status.isDone(status)
        )
      })
      return Stream.filter(Stream.concat(past, rest), ({ seq }) => seq > after)
    })
  )

const noSuchRun = (name: string) =>
  new Line.LineError({
    reason: "NoSuchRun",
    message: `There is no run "${name}" in this journal. List the runs, or check which store the program opens.`
  })

/** Runs that are watched. What is left out is not asked for. */
export interface Filter {
  readonly line?: string
  readonly item?: string
}

/**
 * Every run, and then those that changed. A change holds the newest state of each run at the time when it is asked for,
 * so a slow consumer gets few and late ones; memory grows with the number of runs and not with what happens to them.
 * Does not end by itself.
 */
export const runs = (
  filter: Filter = {},
  { after = 0 }: Options = {}
): Stream.Stream<Change, Journal.JournalError, Journal.Journal> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const journal = yield* Journal.Journal
      const known = new Map<string, Progress>()
      let seen = 0
      /** Takes everything that is there now. Answers with the runs that changed after the place that was asked for. */
      const look = Effect.gen(function* () {
        const names = new Set<string>()
        yield* Stream.runForEach(journal.read({ after: seen }), (event) =>
          Effect.sync(() => {
            seen = event.seq
            const now = take(known, filter, event)
            if (now !== undefined && event.seq > after) names.add(now.status.run)
          })
        )
        return { seq: seen, changed: [...names].flatMap((name) => known.get(name) ?? []) }
      })
      const wait = Effect.suspend(() => Stream.runHead(journal.follow({ after: seen })))
      return Stream.fromEffectRepeat(look).pipe(
        Stream.mapEffect((change) => (change.changed.length > 0 ? Effect.succeed(change) : Effect.as(wait, change))),
        Stream.filter(({ changed }) => changed.length > 0)
      )
    })
  )
