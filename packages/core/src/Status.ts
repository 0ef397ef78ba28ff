/** Where a run stands: a fold over the journal, so every process that can read it gives the same answer. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as FactoryEvent from "./FactoryEvent.ts"
import type * as Fault from "./Fault.ts"
import * as Journal from "./Journal.ts"
import * as Run from "./Run.ts"

/** What every status knows of its run. `openGates` are ids. */
export interface Known {
  readonly run: string
  readonly line: string
  readonly item: string
  readonly title: string
  readonly execution: string
  /** The run, and the stage of it, that started this one as its child. */
  readonly parent: { readonly run: string; readonly stage: string } | null
  /** The runs that it started as its children, by the stage that did. */
  readonly children: Readonly<Record<string, string>>
  readonly openGates: ReadonlyArray<string>
  /** When the host answers open gates that have a time-out, by gate, in milliseconds since 1970. */
  readonly expiries: Readonly<Record<string, number>>
  /** Stages that began and did not end. */
  readonly openStages: ReadonlyArray<string>
  /** What it did is being undone, or has to be. */
  readonly isUndoing: boolean
}

/** Where a run stands. */
export type Status =
  | (Known & { readonly _tag: "Running" })
  /**
   * A human is asked, and no stage is open. A branch beside the gate may be between two of its stages. `waitingChildren`
   * are those by whose gates alone it waits; a status that was made of the run's own facts knows of none.
   */
  | (Known & { readonly _tag: "Waiting"; readonly waitingChildren: ReadonlyArray<string> })
  /** `stage` is where the fault happened, `null` between stages. */
  | (Known & { readonly _tag: "Stalled"; readonly fault: Fault.Recorded; readonly stage: string | null })
  | (Known & { readonly _tag: "Finished"; readonly result: Schema.Json })
  | (Known & { readonly _tag: "Parked"; readonly reason: string })
  | (Known & { readonly _tag: "Cancelled"; readonly reason: string })
  | (Known & { readonly _tag: "Failed"; readonly fault: Fault.Recorded })

/** Whether a run is over for good. */
export const isEnded = (status: Status): boolean =>
  status._tag !== "Running" && status._tag !== "Waiting" && status._tag !== "Stalled"

/** Whether the time of an open gate is over: the host is about to answer it. `now` is in milliseconds since 1970. */
export const isOverdue = ({ expiries, openGates }: Status, now: number): boolean =>
  openGates.some((gate) => (expiries[gate] ?? Infinity) <= now)

/** Whether a run is over for good, and nothing of it is to be undone any more. */
export const isDone = (status: Status): boolean => isEnded(status) && !status.isUndoing

/**
 * The status after one more event of the run. A run that is over stays over until it is rewound; one that stalled, until
 * it goes on there.
 */
export const step = (status: Status | undefined, event: FactoryEvent.FactoryEvent): Status | undefined => {
  const { fact } = event
  if (fact._tag === "LineStarted") {
    return {
      _tag: "Running",
      run: event.run ?? "",
      line: event.line ?? "",
      item: event.item ?? "",
      title: fact.title,
      execution: fact.execution,
      parent: fact.parent ?? null,
      children: {},
      openGates: [],
      expiries: {},
      openStages: [],
      isUndoing: false
    }
  }
  if (status === undefined) return status
  const known = knownOf(status)
  if (fact._tag === "LineRewinding") return onward({ ...known, openStages: [], isUndoing: true })
  if (fact._tag === "LineRewound") {
    const openGates = known.openGates.filter((gate) => !fact.gates.includes(gate))
    const children = Object.fromEntries(
      Object.entries(known.children).filter(([stage]) => !fact.dropped.includes(stage))
    )
    return onward({ ...known, children, openStages: [], openGates, isUndoing: false })
  }
  if (isEnded(status)) return fact._tag === "LineUndone" ? { ...status, isUndoing: false } : status
  const proceed = (next: Known): Status =>
    // Stages beside the one that failed go on, and mend nothing.
    status._tag === "Stalled" &&
    (fact._tag !== "StageStarted" || (status.stage !== null && status.stage !== event.stage))
      ? { ...next, _tag: "Stalled", fault: status.fault, stage: status.stage }
      : onward(next)
  const without = (names: ReadonlyArray<string>, name: string | null) => names.filter((each) => each !== name)
  const closed = { ...known, openStages: [], openGates: [], expiries: {} }
  switch (fact._tag) {
    case "LineResumed":
      return onward({ ...known, openStages: [] })
    case "LineFinished":
      return { ...closed, _tag: "Finished", result: fact.result }
    case "LineParked":
      return { ...closed, _tag: "Parked", reason: fact.reason, isUndoing: fact.undoing === true }
    case "LineCancelled":
      return { ...closed, _tag: "Cancelled", reason: fact.reason, isUndoing: fact.undoing === true }
    case "LineFailed":
      return { ...closed, _tag: "Failed", fault: fact.fault, isUndoing: fact.undoing === true }
    case "LineStalled":
      return { ...known, _tag: "Stalled", fault: fact.fault, stage: event.stage }
    case "StageStarted":
      return proceed({ ...known, openStages: [...without(known.openStages, event.stage), event.stage ?? ""] })
    case "ChildStarted":
      return proceed({ ...known, children: { ...known.children, [event.stage ?? ""]: fact.child } })
    case "StageFinished":
      return proceed({ ...known, openStages: without(known.openStages, event.stage) })
    case "BranchesJoined": {
      // What the other branches did, waited for and stalled at is not what the run does any more.
      const isOther = (step: string) => Run.isOther(fact, step)
      const next = {
        ...known,
        openStages: known.openStages.filter((stage) => !isOther(stage)),
        openGates: known.openGates.filter((gate) => !isOther(gate.slice(known.run.length + 1)))
      }
      return status._tag === "Stalled" && status.stage !== null && isOther(status.stage) ? onward(next) : proceed(next)
    }
    case "StageFailed":
      return { ...status, openStages: without(known.openStages, event.stage) }
    case "GateOpened":
      return proceed({
        ...known,
        openGates: [...without(known.openGates, fact.gate), fact.gate],
        expiries: { ...known.expiries, ...(fact.expires !== undefined && { [fact.gate]: event.at + fact.expires }) }
      })
    case "GateAnswered":
      return onward({
        ...known,
        openGates: without(known.openGates, fact.gate),
        expiries: Object.fromEntries(Object.entries(known.expiries).filter(([gate]) => gate !== fact.gate))
      })
    default:
      return status
  }
}

