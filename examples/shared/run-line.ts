/** What is said of a run in a few words: where it stands, since when, how far it is and what it used up. */
import type * as Watch from "@millwright/core/Watch"
import * as Usage from "@millwright/core/Usage"
import type { Colour } from "./screen.ts"
import * as Text from "./text.ts"

const colours: Readonly<Record<string, Colour>> = {
  Running: "cyan",
  Waiting: "yellow",
  Stalled: "red",
  Failed: "red",
  Finished: "green"
}

/** The colour of a status. */
export const colourOf = ({ status }: Watch.Progress): Colour | undefined => colours[status._tag]

/** A run in one line. `now` in milliseconds since 1970. */
export const text = (progress: Watch.Progress, now: number): string =>
  [progress.status.run, standing(progress, { now }), used(progress), progress.status.title]
    .map(Text.oneLine)
    .filter((part) => part !== "")
    .join("  ")

/** The most that is said of a reason, in columns. */
export const mostOfReason = 60

/**
 * Where it stands: what it does, waits for, or came to. Since when it does so is said where there is a `now`. `parts` are
 * its children that are not over.
 */
export const standing = (
  { changedAt, open, startedAt, status }: Watch.Progress,
  { now, parts = [] }: { readonly now?: number; readonly parts?: ReadonlyArray<string> }
): string => {
  const why = (text: string) => Text.fit(Text.oneLine(text), mostOfReason)
  const since = (at: number) => (now === undefined ? "" : `, ${duration(now - at)}`)
  switch (status._tag) {
    case "Waiting": {
      const gates = status.openGates.map((gate) => Text.oneLine(gateName(gate, status.run)))
      const children = status.waitingChildren.map((child) => `its child ${Text.oneLine(child)}`)
      return `Waiting for ${[...gates, ...children].join(", ")}${since(changedAt)}`
    }
    case "Running": {
      const stages = open.map(({ attempt, since: began, stage }) => {
        const again = attempt > 1 ? ` (attempt ${attempt})` : ""
        return `${Text.oneLine(stage)}${again}${since(began)}`
      })
      const [first, ...others] = parts.map(Text.oneLine)
      const child = others.length === 0 ? `its child ${first}` : `its children ${first} and ${others.length} more`
      const doing = [...stages, ...(first === undefined ? [] : [`waits for ${child}`])]
      return `Running${doing.length === 0 ? (status.isUndoing ? ", going back" : " between stages") : `: ${doing.join("; ")}`}`
    }
    case "Stalled":
      return `Stalled${status.stage === null ? "" : ` at ${Text.oneLine(status.stage)}`}: ${why(status.fault.message)}`
    case "Failed":
      return `Failed: ${why(status.fault.message)}`
    case "Parked":
    case "Cancelled":
      return `${status._tag}: ${why(status.reason)}`
    default:
      return `Finished after ${duration(changedAt - startedAt)}`
  }
}

/** The name of a gate in its run: all of its id but the run. */
export const gateName = (gate: string, run: string): string =>
  gate.startsWith(`${run}:`) ? gate.slice(run.length + 1) : gate

/** How far it is, and what that used up. */
export const used = ({ attempts, done, spent }: Watch.Progress): string =>
  [
    `${done.length} ${done.length === 1 ? "stage" : "stages"}`,
    ...(attempts > done.length + 1 ? [`${attempts} attempts`] : []),
    ...costs(spent.bill)
  ].join(", ")

/** What model calls used up; nothing where there were none. */
export const costs = (bill: Usage.Bill): ReadonlyArray<string> =>
  bill.calls === 0 ? [] : [`${Usage.total(bill.usage)} tokens`, money(bill)]

/** What calls cost, and how many of them have no known price. */
export const money = ({ unpriced, usd }: Usage.Bill): string =>
  `$${usd.toFixed(2)}${unpriced === 0 ? "" : ` + ${unpriced} unpriced`}`

/** Milliseconds of work: `8ms`, `3.1s`, and from a minute on as {@link duration}. */
export const took = (milliseconds: number): string =>
  milliseconds < 1_000
    ? `${Math.round(milliseconds)}ms`
    : milliseconds < 60_000
      ? `${(milliseconds / 1_000).toFixed(1)}s`
      : duration(milliseconds)

/** A moment, in milliseconds since 1970: `2026-05-01 14:03:09 UTC`. */
export const moment = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`

/** Milliseconds as a person says them: `5s`, `3m 10s`, `2h 5m`, `9d 4h`. */
export const duration = (milliseconds: number): string => {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000))
  const units: ReadonlyArray<readonly [string, number]> = [
    ["d", 86_400],
    ["h", 3_600],
    ["m", 60],
    ["s", 1]
  ]
  const first = units.findIndex(([, size]) => seconds >= size)
  let rest = seconds
  const parts = units.slice(first === -1 ? 3 : first, first === -1 ? 4 : first + 2).map(([unit, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return { count, text: `${count}${unit}` }
  })
  return parts
    .filter(({ count }, index) => index === 0 || count > 0)
    .map(({ text }) => text)
    .join(" ")
}
