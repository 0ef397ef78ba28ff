/** What can be done to a run from outside, by its name alone: look, stop, take up again, go back, go another way. */
import * as Effect from "effect/Effect"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Actor from "../Actor.ts"
import * as Durable from "../Durable.ts"
import type * as FactoryEvent from "../FactoryEvent.ts"
import * as Journal from "../Journal.ts"
import * as Run from "../Run.ts"
import * as Status from "../Status.ts"
import { LineError } from "./LineError.ts"

/** Who does it, and why. */
export interface Why {
  readonly reason: string
  /** Default: the host. */
  readonly by?: Actor.Actor
}

/** Where a run stands. Fails for a run that the journal has never heard of, and names those that are called alike. */
export const status = (run: string): Effect.Effect<Status.Status, LineError | Journal.JournalError, Journal.Journal> =>
  Effect.gen(function* () {
    const found = yield* Status.of(run)
    if (found !== undefined) return found
    const item = run.replace(/\.[^.]*$/, "")
    const alike = (yield* Status.runs()).filter((each) => each.run.startsWith(item) || each.run.endsWith(run))
    const names = alike.slice(-5).map((each) => each.run)
    return yield* new LineError({
      reason: "NoSuchRun",
      message: `There is no run "${run}" in this journal. ${
        names.length === 0 ? "List the runs, or check which store the program opens." : `There is: ${names.join(", ")}.`
      }`
    })
  })

/** Which runs are listed. What is left out is not asked for. */
export interface Filter {
  readonly line?: string
  readonly item?: string
  readonly status?: Status.Status["_tag"]
}

/** The runs that fit a filter, in the order in which they were started. */
export const list = (
  filter: Filter = {}
): Effect.Effect<ReadonlyArray<Status.Status>, Journal.JournalError, Journal.Journal> =>
  Effect.map(Status.runs(filter.line), (all) =>
    all.filter(
      ({ _tag, item }) =>
        (filter.item === undefined || item === filter.item) && (filter.status === undefined || _tag === filter.status)
    )
  )

interface By {
  readonly by?: Actor.Actor | undefined
  readonly key?: string
}

const entryOf = (now: Status.Status, fact: FactoryEvent.Fact, { by, key }: By = {}) =>
  Effect.provideService(Journal.entry(fact, key), Journal.Origin, {
    line: now.line,
    run: now.run,
    item: now.item,
    stage: null,
    actor: by ?? Actor.host
  })

const over = (now: Status.Status) =>
  new LineError({
    reason: "Ended",
    message: `The run "${now.run}" is over (${now._tag}). Rewind it, or start a new one for the same item.`
  })

/**
 * Takes a run up again: one whose process is gone, or one that stalled. What runs elsewhere stays there. `by` is the human who does
 * it by hand; default: the host.
 */
export const resume = Effect.fnUntraced(function* (run: string, { by }: { readonly by?: Actor.Actor } = {}) {
  const now = yield* status(run)
  if (Status.isEnded(now)) return yield* over(now)
  const journal = yield* Journal.Journal
  const { atomicResumes } = yield* Durable.Supports
  const fault = now._tag === "Stalled" && { fault: now.fault }
  const entry = yield* entryOf(now, { _tag: "LineResumed", ...fault }, { by })
  const outbox: Durable.Outbox = { entries: [entry], isWritten: false }
  // Otherwise the run might have gone on before it is known why.
  if (!atomicResumes) yield* journal.append(outbox.entries)
  const waking = Durable.named(now.line).resume(now.execution)
  yield* Durable.storeFailure(Effect.provideService(waking, Durable.Outbox, atomicResumes ? outbox : undefined))
})

/**
 * Stops a run for good. The stage that it is in is interrupted, what it did is undone where it says how, and its children
 * are cancelled too. To cancel it twice changes nothing.
 */
export const cancel = (
  run: string,
  why: Why
): Effect.Effect<void, LineError | Journal.JournalError, Durable.Engine | Journal.Journal> =>
  stop(run, { _tag: "LineCancelled", reason: why.reason, undoing: true }, why.by)

/** Puts a run aside: as {@link cancel}, but the item may be taken up again. */
export const setAside = (
  run: string,
  why: Why & { readonly unblockWhen?: string; readonly reviewAfter?: Duration.Input }
): Effect.Effect<void, LineError | Journal.JournalError, Durable.Engine | Journal.Journal> =>
  stop(run, { ...parked(why), undoing: true }, why.by)

