/** A run in one line: where it stands, since when, how far it is and what it used up. */
import type * as Watch from "@millwright/core/Watch"
import * as Usage from "@millwright/core/Usage"
import type { Colour, Piece } from "./screen.ts"
import * as Text from "./text.ts"

const colours: Readonly<Record<string, Colour>> = {
  Running: "cyan",
  Waiting: "yellow",
  Stalled: "red",
  Failed: "red",
  Finished: "green"
}

/** The line, in pieces. `now` in milliseconds since 1970. The name of the run comes first, so that it is cut last. */
export const pieces = (progress: Watch.Progress, now: number): ReadonlyArray<Piece> => {
  const { status } = progress
  const colour = colours[status._tag]
  return [
    { text: `${Text.column(Text.oneLine(status.run), 28)} ` },
    { text: `${status._tag.padEnd(9)} `, ...(colour === undefined ? {} : { colour }) },
    { text: `${where(progress, now)}  ` },
    { text: `${counts(progress)}  `, colour: "dim" },
    { text: Text.oneLine(status.title) }
  ]
}

/** The line, as text. */
export const text = (progress: Watch.Progress, now: number): string =>
  pieces(progress, now)
    .map(({ text }) => text)
    .join("")
    .trimEnd()

/** What it does, waits for, or came to. */
const where = ({ changedAt, open, startedAt, status }: Watch.Progress, now: number): string => {
  switch (status._tag) {
    case "Waiting":
      return `for ${[...status.openGates, ...status.waitingChildren].map(Text.oneLine).join(", ")}, ${duration(now - changedAt)}`
    case "Stalled":
      return `${status.stage === null ? "" : `${Text.oneLine(status.stage)}: `}${Text.fit(Text.oneLine(status.fault.message), 60)}`
    case "Running":
      return open.length === 0
        ? status.isUndoing
          ? "going back"
          : "between stages"
        : open
            .map(
              ({ attempt, since, stage }) =>
                `${Text.oneLine(stage)}${attempt > 1 ? ` (attempt ${attempt})` : ""} ${duration(now - since)}`
            )
            .join(", ")
    default:
      return `after ${duration(changedAt - startedAt)}`
  }
}

const counts = ({ attempts, done, spent }: Watch.Progress): string => {
  const { bill } = spent
  const tokens = Usage.total(bill.usage)
  return [
    `${done.length} ${done.length === 1 ? "stage" : "stages"}`,
    ...(attempts > done.length + 1 ? [`${attempts} attempts`] : []),
    ...(bill.calls === 0 ? [] : [`${tokens} tokens`, money(bill)])
  ].join(", ")
}

/** What calls cost, and how many of them have no known price. */
export const money = ({ unpriced, usd }: Usage.Bill): string =>
  `$${usd.toFixed(2)}${unpriced === 0 ? "" : ` + ${unpriced} unpriced`}`

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
