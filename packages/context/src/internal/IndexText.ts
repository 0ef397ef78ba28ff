/** What a model reads of an index: as much about each tool as a budget allows, in an order that only depends on the entries. */
import * as TokenBudget from "../TokenBudget.ts"
import type { Entry } from "../ToolEntry.ts"
import type { ServerStats } from "../ToolIndex.ts"
import * as EntryName from "./EntryName.ts"

/** What of a server's instructions is shown, in characters. */
const instructionsShown = 300

/** The text. Servers without entries are left out, except those that are still waited for. */
export const render = (entries: ReadonlyArray<Entry>, servers: ReadonlyArray<ServerStats>, budget: number): string => {
  const of = Map.groupBy(entries, ({ server }) => server)
  const groups = servers
    .map((server) => ({ server, tools: of.get(server.name) ?? [] }))
    .filter(({ server, tools }) => tools.length > 0 || server.status === "waiting")
    .sort((a, b) => order(a.server.name, b.server.name))
    .map(({ server, tools }) => ({ server, tools: tools.toSorted((a, b) => order(a.name, b.name)) }))
  // A name takes more than half a token: what can not fit is not written.
  for (const tier of entries.length > 2 * budget ? [] : [sentences, names]) {
    const text = groups.flatMap(tier).join("\n")
    if (TokenBudget.estimate(text) <= budget) return text
  }
  return bounded(groups.map(serverLine), budget)
}

interface Group {
  readonly server: ServerStats
  readonly tools: ReadonlyArray<Entry>
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const sentences = ({ server, tools }: Group): ReadonlyArray<string> => [
  heading(server, tools.length, about(server)),
  ...tools.map(({ id, line }) => `- ${id}: ${line}`)
]

const names = ({ server, tools }: Group): ReadonlyArray<string> => [
  heading(server, tools.length, about(server)),
  tools.map(({ id, server }) => id.slice(server.length + 1)).join(", ")
]

const serverLine = ({ server, tools }: Group): string =>
  heading(server, tools.length, EntryName.line(server.description || server.instructions, []))

const about = ({ instructions }: ServerStats): string => EntryName.cut(EntryName.plain(instructions), instructionsShown)

const heading = ({ name, status }: ServerStats, count: number, about: string): string => {
  const state =
    status === "waiting" ? "not there yet" : `${count}${status === "stale" ? ", does not answer at present" : ""}`
  return `## ${name} (${state})${about === "" ? "" : `: ${about}`}`
}

/** The first lines that fit, and how many do not. */
const bounded = (lines: ReadonlyArray<string>, budget: number): string => {
  const whole = lines.join("\n")
  if (TokenBudget.estimate(whole) <= budget) return whole
  const kept: Array<string> = []
  let tokens = TokenBudget.estimate(rest(lines.length))
  for (const line of lines) {
    tokens += TokenBudget.estimate(`${line}\n`)
    if (tokens > budget) return [...kept, rest(lines.length - kept.length)].join("\n")
    kept.push(line)
  }
  return whole
}

const rest = (count: number): string => `… and ${count} more servers: search finds their tools.`
