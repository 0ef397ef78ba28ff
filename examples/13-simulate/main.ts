/**
 * A mission of 16 hours and 185 runs, in seconds: its roles are played from a script, in virtual time.
 *
 *     npx -y pnpm@12.18.0 example 13            the mission
 *     npx -y pnpm@12.18.0 example 13 SEED       the same mission with other durations
 *
 * Exit codes: 0 it did what it shall, 1 anything else.
 */
import * as Simulation from "@millwright/core/testing/Simulation"
import * as Effect from "effect/Effect"
import { strict as assert } from "node:assert"
import { simulate } from "./simulate.ts"
import * as Shape from "./shape.ts"

const [seed = "mission"] = process.argv.slice(2)
const began = performance.now()
const report = await Effect.runPromise(simulate(seed))
const seconds = (performance.now() - began) / 1_000
const hours = report.elapsed / 3_600_000
const rows = Shape.of(report)

console.log(Simulation.explain(report))
console.log(`\n${Shape.table(rows)}\n`)
console.log(`Simulated     ${hours.toFixed(2)} hours, ${report.runs.length} runs, ${report.events.length} facts`)
console.log(`Would cost    $${report.spent.bill.usd.toFixed(2)} for ${report.spent.bill.calls} calls`)
console.log(`Took          ${seconds.toFixed(2)} s`)

assert.equal(report.end, "Over", "the mission did not come to its end")
assert.deepEqual(
  Object.fromEntries(rows.map(({ line, runs }) => [line, runs])),
  { Mission: 1, Read: 63, Work: 63, Validate: 27, FixUp: 25, Review: 6 },
  "the mission has another shape"
)
assert.equal(report.runs.length, 185)
assert(hours > 15 && hours < 17, `the mission took ${hours} hours and not about 16`)
assert(
  report.runs.every(({ status }) => status._tag === "Finished"),
  "a run did not finish"
)