/** The fact of a parked run. */
export const parked = (why: {
  readonly reason: string
  readonly unblockWhen?: string | undefined
  readonly reviewAfter?: Duration.Input | undefined
}): Extract<FactoryEvent.Fact, { readonly _tag: "LineParked" }> => ({
  _tag: "LineParked",
  reason: why.reason,
  ...(why.unblockWhen === undefined ? {} : { unblockWhen: why.unblockWhen }),
  ...(why.reviewAfter === undefined
    ? {}
    : { reviewAfter: Duration.toMillis(Duration.fromInputUnsafe(why.reviewAfter)) })
})

const stop = (
  run: string,
  fact: Extract<FactoryEvent.Fact, { readonly _tag: "LineCancelled" | "LineParked" }>,
  by: Actor.Actor | undefined
): Effect.Effect<void, LineError | Journal.JournalError, Durable.Engine | Journal.Journal> =>
  Effect.gen(function* () {
    const now = yield* status(run)
    const isStopped = fact._tag === (now._tag === "Cancelled" ? "LineCancelled" : `Line${now._tag}`)
    if (Status.isEnded(now) && !isStopped) return yield* over(now)
    const past = yield* historyOf(run)
    const journal = yield* Journal.Journal
    // The end of a run has one key: whichever comes first stands.
    if (!isStopped) yield* journal.append([yield* entryOf(now, fact, { by, key: endKey(now, past.epoch) })])
    const after = yield* status(run)
    if (after._tag !== "Cancelled" && after._tag !== "Parked") return yield* over(after)
    const engine = yield* Durable.WorkflowEngine.WorkflowEngine
    yield* Durable.storeFailure(engine.interruptUnsafe(Durable.named(now.line), now.execution))
    // A child may have begun until the run was interrupted.
    const children = yield* childrenOf(run, yield* historyOf(run))
    yield* cancelAll(children, stopped(run, { reason: fact.reason, ...(by && { by }) }))
  })

/** Why children are cancelled: with which run, and who did that. */
export interface Because extends Why {
  readonly run: string
}

/** Why the children of a run that was stopped are cancelled. */
export const stopped = (run: string, why: Why): Because => ({
  ...why,
  run,
  reason: `The run "${run}" that started it was stopped: ${why.reason}`
})

/** Cancels children together with a run, unless they end by themselves meanwhile. */
export const cancelAll = (
  runs: ReadonlyArray<Status.Status>,
  { by, reason, run: parent }: Because
): Effect.Effect<void, LineError | Journal.JournalError, Durable.Engine | Journal.Journal> =>
  Effect.forEach(
    runs.filter((run) => !Status.isEnded(run)),
    ({ run }) =>
      Effect.catchIf(
        stop(run, { _tag: "LineCancelled", reason, undoing: true, with: parent }, by),
        (error) => error.reason === "Ended",
        () => Effect.void
      ),
    { discard: true }
  )

const endKey = ({ line, run }: Status.Status, epoch: number) => `${line}/${run}/ended${epoch === 0 ? "" : `@${epoch}`}`

/** What the journal tells of the steps of a run. */
interface History {
  readonly epoch: number
  /** The keys of the stages, in the order in which they began last. */
  readonly stages: ReadonlyArray<string>
  readonly undone: ReadonlySet<string>
  /** The gate that a stage opened. */
  readonly gates: ReadonlyMap<string, string>
  readonly answered: ReadonlySet<string>
}

const historyOf = (run: string): Effect.Effect<History, Journal.JournalError, Journal.Journal> =>
  Effect.suspend(() => {
    const stages = new Set<string>()
    const undone = new Set<string>()
    const gates = new Map<string, string>()
    const answered = new Set<string>()
    const take = (epoch: number, { fact, seq, stage }: FactoryEvent.FactoryEvent): number => {
      if (fact._tag === "LineStarted") for (const took of fact.forkOf?.took ?? []) stages.add(took)
      if (fact._tag === "LineRewinding") return seq
      if (fact._tag === "LineRewound") {
        for (const dropped of fact.dropped) for (const known of [stages, undone, gates]) known.delete(dropped)
        return seq
      }
      if (fact._tag === "GateAnswered") answered.add(fact.gate)
      if (stage === null) return epoch
      if (fact._tag === "StageStarted") {
        stages.delete(stage)
        stages.add(stage)
      }
      if (fact._tag === "StageUndone" && fact.fault === null) undone.add(stage)
      if (fact._tag === "GateOpened") {
        gates.set(stage, fact.gate)
        answered.delete(fact.gate)
      }
      return epoch
    }
    return Effect.map(Journal.fold(0, take, run), (epoch) => ({ epoch, stages: [...stages], undone, gates, answered }))
  })

