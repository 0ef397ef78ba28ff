/** What calls of models cost, in a table and in words for what the table can not say. */
import * as Ledger from "@millwright/core/Ledger"
import * as Usage from "@millwright/core/Usage"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Text from "./text.ts"

/** What is asked for: everything, or a run with its children, or an item; and what it is told apart by. */
export interface Asked {
  readonly what: Option.Option<string>
  readonly by: Option.Option<Ledger.Dimension>
}

/** What something cost. `tookOver` is what its run has from a run that it was forked from. */
export interface Cost {
  readonly of: string | null
  readonly by: Ledger.Dimension
  readonly rows: ReturnType<typeof Ledger.by>
  readonly total: Ledger.Account
  readonly children: ReadonlyArray<string>
  readonly tookOver: Ledger.Account | null
  /** Runs that were pruned before their cost was written down. */
  readonly unknownRuns: ReadonlyArray<string>
}

/** The names of the runs and items in a ledger. */
export const names = (ledger: Ledger.Ledger): ReadonlyArray<string> => {
  const runs = [...HashMap.values(ledger.runs)]
  return [...new Set([...runs.map(({ run }) => run), ...runs.flatMap(({ item }) => item ?? [])])].sort()
}

/** What is asked for; nothing where the ledger has nothing of that name. */
export const of = (ledger: Ledger.Ledger, { by, what }: Asked): Cost | undefined => {
  const all = Ledger.charges(ledger)
  const name = Option.getOrUndefined(what)
  const lost = Ledger.unknownRuns(ledger)
  const made = (charges: ReadonlyArray<Ledger.Charge>, usual: Ledger.Dimension, unknown: typeof lost) => {
    const dimension = Option.getOrElse(by, () => usual)
    const rows = Ledger.by(charges, dimension)
    const cost = { of: name ?? null, by: dimension, rows, total: Ledger.total(charges) }
    return { ...cost, children: [], tookOver: null, unknownRuns: unknown.map(({ run }) => run) }
  }
  if (name === undefined) return made(all, "item", lost)
  if (HashMap.has(ledger.runs, name)) {
    const family = Ledger.family(ledger, name)
    const isIn = ({ run }: { readonly run: string | null }) => run !== null && family.has(run)
    const taken = Ledger.takenOver(ledger, name)
    return {
      ...made(all.filter(isIn), "stage", lost.filter(isIn)),
      children: [...family].filter((run) => run !== name),
      tookOver: taken.length === 0 ? null : Ledger.total(taken)
    }
  }
  const isOf = ({ item }: { readonly item: string | null }) => item === name
  return names(ledger).includes(name) ? made(all.filter(isOf), "run", lost.filter(isOf)) : undefined
}

const dollars = (usd: number) => `$${usd.toFixed(4)}`
const calls = (count: number) => `${count} ${count === 1 ? "call" : "calls"}`
const percent = (share: number | undefined) => (share === undefined ? "" : `${(100 * share).toFixed(1)} %`)

/** The table, in lines, with what has to be known to read it. */
export const lines = (cost: Cost): ReadonlyArray<string> => {
  const { by, rows, total } = cost
  if (total.calls + total.broken.calls === 0) return ["No model was called.", ...notes(cost)]
  const isPaidOtherwise = total.list.usd !== total.paid.usd
  const cells = (name: string, account: Ledger.Account) => [
    name,
    String(account.calls),
    ...[account.usage.input, account.usage.cacheRead, account.usage.cacheWrite, account.usage.output].map(String),
    percent(Ledger.cacheShare(account)),
    ...(isPaidOtherwise ? [dollars(account.list.usd)] : []),
    dollars(account.paid.usd),
    unknown(account)
  ]
  const head = [by === "paidBy" ? "PAID BY" : by.toUpperCase(), "CALLS", "INPUT", "CACHE READ", "CACHE WRITE", "OUTPUT"]
  const table = [
    [...head, "CACHED", ...(isPaidOtherwise ? ["LIST PRICE"] : []), "PAID", "NOT KNOWN"],
    ...rows.map(({ account, name }) => cells(name === null ? "(none)" : Text.oneLine(name), account)),
    ...(rows.length > 1 ? [cells("all", total)] : [])
  ]
  const isEmpty = table.slice(1).every((row) => row.at(-1) === "")
  return [...aligned(isEmpty ? table.map((row) => row.slice(0, -1)) : table), ...notes(cost)]
}

const unknown = ({ broken, paid }: Ledger.Account) =>
  [
    ...(paid.unpriced === 0 ? [] : [`${paid.unpriced} unpriced`]),
    ...(broken.calls === 0 ? [] : [`${broken.calls} broken off`])
  ].join(", ")

/** Names to the left, numbers to the right. */
const aligned = (table: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const last = table[0]?.at(-1) === "NOT KNOWN" ? (table[0].length ?? 0) - 1 : -1
  const width = (column: number) => Math.max(...table.map((row) => Text.width(row[column] ?? "")))
  const widths = (table[0] ?? []).map((_, column) => width(column))
  return table.map((row) =>
    row
      .map((cell, column) => {
        const rest = " ".repeat(Math.max(0, (widths[column] ?? 0) - Text.width(cell)))
        return column === 0 || column === last ? cell + rest : rest + cell
      })
      .join("  ")
      .trimEnd()
  )
}

const notes = ({ children, tookOver, total, unknownRuns }: Cost): ReadonlyArray<string> => {
  const { broken, list, paid, rehearsed } = total
  const said = [
    ...(children.length === 0 ? [] : [`With what its children cost: ${children.map(Text.oneLine).join(", ")}.`]),
    ...(tookOver === null
      ? []
      : [
          `It took over what cost ${dollars(tookOver.paid.usd)} in the run that it was forked from, and is counted there.`
        ]),
    ...(paid.unpriced === 0 ? [] : [`${calls(paid.unpriced)} without a known price: what they cost is in no sum.`]),
    ...(broken.calls === 0
      ? []
      : [
          `${broken.calls} ${broken.calls === 1 ? "answer" : "answers"} broke off and are billed: at least ` +
            `${Usage.total(broken.usage)} tokens and ${dollars(broken.usd)} more. Nobody knows the rest.`
        ]),
    ...(list.usd === paid.usd
      ? []
      : [`What a subscription pays costs nothing more; the list price says what it would be.`]),
    ...(rehearsed === 0
      ? []
      : [`${calls(rehearsed)} rehearsed: that is what it would have cost, and nothing was charged.`]),
    ...(unknownRuns.length === 0
      ? []
      : [`Pruned before its cost was written down, and in no sum: ${unknownRuns.map(Text.oneLine).join(", ")}.`])
  ]
  return said.length === 0 ? [] : ["", ...said]
}
