/** What happened to a run between two looks at it, told in a few words for each thing. */
import * as Status from "@millwright/core/Status"
import type * as Watch from "@millwright/core/Watch"
import * as RunLine from "./run-line.ts"
import * as Text from "./text.ts"

/** What is told. Where there was no look before, where the run stands. */
export const told = (before: Watch.Progress | undefined, now: Watch.Progress): ReadonlyArray<string> => {
  const standing = RunLine.standing(now, {})
  if (before === undefined) {
    const isNew = now.attempts === 0 && now.status._tag === "Running"
    return [`${isNew ? "Started" : standing}: ${Text.oneLine(now.status.title)}`]
  }
  const done = now.done.filter((stage) => !before.done.includes(stage))
  const since = (stage: string) => before.open.find((each) => each.stage === stage)?.since ?? now.changedAt
  const after = (stage: string) => RunLine.took(now.changedAt - since(stage))
  const forgotten = before.done.filter((stage) => !now.done.includes(stage))
  const gone = before.open.filter(
    ({ stage }) => !now.open.some((each) => each.stage === stage) && !now.done.includes(stage)
  )
  const begun = now.open.filter(
    ({ attempt, stage }) => !before.open.some((each) => each.stage === stage && each.attempt === attempt)
  )
  const answered = Status.isEnded(now.status)
    ? []
    : before.status.openGates.filter((gate) => !now.status.openGates.includes(gate))
  const isOther =
    now.status._tag !== before.status._tag ||
    now.status.openGates.some((gate) => !before.status.openGates.includes(gate))
  return [
    ...(forgotten.length === 0 ? [] : [`Went back, and forgot ${forgotten.map(Text.oneLine).join(", ")}`]),
    ...gone.map(({ stage }) => `${Text.oneLine(stage)} ended without a result after ${after(stage)}`),
    ...done.map((stage) => `${Text.oneLine(stage)} done in ${after(stage)}; in all ${RunLine.used(now)}`),
    ...answered.map((gate) => `${Text.oneLine(RunLine.gateName(gate, now.status.run))} is closed`),
    ...begun.map(({ attempt, stage }) => `${Text.oneLine(stage)} begins${attempt > 1 ? `, attempt ${attempt}` : ""}`),
    ...(isOther && now.status._tag !== "Running" ? [`${standing}; in all ${RunLine.used(now)}`] : [])
  ]
}
