import { assert, describe, it } from "@effect/vitest"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll } from "vitest"
import * as Child from "./Child.ts"

const main = fileURLToPath(new URL("../line.ts", import.meta.url))
let folder: string

const usage = { input: 10, cacheRead: 80, cacheWrite: 10, output: 7 }
const call = { provider: "p", model: "m", usage, cost: Usage.known(1), rehearsed: false }
const fault = { tag: "ModelError", reason: "Disconnected", message: "It broke off.", retryable: true }
const of = (run: string, fact: FactoryEvent.Fact, role = "Implement"): FactoryEvent.Entry => ({
  ...{ at: 1, line: "Fix", run, item: run.split(".")[0] ?? "", stage: "implement", fact },
  actor: { _tag: "Agent", role }
})
const called = (more: Partial<Extract<FactoryEvent.Fact, { readonly _tag: "ModelCalled" }>> = {}) =>
  ({ _tag: "ModelCalled", latency: 1, ...call, ...more }) as const
const started = (run: string, more: object = {}) =>
  of(run, { _tag: "LineStarted", title: run, execution: run, start: run, ...more })

const facts: ReadonlyArray<FactoryEvent.Entry> = [
  started("one.1"),
  started("two.1", { parent: { run: "one.1", stage: "child" } }),
  of("one.1", called()),
  of("one.1", called({ model: "small" }), "Implement/explorer\u001b[2J"),
  of("two.1", called({ cost: Usage.unknown("no table") })),
  of("two.1", called({ paidBy: "subscription" })),
  of("two.1", { _tag: "ModelFailed", model: "m", fault, delay: null, billed: call }),
  started("one.2", { forkOf: { run: "one.1", before: "review", took: ["implement"] } }),
  of("three.1", { _tag: "RunPruned", title: "three", facts: 9 })
]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "millwright-cost-"))
  await Effect.flatMap(Journal.Journal, ({ append }) => append(facts)).pipe(
    Effect.provide(Layer.provide(SqliteJournal.layer, Sqlite.layer({ path: join(folder, "factory.db") }))),
    Effect.runPromise
  )
})
afterAll(() => {
  Child.endAll()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

const cost = (...args: ReadonlyArray<string>) =>
  Child.start(process.execPath, [main, "cost", ...args, "--store", folder], { cwd: folder }).ended

const printed = async (...args: ReadonlyArray<string>) => {
  const { code, stderr, stdout } = await cost(...args)
  assert.strictEqual(code, 0, stderr)
  return stdout
}

describe("line cost", () => {
  it("shows what each item cost, and what of it nobody knows", async () => {
    assert.strictEqual(
      await printed(),
      `ITEM  CALLS  INPUT  CACHE READ  CACHE WRITE  OUTPUT  CACHED  LIST PRICE     PAID  NOT KNOWN
one       2     20         160           20      14  80.0 %     $2.0000  $2.0000
two       2     20         160           20      14  80.0 %     $1.0000  $0.0000  1 unpriced, 1 broken off
all       4     40         320           40      28  80.0 %     $3.0000  $2.0000  1 unpriced, 1 broken off

1 call without a known price: what they cost is in no sum.
1 answer broke off and are billed: at least 107 tokens and $1.0000 more. Nobody knows the rest.
What a subscription pays costs nothing more; the list price says what it would be.
Pruned before its cost was written down, and in no sum: three.1.
`
    )
  })

  it("shows a run with its children, and what a fork did not pay for again", async () => {
    const all = await printed("one.1", "--by", "agent")
    assert.include(all, "With what its children cost: two.1.")
    assert.notInclude(all, "\u001b", "a name could steer a terminal")
    assert.match(all, /^Implement +3 /m)
    const fork = await printed("one.2")
    assert.include(fork, "No model was called.")
    assert.include(fork, "It took over what cost $2.0000")
  })

  it("says the same as JSON, and of an item over its runs", async () => {
    const { costs } = JSON.parse(await printed("two", "--json"))
    assert.strictEqual(costs.length, 1)
    assert.deepInclude(costs[0], { of: "two", by: "run" })
    assert.deepStrictEqual(costs[0].total.paid, { usd: 0, unpriced: 1 })
  })

  it("names what is like a name that is not there", async () => {
    const { code, stderr } = await cost("one.9")
    assert.strictEqual(code, 2)
    assert.include(stderr, 'There is no run and no item "one.9" here. Did you mean one, one.1, one.2?')
  })
})
