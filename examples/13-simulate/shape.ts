/** The shape of a simulated mission: how much of what there was, and how long it took. */
import type * as Simulation from "@millwright/core/testing/Simulation"
import * as Usage from "@millwright/core/Usage"

export interface Row {
  readonly line: string
  readonly runs: number
  /** Hours in stages, which may go on side by side. */
  readonly hours: number
  readonly tokens: number
}

/** One row for each line, in the order in which they were first started. */
export const of = ({ runs }: Simulation.Report): ReadonlyArray<Row> => {
  const rows = new Map<string, Row>()
  for (const { spent, status } of runs) {
    const { hours, runs, tokens } = rows.get(status.line) ?? { runs: 0, hours: 0, tokens: 0 }
    rows.set(status.line, {
      line: status.line,
      runs: runs + 1,
      hours: hours + spent.time / 3_600_000,
      tokens: tokens + Usage.total(spent.bill.usage)
    })
  }
  return [...rows.values()]
}

/** The rows as a table. */
export const table = (rows: ReadonlyArray<Row>): string => {
  const line = (cells: readonly [string, string, string, string]) =>
    `  ${cells[0].padEnd(12)}${cells[1].padStart(6)}${cells[2].padStart(9)}${cells[3].padStart(12)}`
  return [
    line(["line", "runs", "hours", "tokens"]),
    ...rows.map(({ hours, line: name, runs, tokens }) =>
      line([name, String(runs), hours.toFixed(1), Math.round(tokens).toLocaleString("en")])
    )
  ].join("\n")
}
