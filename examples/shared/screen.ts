/**
 * A **screen**: lines that are drawn again in place. Each picture is one write, and one that did not change is not
 * written, so nothing flickers. The cursor is back when the scope closes, however it does.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Text from "./text.ts"

/** Where it is drawn. */
export type Output = Pick<NodeJS.WriteStream, "columns" | "isTTY" | "rows" | "write">

/** Whether lines can be drawn in place: in a terminal that is not a dumb one. */
export const isLive = (output: Output, environment: NodeJS.ProcessEnv): boolean =>
  output.isTTY && environment["TERM"] !== "dumb"

/** Whether colours are wanted: see no-color.org. */
export const isColoured = (output: Output, environment: NodeJS.ProcessEnv): boolean =>
  isLive(output, environment) && (environment["NO_COLOR"] ?? "") === ""

const codes = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2 } as const
export type Colour = keyof typeof codes

/** Colours a text, which has to be cut before. */
export const paint = (text: string, colour: Colour): string => `\u001b[${codes[colour]}m${text}\u001b[0m`

/** A piece of a line. */
export interface Piece {
  readonly text: string
  readonly colour?: Colour
}

/** Opens a screen. It shows as many lines as the terminal has room for, and says how many are left out. */
export const open = (
  output: Output,
  isColoured: boolean
): Effect.Effect<(lines: ReadonlyArray<ReadonlyArray<Piece>>) => void, never, Scope.Scope> =>
  Effect.gen(function* () {
    let drawn = 0
    let last = ""
    yield* Effect.acquireRelease(
      Effect.sync(() => output.write("\u001b[?25l")),
      () => Effect.sync(() => output.write("\u001b[?25h"))
    )
    return (lines) => {
      // The last column and row stay free, or the terminal would wrap and scroll.
      const columns = Math.max(1, output.columns - 1)
      const room = Math.max(1, output.rows - 1)
      const shown = lines.length <= room ? lines : lines.slice(0, room - 1)
      const rest = lines.length - shown.length
      const all = rest === 0 ? shown : [...shown, [{ text: `… and ${rest} more`, colour: "dim" as const }]]
      const picture = all.map((line) => `${lineOf(line, columns, isColoured)}\u001b[K\n`).join("")
      if (picture === last) return
      // Cursor up to where the last picture began, all new lines, and nothing below them; shown at once (mode 2026).
      const up = drawn === 0 ? "" : `\u001b[${drawn}A`
      output.write(`\u001b[?2026h${up}\r${picture}\u001b[J\u001b[?2026l`)
      drawn = all.length
      last = picture
    }
  })

/** A line as it is written: within its columns, and with its colours where they are wanted. */
export const lineOf = (line: ReadonlyArray<Piece>, columns: number, isColoured: boolean): string => {
  let room = columns
  return line
    .map(({ colour, text }) => {
      const cut = Text.fit(text, room)
      room -= Text.width(cut)
      return colour === undefined || !isColoured || cut === "" ? cut : paint(cut, colour)
    })
    .join("")
}