const knownOf = ({
  children,
  execution,
  expiries,
  isUndoing,
  item,
  line,
  openGates,
  openStages,
  parent,
  run,
  title
}: Known): Known => ({
  children,
  execution,
  expiries,
  isUndoing,
  item,
  line,
  openGates,
  openStages,
  parent,
  run,
  title
})

const onward = (known: Known): Status =>
  known.openGates.length > 0 && known.openStages.length === 0 && !known.isUndoing
    ? { ...known, _tag: "Waiting", waitingChildren: [] }
    : { ...known, _tag: "Running" }

/** Whether a run may wait for nothing but its children. */
const isIdle = (status: Status): boolean =>
  status._tag === "Running" && status.openStages.length === 0 && !status.isUndoing

/** The status of a run that waits for nothing but children that wait for a human: it waits, too. */
export const withChildren = (status: Status, find: (run: string) => Status | undefined): Status => {
  if (!isIdle(status)) return status
  const children = Object.values(status.children).flatMap((run) => {
    const child = find(run)
    return child === undefined || isDone(child) ? [] : [withChildren(child, find)]
  })
  return children.length > 0 && children.every(({ _tag }) => _tag === "Waiting")
    ? { ...knownOf(status), _tag: "Waiting", waitingChildren: children.map(({ run }) => run) }
    : status
}

/** Where a run stands now; `undefined` when the journal has never heard of it. */
export const of = (run: string): Effect.Effect<Status | undefined, Journal.JournalError, Journal.Journal> =>
  Effect.gen(function* () {
    const known = new Map<string, Status>()
    const look = (run: string): Effect.Effect<Status | undefined, Journal.JournalError, Journal.Journal> =>
      Effect.gen(function* () {
        const status = yield* Journal.fold<Status | undefined>(undefined, step, run)
        if (status === undefined) return undefined
        known.set(run, status)
        if (isIdle(status)) yield* Effect.forEach(Object.values(status.children), look, { discard: true })
        return status
      })
    const status = yield* look(run)
    return status && withChildren(status, (child) => known.get(child))
  })

/** Every run of a line, or of all lines, in the order in which they were started. */
export const runs = (line?: string): Effect.Effect<ReadonlyArray<Status>, Journal.JournalError, Journal.Journal> =>
  Effect.map(
    Effect.suspend(() =>
      Journal.fold(new Map<string, Status>(), (all, event) => {
        if (event.run === null) return all
        const next = step(all.get(event.run), event)
        return next === undefined ? all : all.set(event.run, next)
      })
    ),
    (all) =>
      [...all.values()].flatMap((each) =>
        line === undefined || each.line === line ? [withChildren(each, (run) => all.get(run))] : []
      )
  )

/** The first status, from now on, that is as asked for; none for a run that the journal has never heard of. */
export const until = (
  run: string,
  isThere: (status: Status) => boolean
): Effect.Effect<Option.Option<Status>, Journal.JournalError, Journal.Journal> =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    const none: { readonly status: Status | undefined; readonly last: number } = { status: undefined, last: 0 }
    let { last, status } = yield* Stream.runFold(
      journal.read({ run }),
      () => none,
      ({ status }, event) => ({ status: step(status, event), last: event.seq })
    )
    while (status !== undefined && !isThere(status)) {
      for (const event of yield* journal.next({ after: last, run })) {
        last = event.seq
        status = step(status, event)
        if (status !== undefined && isThere(status)) break
      }
    }
    return Option.fromUndefinedOr(status)
  })
