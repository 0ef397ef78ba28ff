/** What an index saves of the tokens that tools cost: of their definitions, of a turn, of a session. */
import * as Effect from "effect/Effect"
import * as Bench from "../Bench.ts"
import * as AgentSessions from "./AgentSessions.ts"
import type * as Catalog from "./Catalog.ts"
import * as Draw from "./Draw.ts"
import * as PlayedSession from "./PlayedSession.ts"
import * as TokenBill from "./TokenBill.ts"

/** What tools are drawn from, and what is asked for. */
export interface Data {
  readonly catalog: ReadonlyArray<Catalog.Tool>
  readonly queries: ReadonlyArray<Catalog.Query>
}

const draws = Array.from({ length: 31 }, (_, draw) => draw + 1)
const modes = ["native", "inline", "bridge"] as const
const percent = "% less"
const prefix = 10_000
const most = 6

/** A session of tools: for each two turns of its own nearly one that searches. */
const toolTask = 8

/** All definitions against the index in their place. */
export const ofIndex = Effect.fnUntraced(function* ({ catalog }: Data, count: number) {
  const index = yield* PlayedSession.index(Draw.tools(catalog, count, 1))
  const upfront = yield* PlayedSession.play({ index, deferral: "never", prefix })
  const native = yield* PlayedSession.play({ index, deferral: "always", mode: "native", prefix })
  return { upfront: upfront.start, index: native.start }
})

const drawn = Effect.fnUntraced(function* ({ catalog, queries }: Data, seed: number) {
  const index = yield* PlayedSession.index(Draw.tools(catalog, 100, seed))
  const upfront = yield* PlayedSession.play({ index, deferral: "never", prefix })
  const needs = Draw.needs(yield* index.list(), { count: most, queries, seed })
  const played = yield* Effect.forEach(modes, (mode) =>
    PlayedSession.play({ index, deferral: "always", mode, prefix, needs })
  )
  return { upfront, played: new Map(modes.map((mode, at) => [mode, played[at] ?? upfront])) }
})

/** Searches for several needs that go out in one turn. */
const together = (needs: TokenBill.Plan["needs"]): TokenBill.Plan["needs"] => {
  const longest = Math.max(0, ...needs.map(({ length }) => length))
  return [Array.from({ length: longest }, (_, at) => needs.reduce((sum, turns) => sum + (turns[at] ?? 0), 0))]
}

/** Of turns and sessions, with 100 tools behind 10,000 tokens: the middle of some draws, and in each of its sessions. */
export const ofSessions = Effect.fnUntraced(function* (data: Data) {
  const all = yield* Effect.forEach(draws, (seed) => drawn(data, seed))
  const real = AgentSessions.read()
  const task = [AgentSessions.silent(toolTask)]
  type Change = (needs: TokenBill.Plan["needs"]) => Partial<TokenBill.Plan>

  const figure = (
    name: string,
    of: keyof TokenBill.Bill,
    {
      change,
      goal,
      mode = "native",
      sessions
    }: {
      readonly sessions: ReadonlyArray<AgentSessions.Session>
      readonly change: Change
      readonly mode?: (typeof modes)[number]
      readonly goal?: number
    }
  ): Bench.Measured => {
    const values = all.map(({ played, upfront }) => {
      const { needs, start } = played.get(mode) ?? upfront
      const plan = { prefix, start, needs, ...change(needs) }
      return Bench.median(
        sessions.map((session) => {
          const before = TokenBill.of(session, { prefix, start: upfront.start, needs: [] })
          return TokenBill.saved(before[of], TokenBill.of(session, plan)[of])
        })
      )
    })
    const measured = { name, unit: percent, ...Bench.middle(values) }
    return goal === undefined ? measured : { ...measured, goal: { op: ">=", value: goal } }
  }
  const three: Change = (needs) => ({ needs: needs.slice(0, 3) })
  const free: Change = () => ({ needs: [], start: 0 })

  return [
    ...modes.map((mode) =>
      figure(`input of a turn, before what was said, ${mode}`, "fixed", {
        sessions: task,
        change: three,
        mode,
        goal: 55
      })
    ),
    ...modes.map((mode) =>
      figure(`whole session of ${toolTask} turns, 3 tools needed, ${mode}`, "tokens", {
        sessions: task,
        change: three,
        mode,
        goal: 35
      })
    ),
    figure("whole session of 6 turns, 3 tools needed, native", "tokens", {
      sessions: [AgentSessions.silent(6)],
      change: three
    }),
    figure("input of a turn, real session, 3 tools needed", "own", { sessions: real, change: three, goal: 55 }),
    figure("input of a turn, real session, tools for nothing", "own", { sessions: real, change: free }),
    figure("whole real session, no tool needed", "tokens", { sessions: real, change: () => ({ needs: [] }) }),
    ...[1, 3, most].map((count) =>
      figure(`whole real session, tools needed: ${count}`, "tokens", {
        sessions: real,
        change: (needs) => ({ needs: needs.slice(0, count) }),
        ...(count === 3 && { goal: 35 })
      })
    ),
    figure("whole real session, 3 searches in one turn", "tokens", {
      sessions: real,
      change: (needs) => ({ needs: together(needs.slice(0, 3)) })
    }),
    ...[1, 3, most].map((count) =>
      figure(`cost of a real session, cached, tools needed: ${count}`, "cost", {
        sessions: real,
        change: (needs) => ({ needs: needs.slice(0, count) })
      })
    ),
    {
      name: "turns that search, for each tool that is needed",
      unit: "turns",
      ...Bench.middle(all.map(({ played }) => (played.get("native")?.needs.flat().length ?? 0) / most))
    }
  ] satisfies ReadonlyArray<Bench.Measured>
})
