/** Figures of the people in the loop: how often they were needed, why, and how much of their time it took. */
import * as Intervention from "@millwright/core/Intervention"
import * as Usage from "@millwright/core/Usage"
import * as HashMap from "effect/HashMap"
import * as Figure from "../Figure.ts"
import * as Window from "../Window.ts"
import * as HumanTally from "./HumanTally.ts"
import * as Lifespan from "./Lifespan.ts"
import * as Parts from "./Parts.ts"
import * as RunTally from "./RunTally.ts"
import type * as Scene from "./Scene.ts"
import * as SpendRows from "./SpendRows.ts"

const hour = Window.hour

/** Runs that were pruned and say how often people were needed, and every intervention that is not counted there. */
const apart = ({ entries, runs }: Pick<Scene.Scene, "entries" | "runs">) => {
  const pruned = runs.flatMap((run) =>
    RunTally.isLost(run) && run.people !== null ? [{ run: run.run, at: run.prunedAt, ...run.people }] : []
  )
  const counted = new Map(pruned.map(({ run, seq }) => [run, seq]))
  return { pruned, others: entries.filter(({ known: { run }, seq }) => seq > (counted.get(run) ?? -1)) }
}

/** Interventions that have all of this in common. */
interface Counted {
  readonly kind: string
  readonly cause: string
  readonly stage: string
  readonly count: number
}

/** How often people were needed. */
export const interventions = (scene: Scene.Scene) => {
  const { levelOf, shipped, window } = scene
  const { others, pruned } = apart(scene)
  const opened: ReadonlyArray<Counted> = [
    ...others.flatMap(({ known: { cause, kind, openedAt, stage } }) =>
      Window.has(window, openedAt) ? [{ kind, cause, stage: SpendRows.stageOf(stage) ?? "(none)", count: 1 }] : []
    ),
    ...pruned.flatMap(({ at, sums }) =>
      Window.has(window, at) ? sums.map((sum) => ({ ...sum, stage: "(pruned)" })) : []
    )
  ]
  const unknown = shipped.filter((change) => levelOf(change) === "unknown").length
  const of = (all: ReadonlyArray<Counted>, unknown = 0) =>
    Figure.ratio(
      all.reduce((sum, { count }) => sum + count, 0),
      shipped.length,
      unknown
    )
  const all = of(opened, unknown)
  const per = (nameOf: (one: Counted) => string) => Parts.by(opened, nameOf, (own) => of(own))
  return {
    interventions: { ...all, parts: per(({ kind }) => kind) },
    interventionsByCause: { ...all, parts: per(({ cause }) => Intervention.classOf(cause)) },
    interventionsByStage: { ...all, parts: per(({ stage }) => stage) }
  }
}

/** How long work waited for people, and how much of that they worked. */
export const time = ({ entries, eye, window }: Scene.Scene) => {
  const opened = entries.filter(({ known }) => Window.has(window, known.openedAt))
  const spans = opened.flatMap((entry): ReadonlyArray<Lifespan.Lifespan> => {
    const { answered, kind, openedAt } = HumanTally.asOf(entry, eye)
    if (answered !== null) return answered.waited === null ? [] : [{ time: answered.waited / hour, isOver: true }]
    // Whoever has taken work over is at it, and nothing waits for them.
    if (kind === "takeover") return []
    const last = Math.min(eye, entry.withdrawnAt ?? eye)
    return [{ time: Math.max(0, last - openedAt) / hour, isOver: false }]
  })
  const closed = closedIn(window, entries)
  const both = closed.flatMap(({ known: { answered } }) => {
    const minutes = minutesOf(answered)
    return minutes === null || answered === null || answered.waited === null
      ? []
      : [{ active: minutes / 60, waited: answered.waited / hour }]
  })
  const sum = (values: ReadonlyArray<number>) => values.reduce(Usage.plus, 0)
  return {
    waiting: Lifespan.ratio(spans, opened.length - spans.length),
    activeShare: Figure.ratio(
      sum(both.map(({ active }) => active)),
      sum(both.map(({ waited }) => waited)),
      closed.length - both.length
    )
  }
}

/** Measured hours of people's work in a window, and how many interventions and runs there are of which nobody knows them. */
export const hours = (scene: Pick<Scene.Scene, "entries" | "eye" | "lost" | "runs" | "window">) => {
  const { eye, lost, window } = scene
  const { others, pruned } = apart(scene)
  const told = pruned.filter(({ at }) => Window.has(window, at))
  const sums = told.flatMap(({ sums }) => sums)
  const closed = closedIn(window, others)
  const minutes = closed.map(({ known }) => minutesOf(known.answered))
  const known = [...minutes, ...sums.map(({ activeMinutes }) => activeMinutes)]
  const open = others.filter((entry) => {
    const { answered, openedAt, withdrawn } = HumanTally.asOf(entry, eye)
    return openedAt <= eye && answered === null && withdrawn !== true
  })
  return {
    hours: known.reduce((sum: number, each) => Usage.plus(sum, (each ?? 0) / 60), 0),
    unknown:
      minutes.filter((each) => each === null).length +
      open.length +
      sums.reduce((sum, { unmeasured }) => sum + unmeasured, 0) +
      (lost - told.length)
  }
}

const closedIn = (window: Window.Window, entries: ReadonlyArray<HumanTally.Entry>) =>
  entries.filter(({ known }) => Window.has(window, known.answered?.at))

/** Where the time ran out nobody worked. Less than no time is none that anybody measured. */
const minutesOf = (answered: HumanTally.Entry["known"]["answered"]): number | null => {
  if (answered?.timedOut === true) return 0
  const minutes = answered?.activeMinutes ?? null
  return minutes !== null && minutes >= 0 ? minutes : null
}

/** Whether causes that were removed came again. */
export const recurrence = ({ entries, eye, runs, tally, window }: Scene.Scene): Parts.Unnamed => {
  const times = Map.groupBy(entries, ({ known }) => known.cause)
  const all = [...HashMap.entries(tally.human.removed)].flatMap(([cause, removals]) => {
    const removal = removals.findLast(({ at }) => at < window.to)
    if (removal === undefined) return []
    const opened = (times.get(cause) ?? []).map(({ known }) => known.openedAt).filter((at) => at <= eye)
    const again = opened.filter((at) => at > removal.at).length
    const isRunning = runs.some(({ startedAt }) => startedAt !== null && isIn(startedAt, removal.at, eye))
    const isTried = again > 0 || (opened.length > 0 && isRunning)
    return [{ name: `${cause} (${removal.fix})`, again, count: opened.length, isTried }]
  })
  const tried = all.filter(({ isTried }) => isTried)
  const parts = all.map(({ again, count, isTried, name }) => ({
    name,
    ...Figure.ratio(again, count, isTried ? 0 : 1)
  }))
  return {
    ...Figure.ratio(tried.filter(({ again }) => again > 0).length, tried.length, all.length - tried.length),
    parts: parts.sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}

const isIn = (at: number, after: number, last: number) => at > after && at <= last
