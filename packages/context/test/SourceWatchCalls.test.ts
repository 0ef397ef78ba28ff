import { assert, describe, it } from "@effect/vitest"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as SourceWatch from "../src/internal/SourceWatch.ts"
import { names, pass, settle, tool, watching } from "./Watching.ts"

describe("SourceWatch: calls", () => {
  it.effect("a call during which the source changed is answered when it has been listed", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching({ quiet: 60_000 })
      played.script.call = () =>
        Effect.sync(() => {
          played.lists(tool("b"))
          played.notify()
          return ScriptedSource.answer("done")
        })
      yield* watched.call("a", {})
      assert.deepStrictEqual(names(yield* watched.state), ["b"])
      const { list } = played.count
      played.script.call = () => Effect.succeed(ScriptedSource.answer("done"))
      yield* watched.call("b", {})
      assert.strictEqual(played.count.list, list, "without a change nothing is listed")
    })
  )

  it.effect("a list that started before the change does not count for it", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching({ quiet: 60_000 })
      const old = yield* Deferred.make<void>()
      played.script.list = Effect.as(Deferred.await(old), { tools: [tool("a")] })
      yield* Effect.forkScoped(watched.refresh)
      yield* settle
      played.lists(tool("b"))
      played.notify()
      yield* settle
      const call = yield* Effect.forkScoped(watched.call("a", {}))
      yield* settle
      yield* Deferred.succeed(old, undefined)
      yield* Fiber.join(call)
      assert.deepStrictEqual(names(yield* watched.state), ["b"])
    })
  )

  it.effect("an answer waits 2 s for a list, and no longer", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching()
      const called = yield* Deferred.make<void>()
      played.script.list = Effect.andThen(Deferred.succeed(called, undefined), Effect.never)
      played.notify()
      yield* settle
      const call = yield* Effect.forkScoped(watched.call("a", {}))
      yield* Deferred.await(called)
      yield* settle
      yield* TestClock.adjust(1_999)
      yield* settle
      assert.isUndefined(call.pollUnsafe(), "it was answered before its time")
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(call), ScriptedSource.answer("a"))
    })
  )

  it.effect("one that is interrupted interrupts the source's", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching()
      played.script.call = () => Effect.never
      const call = yield* Effect.forkScoped(watched.call("a", {}))
      yield* settle
      yield* Fiber.interrupt(call)
      yield* settle
      assert.strictEqual(played.count.interrupted, 1)
    })
  )

  it.effect("one that is not answered in time is an error, also when it can not be stopped", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching({ call: 1_000 })
      for (const late of [Effect.never, Effect.uninterruptible(Effect.never)]) {
        played.script.call = () => late
        const call = yield* Effect.forkScoped(Effect.flip(watched.call("a", {})))
        yield* settle
        yield* pass(1_000)
        assert.strictEqual((yield* Fiber.join(call)).reason, "TimedOut")
      }
    })
  )

  it.effect("an answer over the limit is an error, in texts and images together", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching()
      const half = SourceWatch.maxAnswerBytes / 2
      const image = { type: "image" as const, data: "A".repeat(half), mediaType: "image/png" }
      const answer = (length: number) => ({
        content: [{ type: "text" as const, text: "é".repeat(length) }, image],
        isError: false
      })
      played.script.call = () => Effect.succeed(answer(half / 2))
      assert.lengthOf((yield* watched.call("a", {})).content, 2, "the limit itself is taken")
      played.script.call = () => Effect.succeed(answer(half / 2 + 1))
      assert.strictEqual((yield* Effect.flip(watched.call("a", {}))).reason, "TooLarge")
    })
  )

  it.effect("fail as the source fails", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching()
      played.script.call = () => Effect.fail(ScriptedSource.error("NoSuchTool"))
      assert.strictEqual((yield* Effect.flip(watched.call("a", {}))).reason, "NoSuchTool")
    })
  )
})

describe("SourceWatch: many", () => {
  it.effect("a dead source and a slow one hold up no other", () =>
    Effect.gen(function* () {
      const scripts = [Effect.never, Effect.fail(ScriptedSource.error()), Effect.uninterruptible(Effect.never)]
      for (const list of scripts) {
        const played = ScriptedSource.make()
        played.script.list = list
        yield* SourceWatch.make(played.source, {})
      }
      const { watched } = yield* watching()
      assert.strictEqual((yield* watched.state).status, "live")
    })
  )

  it.effect("when the scope closes nothing is listed any more, and nobody waits", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { played, watched } = yield* Scope.provide(watching({ retry: 1 }), scope)
      played.script.list = Effect.never
      const waits = yield* Effect.forkScoped(watched.refresh)
      yield* settle
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(waits)
      yield* watched.refresh
      const { list } = played.count
      yield* pass(1_000_000)
      assert.strictEqual(played.count.list, list)
    })
  )
})
