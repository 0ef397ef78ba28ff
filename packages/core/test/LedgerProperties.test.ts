import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type * as FactoryEvent from "../src/FactoryEvent.ts"
import * as Charge from "../src/internal/Charge.ts"
import * as Spending from "../src/internal/Spending.ts"
import * as Ledger from "../src/Ledger.ts"
import * as Usage from "../src/Usage.ts"
import { called } from "./Ledgers.ts"

const some = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const Tokens = Schema.Struct({ input: some(1e6), cacheRead: some(1e6), cacheWrite: some(1e6), output: some(1e6) })
const Cost = Schema.Union([some(1e7), Schema.Null])
const Drawn = Schema.Array(
  Schema.Struct({
    run: some(3),
    role: Schema.Literals(["Implement", "Implement/explorer", "Review"]),
    model: Schema.Literals(["small", "large"]),
    paidBy: Usage.PaidBy,
    usage: Tokens,
    /** In ten-millionths of a dollar. */
    cost: Cost,
    broken: Schema.Boolean,
    /** Few names, so that some come twice. */
    message: Schema.Union([some(20), Schema.Null])
  })
)

const eventsOf = (drawn: typeof Drawn.Type): ReadonlyArray<FactoryEvent.FactoryEvent> =>
  drawn.map(({ cost, message, run, ...rest }, index) =>
    called(index + 1, {
      ...rest,
      ...{ run: `issue-${run}.1`, item: `issue-${run}` },
      cost: cost === null ? Usage.unknown("no table") : Usage.known(cost / 1e7),
      ...(message !== null && { message: `msg_0123456789_${message}` })
    })
  )

const folded = (events: Iterable<FactoryEvent.FactoryEvent>) => [...events].reduce(Ledger.step, Ledger.empty)
const sum = (ledger: Ledger.Ledger) => Ledger.total(Ledger.charges(ledger))
const perRun = (events: ReadonlyArray<FactoryEvent.FactoryEvent>) => [...Map.groupBy(events, ({ run }) => run).values()]

/** The same facts, those of each run in their order, the runs in another. */
const interleaved = (events: ReadonlyArray<FactoryEvent.FactoryEvent>, order: ReadonlyArray<number>) => {
  const runs = perRun(events).map((own) => [...own])
  const turns = order.flatMap((turn) => runs[turn % Math.max(1, runs.length)]?.shift() ?? [])
  return [...turns, ...runs.reverse().flat()]
}

const dimensions = ["item", "line", "run", "stage", "role", "agent", "provider", "model", "paidBy"] as const

describe("The ledger of a journal", () => {
  it.prop("is that of its runs together, however they are grouped", [Drawn], ([drawn]) => {
    const events = eventsOf(drawn)
    const parts = perRun(events).map(folded)
    assert.deepStrictEqual(sum(parts.reduce(Ledger.merge, Ledger.empty)), sum(folded(events)))
    assert.deepStrictEqual(sum(parts.reduceRight(Ledger.merge, Ledger.empty)), sum(folded(events)))
  })

  it.prop(
    "does not depend on the order of facts of different runs",
    [Drawn, Schema.Array(some(100))],
    ([drawn, order]) => {
      const events = eventsOf(drawn)
      const other = Ledger.charges(folded(interleaved(events, order)))
      for (const dimension of dimensions) {
        assert.deepStrictEqual(
          Ledger.by(other, dimension),
          Ledger.by(Ledger.charges(folded(events)), dimension),
          dimension
        )
      }
    }
  )

  it.prop("is not changed by facts that come again", [Drawn, some(50)], ([drawn, from]) => {
    const events = eventsOf(drawn)
    assert.deepStrictEqual(sum(folded([...events, ...events.slice(from)])), sum(folded(events)))
  })

  it.prop("adds up exactly by whatever it is told apart", [Drawn], ([drawn]) => {
    const unnamed = drawn.map((call) => ({ ...call, message: null }))
    const events = eventsOf(unnamed)
    const ledger = folded(events)
    const all = sum(ledger)
    const tokens = unnamed.filter(({ broken }) => !broken).map(({ usage }) => usage)
    assert.deepStrictEqual(all.usage, tokens.reduce(Usage.add, Usage.zero), "a token was lost, or came from nowhere")
    const paid = unnamed.map(({ broken, cost, paidBy }) => (broken || paidBy !== "key" ? 0 : (cost ?? 0)))
    assert.strictEqual(all.paid.usd, paid.reduce((one, other) => one + other, 0) / 1e7)
    for (const dimension of dimensions) {
      const parts = Ledger.by(Ledger.charges(ledger), dimension).map(({ account }) => Ledger.bill(account))
      assert.deepStrictEqual(parts.reduce(Usage.addBill, Usage.emptyBill), Ledger.bill(all), dimension)
    }
    const budget = events.map(({ fact }) => fact).reduce(Spending.charge, Usage.emptyBill)
    assert.deepStrictEqual(budget, Ledger.bill(all), "a budget counts something else")
    const place = { item: null, line: null, run: null, at: 0, seq: 0 }
    const kept = Charge.sums(Ledger.charges(ledger)).map((charge) => ({ ...charge, ...place }))
    assert.deepStrictEqual(Ledger.total(kept), all, "what is written down of a pruned run is not what it had cost")
  })
})
