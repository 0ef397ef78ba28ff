import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Capacity from "../src/Capacity.ts"
import { range } from "./FactoryStore.ts"

const fork = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

describe("Capacity.within", () => {
  it.effect("lets in as many as there are places, in the order in which they ask", () =>
    Effect.gen(function* () {
      const order: Array<number> = []
      let [now, most] = [0, 0]
      const one = (at: number) =>
        Effect.gen(function* () {
          order.push(at)
          most = Math.max(most, ++now)
          yield* Effect.yieldNow
          now--
        }).pipe(Capacity.within("review"))
      yield* Effect.forEach(range(100), one, { concurrency: "unbounded" })
      assert.deepStrictEqual(order, range(100))
      assert.strictEqual(most, 3)
    }).pipe(Effect.provide(Capacity.layer({ review: 3 })))
  )

  it.effect("gives every place back, however its effect ends and whoever waits is interrupted", () =>
    Effect.gen(function* () {
      const go = yield* Deferred.make<void>()
      const holding = yield* fork(Capacity.within("test")(Deferred.await(go)))
      const waiting = yield* Effect.forEach(range(20), () => fork(Capacity.within("test")(Effect.void)))
      yield* Effect.forEach(waiting.slice(0, 10), Fiber.interrupt)
      yield* Fiber.interrupt(holding)
      yield* Effect.forEach(waiting.slice(10), Fiber.join)
      yield* Effect.exit(Capacity.within("test")(Effect.fail("failed")))
      yield* Effect.exit(Capacity.within("test")(Effect.die("died")))
      assert.strictEqual(yield* Capacity.within("test")(Effect.succeed("in")), "in")
    }).pipe(Effect.provide(Capacity.layer({ test: 1 })))
  )

  it.effect("does not limit what nobody limits", () =>
    Effect.gen(function* () {
      const all = range(50).map(() => Capacity.within("free"))
      const everybody = yield* Deferred.make<void>()
      let inside = 0
      const one = Effect.suspend(() =>
        ++inside === all.length ? Deferred.succeed(everybody, undefined) : Deferred.await(everybody)
      )
      yield* Effect.forEach(all, (within) => within(one), { concurrency: "unbounded" })
      assert.strictEqual(inside, 50, "all are inside at once, or this would not end")
    }).pipe(Effect.provide(Capacity.layer({ other: 1 })))
  )

  it.effect.each([0, -1, 1.5, Number.NaN])("refuses a capacity of %s by name", (limit) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(Effect.void, Capacity.layer({ review: limit })))
      assert.strictEqual(error.reason, "Invalid")
      assert.include(error.message, '"review"')
    })
  )
})
