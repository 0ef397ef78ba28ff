/** What each agent came to, as a table. */
import * as Ledger from "@millwright/core/Ledger"
import * as Text from "@millwright-examples/shared/text"

/** What one agent came to. */
export interface Row {
  readonly agent: string
  /** The case of its outcome, or why there is none. */
  readonly outcome: string
  readonly turns: number
  readonly account: Ledger.Account
  /** In milliseconds, by the clock of this machine. */
  readonly time: number
  readonly isRehearsed: boolean
}

const columns = ["agent", "outcome", "turns", "input", "read", "written", "output", "cost", "time"] as const

const cells = ({ account, agent, isRehearsed, outcome, time, turns }: Row): ReadonlyArray<string> => {
  const { list, usage } = account
  const cost = list.unpriced > 0 ? "unknown" : `$${list.usd.toFixed(4)}`
  return [
    agent,
    outcome,
    `${turns}`,
    ...[usage.input, usage.cacheRead, usage.cacheWrite, usage.output].map(String),
    isRehearsed ? `(${cost})` : cost,
    `${(time / 1_000).toFixed(1)} s`
  ]
}

/** The table. A cost in brackets is that of a rehearsal, which nobody pays. */
export const text = (rows: ReadonlyArray<Row>): string => {
  const lines = [columns, ...rows.map(cells)]
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => Text.width(line[at] ?? ""))))
  return lines
    .map((line) =>
      line
        .map((cell, at) => cell + " ".repeat((widths[at] ?? 0) - Text.width(cell)))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}
