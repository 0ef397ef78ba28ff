/** The time that a run was in its stages, as its facts tell, those of dead processes included. */
import type * as FactoryEvent from "../FactoryEvent.ts"

/** Milliseconds in stages, and the stages that began and did not end, with the time of their first and last sign of life. */
export interface StageTime {
  readonly time: number
  readonly open: ReadonlyMap<string, { readonly from: number; readonly last: number }>
}

/** No stage. */
export const empty: StageTime = { time: 0, open: new Map() }

/** Counts a stage that a process did not live to end, up to its last sign of life. */
const bury = ({ open, time }: StageTime, stage: string): number => {
  const { from, last } = open.get(stage) ?? { from: 0, last: 0 }
  return time + Math.max(0, last - from)
}

/** What was spent in all, when nothing more comes of the stages that are open. */
export const close = (known: StageTime): number =>
  [...known.open.keys()].reduce((time, stage) => bury({ ...known, time }, stage), known.time)

/** What is known after one more event of the run. */
export const step = (known: StageTime, { at, fact, stage }: FactoryEvent.FactoryEvent): StageTime => {
  if (stage === null) return known
  const begun = known.open.get(stage)
  const open = new Map(known.open)
  if (fact._tag === "StageFinished" || fact._tag === "StageFailed") {
    open.delete(stage)
    return { time: known.time + fact.duration, open }
  }
  if (fact._tag === "StageStarted" && fact.attempt === 1) {
    open.set(stage, { from: at, last: at })
    return { time: bury(known, stage), open }
  }
  if (begun !== undefined) open.set(stage, { ...begun, last: at })
  return { time: known.time, open }
}