/** A child's name is asked of the whole journal, so only where a stage of the run can have started one. */
export const childrenOf = (
  run: string,
  { stages }: Pick<History, "stages">
): Effect.Effect<ReadonlyArray<Status.Status>, Journal.JournalError, Journal.Journal> =>
  stages.some((stage) => /(^|\/)child-/.test(stage))
    ? Effect.map(Status.runs(), (all) => all.filter(({ parent }) => parent?.run === run))
    : Effect.succeed([])

/** A place in the history of a run, and what is before and after it. */
const placeOf = Effect.fnUntraced(function* (now: Status.Status, before: string) {
  const past = yield* historyOf(now.run)
  const at = past.stages.indexOf(before)
  if (at < 0) {
    return yield* new LineError({
      reason: "NoSuchStage",
      message: `The run "${now.run}" has not begun a stage "${before}". It began: ${past.stages.join(", ") || "none"}.`
    })
  }
  const kept = new Set(past.stages.slice(0, at))
  const undone = [...kept].find((stage) => past.undone.has(stage))
  if (undone !== undefined) {
    return yield* new LineError({
      reason: "Undone",
      message: `What the stage "${undone}" did was undone when the run ended. Go back before that stage.`
    })
  }
  const children = yield* childrenOf(now.run, past)
  return { past, kept, children }
})

/**
 * Which steps and waits of a run are kept. A wait belongs to the stage that opened it: that of the gate `gate-x` is
 * `gate-x-open`, and what it has beside it (its clocks, its reminders) begins with its name.
 */
