import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as TestClock from "effect/testing/TestClock"
import * as Watchdog from "../src/loop/Watchdog.ts"

const options = { silence: 100, whole: 1_000, silent: () => "silent", endless: () => "endless" }

/** Takes what is offered until it is told to stop, beside a watchdog. */
const listening = Effect.gen(function* () {
  const said = yield* Queue.unbounded<Effect.Effect<void> | "end">()
  const taken = yield* Queue.unbounded<void>()
  const fiber = yield* Effect.forkChild(
    Effect.flip(
      Watchdog.beside(options, ({ taking }) =>
        Effect.gen(function* () {
          for (;;) {
            const next = yield* Queue.take(said)
            if (next === "end") return yield* Effect.fail("ended")
            yield* taking(next)
            yield* Queue.offer(taken, undefined)
          }
        })
      )
    ),
    { startImmediately: true }
  )
  const say = (use: Effect.Effect<void>) => Effect.andThen(Queue.offer(said, use), Queue.take(taken))
  return { said, say, end: Fiber.join(fiber) }
})

describe("a watchdog", () => {
  it.effect("lets end what ends", () =>
    Effect.gen(function* () {
      const { end, said } = yield* listening
      yield* Queue.offer(said, "end")
      assert.strictEqual(yield* end, "ended")
    })
  )

  it.effect("says when nothing comes for too long, from the last of it on", () =>
    Effect.gen(function* () {
      const { end, say } = yield* listening
      for (let at = 0; at < 3; at++) {
        yield* TestClock.adjust(99)
        yield* say(Effect.void)
      }
      yield* TestClock.adjust(100)
      assert.strictEqual(yield* end, "silent")
    })
  )

  it.effect("takes nobody for silent while what came is taken", () =>
    Effect.gen(function* () {
      const { end, said } = yield* listening
      const latch = yield* Deferred.make<void>()
      yield* Queue.offer(said, Deferred.await(latch))
      yield* TestClock.adjust(500)
      yield* Deferred.succeed(latch, undefined)
      yield* Queue.offer(said, "end")
      assert.strictEqual(yield* end, "ended", "who takes long was taken for a model that says nothing")
    })
  )

  it.effect("says when it all takes too long, however much comes", () =>
    Effect.gen(function* () {
      const { end, say } = yield* listening
      for (let at = 0; at < 9; at++) {
        yield* TestClock.adjust(99)
        yield* say(Effect.void)
      }
      yield* TestClock.adjust(99)
      yield* say(Effect.void)
      yield* TestClock.adjust(10)
      assert.strictEqual(yield* end, "endless")
    })
  )
})
