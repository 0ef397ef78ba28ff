/** Runs in a table, one a line, children below the runs that started them. */
import * as Status from "@millwright/core/Status"
import type * as Watch from "@millwright/core/Watch"
import * as RunLine from "./run-line.ts"
import type { Colour, Piece } from "./screen.ts"
import * as Text from "./text.ts"

/** What a table is made with. */
export interface Options {
  /** Milliseconds since 1970. */
  readonly now: number
  /** Every run that there is, also those that are not shown: parents wait for them. Default: those that are shown. */
  readonly all?: ReadonlyArray<Watch.Progress>
  /** How wide it may be; without it, nothing is cut. */
  readonly columns?: number
}

type Line = ReadonlyArray<Piece>

interface Row {
  readonly progress: Watch.Progress
  /** How many runs stand above it, up to the one that nobody started. */
  readonly depth: number
  readonly now: number
  readonly parts: ReadonlyArray<string>
}

interface Column {
  readonly head: string
  readonly text: (row: Row) => string
  readonly colour?: (row: Row) => Colour | undefined
  /** How much of the width it gets at the most, where there is not enough for all. */
  readonly share?: number
  readonly fit?: typeof Text.fit
}

const table: ReadonlyArray<Column> = [
  {
    head: "RUN",
    text: ({ depth, progress }) => "  ".repeat(depth) + Text.oneLine(progress.status.run),
    share: 0.45,
    // The end of a name is what tells the runs of an item apart.
    fit: Text.fitEnd
  },
  {
    head: "STATUS",
    text: ({ now, parts, progress }) => RunLine.standing(progress, { now, parts }),
    colour: ({ progress }) => RunLine.colourOf(progress),
    share: 0.35
  },
  { head: "AGE", text: ({ now, progress }) => RunLine.duration(now - progress.startedAt) },
  { head: "LINE", text: ({ progress }) => Text.oneLine(progress.status.line) },
  { head: "PARENT", text: ({ progress }) => Text.oneLine(progress.status.parent?.run ?? "") },
  { head: "USED", text: ({ progress }) => RunLine.used(progress), colour: () => "dim" },
  { head: "TITLE", text: ({ progress }) => Text.oneLine(progress.status.title) }
]

/** The head of the table and its lines. The columns are as wide as what stands in them; an empty one is left out. */
export const make = (
  runs: ReadonlyArray<Watch.Progress>,
  { all = runs, columns = Infinity, now }: Options
): { readonly head: Line; readonly lines: ReadonlyArray<Line> } => {
  const parts = Map.groupBy(
    all.filter(({ status }) => !Status.isEnded(status)),
    ({ status }) => status.parent?.run
  )
  const rows = arranged(runs).map(({ depth, progress }) => {
    const own = parts.get(progress.status.run) ?? []
    return { depth, progress, now, parts: own.map(({ status }) => status.run) }
  })
  const laid = table.flatMap(({ colour = () => undefined, fit = Text.fit, head, share = Infinity, text }) => {
    const cells = rows.map(text)
    const widest = cells.reduce((most, cell) => Math.max(most, Text.width(cell)), 0)
    const width = Math.min(Math.max(widest, head.length), Math.floor(columns * share))
    const piece = (text: string, colour: Colour | undefined): Piece => ({
      text: `${Text.column(fit(text, width), width)}  `,
      ...(colour === undefined ? {} : { colour })
    })
    return widest === 0
      ? []
      : [{ head: piece(head, "dim"), pieces: rows.map((row, at) => piece(cells[at] ?? "", colour(row))) }]
  })
  return {
    head: trimmed(laid.map(({ head }) => head)),
    lines: rows.map((_, at) => trimmed(laid.flatMap(({ pieces }) => pieces[at] ?? [])))
  }
}

/** Without blanks at the end, or a terminal that is too narrow would show that these are cut off. */
const trimmed = (line: Line): Line =>
  line.map((piece, index) => (index === line.length - 1 ? { ...piece, text: piece.text.trimEnd() } : piece))

/** Children right below their parents; those whose parent is not shown stand for themselves. */
const arranged = (runs: ReadonlyArray<Watch.Progress>) => {
  const names = new Set(runs.map(({ status }) => status.run))
  const below = Map.groupBy(runs, ({ status }) =>
    status.parent !== null && names.has(status.parent.run) ? status.parent.run : undefined
  )
  const from = (parent: string | undefined, depth: number): ReadonlyArray<Pick<Row, "progress" | "depth">> =>
    (below.get(parent) ?? []).flatMap((progress) => [{ progress, depth }, ...from(progress.status.run, depth + 1)])
  return from(undefined, 0)
}