const isKept = (stages: ReadonlyArray<string>, kept: ReadonlySet<string>) => {
  const began = new Set(stages)
  const waits = stages.filter((stage) => stage.endsWith("-open")).map((stage) => stage.slice(0, -"-open".length))
  return (step: string): boolean => {
    const name = step.replace(/^DurableClock\//, "")
    if (kept.has(name)) return true
    if (began.has(name)) return false
    // Of gates whose names begin alike, the one with the longest name is meant.
    const own = waits
      .filter((wait) => name === wait || name.startsWith(`${wait}-`))
      .toSorted((a, b) => b.length - a.length)
    return own[0] !== undefined && kept.has(`${own[0]}-open`)
  }
}

const history = Effect.gen(function* () {
  const history = yield* Durable.History
  if (history !== undefined) return history
  return yield* new LineError({
    reason: "NotSupported",
    message: "This engine can not rewrite what a run remembers. Start a new run for the item instead."
  })
})

const running = (run: string) =>
  new LineError({
    reason: "Running",
    message: `The run "${run}" is in a stage, and can not go back now. Wait for it, or cancel it first.`
  })

/**
 * Goes back: the run forgets a stage and everything that began after it, and goes on from there. Works on a run that
 * waits, stalled or ended; facts stay in the journal. Whichever process has the line undoes what the forgotten stages did
 * before that, the last one first; their children are cancelled.
 */
export const rewind = Effect.fnUntraced(function* (
  run: string,
  { before, by }: { readonly before: string; readonly by?: Actor.Actor }
) {
  const rewriting = yield* history
  const now = yield* status(run)
  const { children, kept } = yield* placeOf(now, before)
  const entry = yield* entryOf(now, { _tag: "LineRewinding", before }, { by })
  const outbox: Durable.Outbox = { entries: [entry], isWritten: false }
  // Nothing is forgotten yet: it has to be undone first, by a process that has the line.
  const forget = Durable.storeFailure(
    Effect.provideService(
      rewriting.forget(now.execution, () => true),
      Durable.Outbox,
      outbox
    )
  )
  // The journal knows that a run stopped a moment before the engine does.
  const patience = now._tag === "Running" && now.openStages.length > 0 ? 0 : 100
  const isForgotten = yield* Effect.repeat(forget, {
    until: (isForgotten) => isForgotten,
    schedule: Schedule.spaced("10 millis"),
    times: patience
  })
  if (!isForgotten) return yield* running(run)
  yield* cancelAll(
    children.filter(({ parent }) => !kept.has(parent?.stage ?? "")),
    orphaned(run, by)
  )
  yield* Durable.storeFailure(Durable.named(now.line).resume(now.execution))
})

/** Why the children of forgotten stages are cancelled. */
export const orphaned = (run: string, by: Actor.Actor | undefined): Because => ({
  reason: `The run "${run}" went back before the stage that started it`,
  run,
  ...(by && { by })
})

/** The stages that a run forgets when it goes back, and how: what makes it forget them also writes that it did. */
export const forgetting = Effect.fnUntraced(function* (
  run: string,
  { before, by }: { readonly before: string; readonly by: Actor.Actor }
) {
  const now = yield* status(run)
  const past = yield* historyOf(run)
  const dropped = past.stages.slice(past.stages.indexOf(before))
  const gates = dropped.flatMap((stage) => past.gates.get(stage) ?? [])
  const entry = yield* entryOf(now, { _tag: "LineRewound", before, dropped, gates }, { by })
  const rewriting = yield* history
  const kept = isKept(past.stages, new Set(past.stages.slice(0, past.stages.indexOf(before))))
  const outbox: Durable.Outbox = { entries: [entry], isWritten: false }
  const forget = Effect.provideService(rewriting.forget(now.execution, kept), Durable.Outbox, outbox)
  return { dropped, forget: Durable.storeFailure(forget), isEnded: Status.isEnded(now) }
})

/** A run that another one is forked from, and what it takes over. */
export const forkOf = Effect.fnUntraced(function* (
  run: string,
  { before, by }: { readonly before: string; readonly by?: Actor.Actor }
) {
  const rewriting = yield* history
  const now = yield* status(run)
  const { children, kept, past } = yield* placeOf(now, before)
  const { finished, joined } = yield* Run.pastOf(run)
  const left = past.stages.filter((stage) => !kept.has(stage))
  // Nobody could answer a gate that the other run opened.
  for (const [stage, gate] of past.gates) if (!past.answered.has(gate)) kept.delete(stage)
  const shared = children.find((child) => !Status.isEnded(child) && kept.has(child.parent?.stage ?? ""))
  if (shared !== undefined) {
    return yield* new LineError({
      reason: "Undone",
      message: `The child "${shared.run}" of the run "${run}" is not over, and can not belong to two runs. Fork before it.`
    })
  }
  return {
    line: now.line,
    item: { id: now.item, title: now.title },
    by,
    relation: {
      forkOf: {
        run,
        before,
        took: [...kept].filter((stage) => finished.has(stage)),
        joined: Object.fromEntries([...joined].filter(([key]) => !Run.isIn(key, left)))
      }
    },
    execute: (copy: string, execution: string) =>
      rewriting.fork(now.execution, { execution, run: copy, isKept: isKept(past.stages, kept) })
  }
})

/** Whether another living process runs this run. What nobody runs can be resumed here. */
export const isRunElsewhere = (now: Status.Status): Effect.Effect<boolean> =>
  Effect.flatMap(Durable.IsRunElsewhere, (isRunElsewhere) => isRunElsewhere(now.execution))

/**
 * What a run came to, or what it waits for. Completes when the run can not go on by itself: not while the host is about to
 * answer a gate whose time is over.
 */
export const settled = (run: string): Effect.Effect<Status.Status, Journal.JournalError | LineError, Journal.Journal> =>
  Effect.clockWith((clock) =>
    until(
      run,
      (now) =>
        now._tag !== "Running" &&
        !now.isUndoing &&
        !(now._tag === "Waiting" && Status.isOverdue(now, clock.currentTimeMillisUnsafe()))
    )
  )

/**
 * What a run came to. Completes when it is over and what had to be undone is undone, however often somebody is asked
 * before.
 */
export const ended = (run: string): Effect.Effect<Status.Status, Journal.JournalError | LineError, Journal.Journal> =>
  until(run, Status.isDone)

const until = (run: string, isThere: (now: Status.Status) => boolean) =>
  Effect.gen(function* () {
    const failure = yield* Durable.Failure
    return yield* Effect.raceFirst(Status.until(run, isThere), failure)
  }).pipe(Effect.flatMap(Option.match({ onNone: () => status(run), onSome: Effect.succeed })))

/** The code of a line is not the one that a run began with. `at` is where it came to. */
export const codeChanged = (run: Run.Run["Service"], at: string, missing: string): LineError =>
  new LineError({
    reason: "CodeChanged",
    message:
      `The code of the line ${run.line} has changed since the run "${run.id}" began: it comes to ${at} where the run ` +
      `began "${missing}" before. Ask Line.patched where the new code differs, go back with rewind, or run the old code.`
  })
