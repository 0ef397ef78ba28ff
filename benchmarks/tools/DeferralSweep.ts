/** Whether `auto` ever costs more than to load all tools from the start: tried over sizes, prefixes, and lengths of sessions. */
import * as ToolSession from "@millwright/context/ToolSession"
import * as Effect from "effect/Effect"
import * as Bench from "../Bench.ts"
import * as AgentSessions from "./AgentSessions.ts"
import * as Draw from "./Draw.ts"
import * as PlayedSession from "./PlayedSession.ts"
import type { Data } from "./Savings.ts"
import * as TokenBill from "./TokenBill.ts"

const counts = [1, 2, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 70, 80, 100, 130, 160, 200, 300, 500, 700, 1_000]
const prefixes = [2_000, 5_000, 10_000, 20_000, 30_000, 50_000]
const draws = [1, 2, 3]
/** How many tools a session needs. It can not need more than it has turns to call them in. */
const needed = 3
const longest = 100

/** One setting, in which `auto` defers. */
interface Cell {
  readonly isCached: boolean
  readonly plan: TokenBill.Plan
  readonly upfront: TokenBill.Plan
}

const cells = Effect.fnUntraced(function* ({ catalog, queries }: Data) {
  const found: Array<Cell> = []
  for (const count of counts) {
    for (const seed of draws) {
      const index = yield* PlayedSession.index(Draw.tools(catalog, count, seed))
      const needs = Draw.needs(yield* index.list(), { count: needed, queries, seed })
      const upfront = yield* PlayedSession.play({ index, deferral: "never", prefix: 0 })
      const deferred = yield* PlayedSession.play({ index, deferral: "always", prefix: 0, needs })
      for (const prefix of prefixes) {
        for (const isCached of [false, true]) {
          const { mode } = yield* ToolSession.make({ index, loading: ["native", "inline"], prefix, isCached })
          // What is not deferred costs what it costs from the start.
          if (mode === "upfront") continue
          found.push({
            isCached,
            plan: { prefix, start: deferred.start, needs: deferred.needs },
            upfront: { prefix, start: upfront.start, needs: [] }
          })
        }
      }
    }
  }
  return found
})

const savedIn = (session: AgentSessions.Session, { isCached, plan, upfront }: Cell): number => {
  const kind = isCached ? "cost" : "tokens"
  const needs = plan.needs.slice(0, session.length - 1)
  return TokenBill.saved(TokenBill.of(session, upfront)[kind], TokenBill.of(session, { ...plan, needs })[kind])
}

/** The figures. */
export const figures = Effect.fnUntraced(function* (data: Data) {
  const tried = yield* cells(data)
  const real = AgentSessions.read()
  const task = AgentSessions.silent(8)
  const lengths = Array.from({ length: longest }, (_, turn) => AgentSessions.grown(real, turn + 1))
  const rounded = (value: number): number => Math.round(value * 100) / 100

  const of = (isCached: boolean): ReadonlyArray<Bench.Measured> => {
    const its = tried.filter((cell) => cell.isCached === isCached)
    const how = isCached ? "cost, cached" : "tokens, uncached"
    const least = (saved: (cell: Cell) => number) => rounded(Math.min(...its.map(saved)))
    const byLength = lengths.map((session) => least((cell) => savedIn(session, cell)))
    const lastLosing = byLength.findLastIndex((saved) => saved < 0)
    const goal = { op: ">=", value: 0 } as const
    return [
      {
        name: `auto, least that the middle real session saves (${how})`,
        value: least((cell) => Bench.median(real.map((session) => savedIn(session, cell)))),
        unit: "% less",
        goal
      },
      {
        name: `auto, least of a session of 8 turns (${how})`,
        value: least((cell) => savedIn(task, cell)),
        unit: "% less",
        goal
      },
      { name: `auto, turns from which no size loses (${how})`, value: lastLosing + 2, unit: "turns" },
      { name: `auto, least of any length from 1 turn on (${how})`, value: Math.min(...byLength), unit: "% less" },
      {
        name: `auto, real sessions that lose, of all sizes (${how})`,
        value: rounded(
          (100 * its.reduce((sum, cell) => sum + real.filter((session) => savedIn(session, cell) < 0).length, 0)) /
            (its.length * real.length)
        ),
        unit: "%"
      }
    ]
  }
  return [...of(false), ...of(true)]
})
