/** What tools cost in tokens, with the index and without: of their definitions, in sessions, at any size, and on the wire. */
import * as Effect from "effect/Effect"
import type * as Bench from "../Bench.ts"
import * as DeferralSweep from "./DeferralSweep.ts"
import * as LoadOnWire from "./LoadOnWire.ts"
import type * as Measure from "./Measure.ts"
import * as Savings from "./Savings.ts"
import * as TokenBill from "./TokenBill.ts"

const notes = [
  "Tokens: o200k_base stands in for the tokenizers of providers. Definitions as they travel; deferred ones count from where they are referred to.",
  "880 tools: the servers of the catalogue come again under other names. 100 tools: whole servers, the middle of 31 draws; min–max is over the draws.",
  "Each need is searched for with a query of the catalogue's, in a turn of its own; where that does not find, the tool is loaded in a second one by the name that the index shows, or searched for within its server.",
  "Sessions of 8 and 6 turns, and turns before what was said: prefix of 10,000, tools, and what searches and loads left, with no conversation of their own. This shape is an assumption.",
  "Real sessions: 95 of a coding agent (benchmarks/data/agent-sessions) with another prefix of 10,000 in the place of theirs; the middle session.",
  "In real sessions, what was said is most of each request; no index can save more than the line 'tools for nothing'.",
  "Cost: what a cache knows is read at 0.1, what it does not is written at 1.25; it is lost where the real session lost it.",
  "auto: 1 to 1,000 tools, prefixes of 2,000 to 50,000, 3 needs in every session. Whether a session will be short is not known when it begins."
]

/** Of the index against all definitions. */
const definitions = Effect.fnUntraced(function* (data: Savings.Data, count: number) {
  const { index, upfront } = yield* Savings.ofIndex(data, count)
  const value = Math.round(10 * TokenBill.saved(upfront, index)) / 10
  return [
    { name: `all definitions of ${count} tools`, value: upfront, unit: "tokens" },
    { name: `the index of ${count} tools, and what searches it`, value: index, unit: "tokens" },
    { name: `index against definitions, ${count} tools`, value, unit: "% less", goal: { op: ">=", value: 94 } }
  ] satisfies ReadonlyArray<Bench.Measured>
})

/** The figures. */
export const measure: Measure.Measure = ({ note, part, progress, queries }) => {
  const data = { catalog: part.tools, queries }
  notes.forEach(note)
  return Effect.gen(function* () {
    const figures: Array<Bench.Measured> = []
    for (const count of [part.tools.length, 880]) figures.push(...(yield* definitions(data, count)))
    progress("tokens: sessions")
    figures.push(...(yield* Savings.ofSessions(data)))
    progress("tokens: auto")
    figures.push(...(yield* DeferralSweep.figures(data)))
    progress("tokens: on the wire")
    figures.push(...(yield* LoadOnWire.figures(data)))
    return figures
  }).pipe(Effect.scoped, Effect.runPromise)
}
