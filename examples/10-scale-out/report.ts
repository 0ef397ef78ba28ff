/** What became of the lines, and where they ran: folds over the journal. */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Status from "@millwright/core/Status"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Shipped, stages } from "./line.ts"

/** The end of a process in the middle of its work. */
export interface Death {
  readonly pid: number
  readonly at: number
}

const each = stages.before.length + stages.after.length

/** The report of a demonstration, for a person. */
export const of = Effect.fnUntraced(function* (events: ReadonlyArray<FactoryEvent.FactoryEvent>, death: Death) {
  const moved: Array<string> = []
  const perProcess = new Map<number, number>()
  for (const status of statuses(events)) {
    if (status._tag !== "Finished") continue
    const { ranIn } = yield* Schema.decodeUnknownEffect(Shipped)(status.result)
    for (const pid of ranIn) perProcess.set(pid, (perProcess.get(pid) ?? 0) + 1)
    const from = ranIn.indexOf(death.pid)
    const to = ranIn.slice(from).find((pid) => pid !== death.pid)
    if (from >= 0 && to !== undefined) moved.push(`  ${status.run.padEnd(14)} ${death.pid} → ${to}`)
  }
  const again = repeated(events, death)
  const times = again.map(({ after }) => after).toSorted((a, b) => a - b)
  return [
    `Stages run in each process: ${[...perProcess].map(([pid, count]) => `${pid}: ${count}`).join(", ")}`,
    `Runs that moved from the killed process ${death.pid}:`,
    ...(moved.length === 0 ? ["  none"] : moved),
    `Stages that were in the middle and ran again: ${again.map(({ stage }) => stage).join(", ") || "none"}`,
    times.length === 0
      ? "Nothing was in the middle when it was killed."
      : `Taken over after ${((times[0] ?? 0) / 1000).toFixed(1)} to ${((times.at(-1) ?? 0) / 1000).toFixed(1)} s.`
  ].join("\n")
})

/** What is wrong; empty when everything is as it shall be. */
export const problems = (events: ReadonlyArray<FactoryEvent.FactoryEvent>, lines: number): ReadonlyArray<string> => {
  const found: Array<string> = []
  const all = statuses(events)
  if (all.length !== lines) found.push(`${all.length} runs were started, not ${lines}`)
  for (const { _tag, run } of all) if (_tag !== "Finished") found.push(`${run} is ${_tag}`)
  const finished = new Map<string, number>()
  for (const { fact, run, stage } of events) {
    const key = `${run}/${stage}`
    if (fact._tag === "StageFinished") finished.set(key, (finished.get(key) ?? 0) + 1)
    else if (fact._tag === "StageStarted" && finished.has(key)) found.push(`${key} was finished, and ran again`)
  }
  for (const [key, times] of finished) if (times > 1) found.push(`${key} has ${times} results`)
  // Besides its stages, a run opens one gate.
  if (finished.size !== lines * (each + 1)) {
    found.push(`${finished.size} stages have a result, not ${lines * (each + 1)}`)
  }
  return found
}

/** Stages that had begun when a process died, and began again afterwards. `after` is in milliseconds. */
const repeated = (events: ReadonlyArray<FactoryEvent.FactoryEvent>, { at }: Death) => {
  const open = new Set<string>()
  const again: Array<{ readonly stage: string; readonly after: number }> = []
  for (const event of events) {
    const stage = `${event.run}/${event.stage}`
    if (event.fact._tag === "StageFinished") open.delete(stage)
    if (event.fact._tag !== "StageStarted") continue
    if (open.has(stage) && event.at >= at) again.push({ stage, after: event.at - at })
    open.add(stage)
  }
  return again
}

const statuses = (events: ReadonlyArray<FactoryEvent.FactoryEvent>): ReadonlyArray<Status.Status> => {
  const all = new Map<string, Status.Status>()
  for (const event of events) {
    const next = event.run === null ? undefined : Status.step(all.get(event.run), event)
    if (event.run !== null && next !== undefined) all.set(event.run, next)
  }
  return [...all.values()]
}
