import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqliteEngine from "../src/adapters/SqliteEngine.ts"
import * as SqliteJournal from "../src/adapters/SqliteJournal.ts"
import * as Budget from "../src/Budget.ts"
import * as Journal from "../src/Journal.ts"
import * as Ledger from "../src/Ledger.ts"
import * as Line from "../src/Line.ts"
import * as Retention from "../src/Retention.ts"
import * as Sqlite from "../src/Sqlite.ts"
import * as Stage from "../src/Stage.ts"
import * as Usage from "../src/Usage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, count, item, test } from "./FactoryStore.ts"

const fact = {
  model: "m",
  provider: "p",
  usage: { input: 1, cacheRead: 2, cacheWrite: 3, output: 4 },
  rehearsed: false
}
const billed = { provider: "p", usage: fact.usage, rehearsed: false, cost: Usage.known(0.1) }
const fault = { tag: "ModelError", reason: "Disconnected", message: "It broke off.", retryable: true }

const calls = Effect.gen(function* () {
  yield* Budget.spend({ _tag: "ModelCalled", latency: 1, ...fact, cost: Usage.known(0.3) })
  yield* Budget.spend({ _tag: "ModelCalled", latency: 1, ...fact, cost: Usage.unknown("no table") })
  yield* Budget.spend({ _tag: "ModelCalled", latency: 1, ...fact, cost: Usage.known(2), paidBy: "subscription" })
  yield* Budget.spend({ _tag: "ModelFailed", model: "m", fault, delay: null, billed })
})

const Inner = Line.make("Inner", { payload: { item: WorkItem.WorkItem }, success: Schema.Void })
const Outer = Line.make("Outer", { payload: { item: WorkItem.WorkItem }, success: Schema.Void })
const work = (role: string) =>
  Stage.run({ name: "work", success: Schema.Void }, calls).pipe(Journal.as({ _tag: "Agent", role }))
const code = Layer.merge(
  Inner.toLayer(() => work("Review")),
  Outer.toLayer(({ item }) =>
    Effect.andThen(work("Implement/explorer"), Effect.orDie(Inner.child({ item: { ...item, id: "part-1" } })))
  )
)

const live = (path: string) =>
  Layer.provideMerge(
    code,
    Layer.provideMerge(
      Layer.merge(SqliteJournal.layer, SqliteEngine.layer()),
      Sqlite.layer({ path, poll: "5 millis", synchronous: "NORMAL" })
    )
  )

describe("The ledger of a store that is pruned", () => {
  test("is what it was", (path) =>
    alone(
      Effect.gen(function* () {
        const runs = [yield* Outer.start({ item }), yield* Outer.start({ item })] as const
        for (const run of runs) assert.strictEqual((yield* Line.settled(run))._tag, "Finished")
        const known = Effect.map(Ledger.of(), (ledger) => {
          const charges = Ledger.charges(ledger)
          const dimensions = ["item", "run", "stage", "agent", "model", "paidBy"] as const
          const family = Ledger.family(ledger, runs[0])
          return {
            by: dimensions.map((dimension) => Ledger.by(charges, dimension)),
            family: Ledger.total(charges.filter(({ run }) => run !== null && family.has(run)))
          }
        })
        const before = yield* known
        assert.strictEqual(before.family.calls, 6)
        // The engine ends an execution a little after its run.
        const prune = Effect.tap(Retention.prune({ keepLast: 0 }), () =>
          Effect.map(known, (now) => assert.deepStrictEqual(now, before))
        )
        yield* Effect.repeat(Effect.andThen(prune, count("ModelCalled")), { until: (left) => left === 0 })
        assert.strictEqual(yield* count("RunPruned"), 4)
      }),
      live(path)
    ))
})
