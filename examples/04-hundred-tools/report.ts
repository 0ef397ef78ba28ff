/** What the example tells. */
import type { Finding, Stats } from "@millwright/context/ToolIndex"
import type * as SavedTools from "@millwright/context/SavedTools"
import type * as Bill from "./bill.ts"

/** The tools by server. */
export const servers = ({ entries, servers, tokens }: Stats): string =>
  [
    ...servers.map(
      ({ name, reason, status, tools }) =>
        `  ${name.padEnd(12)}${String(tools).padStart(4)} tools  ${status}${reason === undefined ? "" : `: ${reason}`}`
    ),
    `  ${"together".padEnd(12)}${String(entries).padStart(4)} tools, ${number(tokens)} tokens of definitions`
  ].join("\n")

/** What to look at before a run. */
export const findings = (all: ReadonlyArray<Finding>): string =>
  all.length === 0 ? "  nothing" : all.map(({ kind, message }) => `  ${kind}: ${message}`).join("\n")

/** The beginning of a text, line by line. */
export const excerpt = (text: string, lines: number): string => {
  const all = text.split("\n")
  const shown = all.slice(0, lines).map((line) => `  │ ${line.length > 140 ? `${line.slice(0, 139)}…` : line}`)
  return [...shown, ...(all.length > lines ? [`  │ … ${all.length - lines} more lines`] : [])].join("\n")
}

/** One row for each mode. */
export const bills = (rows: ReadonlyArray<{ readonly mode: SavedTools.Mode; readonly bill: Bill.Bill }>): string => {
  const upfront = rows.find(({ mode }) => mode === "upfront")?.bill
  const less = (of: (bill: Bill.Bill) => number, bill: Bill.Bill) =>
    upfront === undefined || bill === upfront ? "" : ` (${percent(saved(of(bill), of(upfront)))})`
  const table = [
    ["mode", "requests", "first prompt", "all prompts", "with a cache", "sent", "changed"],
    ...rows.map(({ bill, mode }) => [
      mode,
      String(bill.requests),
      `${number(bill.first)}${less(({ first }) => first, bill)}`,
      `${number(bill.tokens)}${less(({ tokens }) => tokens, bill)}`,
      `${number(bill.cached)}${less(({ cached }) => cached, bill)}`,
      `${number(Math.round(bill.bytes / 1024))} KiB`,
      `${bill.changed} bytes`
    ])
  ]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  return table
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd())
    .join("\n")
}

/** The share that was saved. */
export const saved = (now: number, before: number): number => 1 - now / before

const percent = (share: number): string => `${share < 0 ? "+" : "−"}${Math.abs(100 * share).toFixed(1)} %`

const number = (value: number): string => value.toLocaleString("en")
