import { assert, describe, it } from "@effect/vitest"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as SourceWatch from "../src/internal/SourceWatch.ts"
import { names, pass, settle, tool, watching } from "./Watching.ts"

describe("SourceWatch: lists", () => {
  it.effect("at once, and says what the source says of itself", () =>
    Effect.gen(function* () {
      const played = ScriptedSource.make()
      played.script.list = Effect.succeed({
        tools: [tool("a"), {}],
        description: "Files\u200b.",
        instructions: "Care."
      })
      const watched = yield* SourceWatch.make(played.source, {})
      assert.strictEqual((yield* watched.state).status, "waiting")
      yield* settle
      const { description, instructions, quarantined, status, tools } = yield* watched.state
      assert.deepStrictEqual(
        [status, tools.length, quarantined.length, description, instructions],
        ["live", 1, 1, "Files.", "Care."]
      )
    })
  )

  it.effect("a long list lets others run while it is read", () =>
    Effect.gen(function* () {
      const played = ScriptedSource.make()
      const properties = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`p${at}`, { type: "string" }]))
      const inputSchema = { type: "object", properties }
      played.lists(...Array.from({ length: 10_000 }, (_, at) => ({ name: `${at}`, inputSchema })))
      const watched = yield* SourceWatch.make(played.source, {})
      let turns = 0
      const others = yield* Effect.forkScoped(
        Effect.forever(
          Effect.andThen(
            Effect.sync(() => turns++),
            Effect.yieldNow
          )
        )
      )
      yield* watched.refresh
      yield* Fiber.interrupt(others)
      assert.lengthOf((yield* watched.state).tools, 10_000)
      assert.isAbove(turns, 5, "nobody ran while it was read")
    })
  )

  it.effect("the last good list stays, and is stale with the error, until the source lists again", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching()
      played.script.list = Effect.fail(ScriptedSource.error())
      yield* watched.refresh
      const stale = yield* watched.state
      assert.deepStrictEqual([stale.status, stale.error?.reason, names(stale)], ["stale", "Disconnected", ["a"]])
      played.lists(tool("b"))
      yield* pass(1_000)
      const live = yield* watched.state
      assert.deepStrictEqual([live.status, live.error, names(live)], ["live", undefined, ["b"]])
    })
  )

  it.effect("a source that fails is tried again after pauses that double, up to 60 times the first", () =>
    Effect.gen(function* () {
      const played = ScriptedSource.make()
      played.script.list = Effect.fail(ScriptedSource.error())
      const watched = yield* SourceWatch.make(played.source, { retry: 100 })
      yield* settle
      assert.strictEqual((yield* watched.state).status, "failed")
      for (const pause of [100, 200, 400, 800, 1_600, 3_200, 6_000, 6_000, 6_000]) {
        const before = played.count.list
        yield* pass(pause - 1)
        assert.strictEqual(played.count.list, before, `it was tried before ${pause} ms were over`)
        yield* pass(1)
        assert.strictEqual(played.count.list, before + 1, `it was not tried after ${pause} ms`)
      }
    })
  )

  it.effect("the pauses begin anew after a good list", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching({ retry: 100 })
      const fail = Effect.fail(ScriptedSource.error())
      for (const list of [fail, fail, fail, Effect.succeed({ tools: [tool("a")] }), fail]) {
        played.script.list = list
        yield* watched.refresh
      }
      const before = played.count.list
      yield* pass(100)
      assert.strictEqual(played.count.list, before + 1)
    })
  )

  it.effect("what trying again does not help is tried after the longest pause", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching({ retry: 100 })
      played.script.list = Effect.fail(ScriptedSource.error("NotConfigured"))
      yield* watched.refresh
      yield* pass(5_999)
      assert.strictEqual(played.count.list, 2)
      yield* pass(1)
      assert.strictEqual(played.count.list, 3)
    })
  )

  it.effect("a list that is late is an error, also when it can not be stopped", () =>
    Effect.gen(function* () {
      for (const late of [Effect.never, Effect.uninterruptible(Effect.never)]) {
        const { played, watched } = yield* watching({ list: 500 })
        played.script.list = late
        yield* Effect.forkScoped(watched.refresh)
        yield* settle
        yield* pass(500)
        const { error, status } = yield* watched.state
        assert.deepStrictEqual([status, error?.reason], ["stale", "TimedOut"])
        played.lists(tool("b"))
        yield* pass(1_000)
        assert.deepStrictEqual(names(yield* watched.state), ["b"], "it is asked again")
      }
    })
  )

  it.effect("a source that throws, or stops of itself, fails like any other", () =>
    Effect.gen(function* () {
      for (const odd of [Effect.die(new Error("oh no")), Effect.interrupt]) {
        const { played, watched } = yield* watching()
        played.script.list = odd
        played.script.call = () => odd
        yield* watched.refresh
        assert.strictEqual((yield* watched.state).error?.reason, "Protocol")
        assert.strictEqual((yield* Effect.flip(watched.call("a", {}))).reason, "Protocol")
        played.lists(tool("b"))
        yield* watched.refresh
        assert.strictEqual((yield* watched.state).status, "live", "the watch goes on")
      }
    })
  )

  it.effect("an empty list after a good one counts when the source says it again", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching({ quiet: 300 })
      played.lists()
      yield* watched.refresh
      const doubted = yield* watched.state
      assert.deepStrictEqual([doubted.status, names(doubted)], ["stale", ["a"]])
      assert.include(doubted.error?.message, "had 1 tool")
      yield* pass(300)
      const empty = yield* watched.state
      assert.deepStrictEqual([empty.status, names(empty)], ["live", []])
    })
  )

  it.effect("an empty list between two good ones is never seen, and neither are two with a failure between them", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching({ quiet: 300, retry: 1_000 })
      played.lists()
      yield* watched.refresh
      played.script.list = Effect.fail(ScriptedSource.error())
      yield* pass(300)
      played.lists()
      yield* pass(1_000)
      assert.deepStrictEqual(names(yield* watched.state), ["a"], "the second empty list stands alone again")
      played.lists(tool("a"))
      yield* pass(300)
      assert.strictEqual((yield* watched.state).status, "live")
    })
  )

  it.effect("a source that never had a tool is live without one", () =>
    Effect.gen(function* () {
      const watched = yield* SourceWatch.make(ScriptedSource.make().source, {})
      yield* watched.refresh
      assert.strictEqual((yield* watched.state).status, "live")
    })
  )

  it.effect("again when the time is over for which the source said that its list is good", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching({ retry: 1_000 })
      const times = (ttl: number, within: number) =>
        Effect.gen(function* () {
          played.script.list = Effect.succeed({ tools: [tool("a")], ttl })
          yield* watched.refresh
          const before = played.count.list
          yield* pass(within)
          return played.count.list - before
        })
      assert.strictEqual(yield* times(60_000, 59_999), 0)
      assert.strictEqual(yield* times(60_000, 60_000), 1)
      assert.strictEqual(yield* times(1, 999), 0, "not more often than a source that fails")
      for (const none of [0, -1, NaN]) assert.strictEqual(yield* times(none, 86_400_000), 0, `${none} is no time`)
    })
  )
})

describe("SourceWatch: changes", () => {
  it.effect("a storm of 5,000 notices is one list, when it is over", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching({ quiet: 300 })
      played.lists(tool("b"))
      for (let at = 0; at < 5; at++) {
        played.notify(1_000)
        yield* pass(100)
      }
      assert.strictEqual(played.count.list, 1, "nothing is listed while notices come")
      yield* pass(600)
      assert.deepStrictEqual([played.count.list, names(yield* watched.state)], [2, ["b"]])
    })
  )

  it.effect("a storm without an end is listed now and then", () =>
    Effect.gen(function* () {
      const { played } = yield* watching({ quiet: 300 })
      for (let at = 0; at < 100; at++) {
        played.notify(10)
        yield* pass(100)
      }
      assert.isTrue(played.count.list > 2 && played.count.list < 6, `10 s of notices were ${played.count.list} lists`)
    })
  )

  it.effect("a source that says that it changed and then fails is not asked more often for it", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching({ quiet: 10, retry: 1_000 })
      played.script.list = Effect.suspend(() => {
        played.notify()
        return Effect.fail(ScriptedSource.error())
      })
      yield* watched.refresh
      const before = played.count.list
      yield* pass(10_000)
      assert.isAtMost(played.count.list - before, 10)
    })
  )

  it.effect("a stream of changes that breaks takes nothing else with it", () =>
    Effect.gen(function* () {
      const played = ScriptedSource.make()
      played.lists(tool("a"))
      const watched = yield* SourceWatch.make({ ...played.source, changes: Stream.die("broken") }, {})
      yield* watched.refresh
      assert.strictEqual((yield* watched.state).status, "live")
    })
  )

  it.effect("states: the one now, and then each that differs", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching()
      const seen: Array<ReadonlyArray<string>> = []
      yield* Effect.forkScoped(Stream.runForEach(watched.states, (state) => Effect.sync(() => seen.push(names(state)))))
      yield* settle
      for (const list of [["a"], ["a"], ["b"], ["b"], ["a", "b"]]) {
        played.lists(...list.map(tool))
        yield* watched.refresh
        yield* settle
      }
      assert.deepStrictEqual(seen, [["a"], ["b"], ["a", "b"]])
    })
  )

  it.effect("states: a slow reader gets the newest, not all", () =>
    Effect.gen(function* () {
      const { played, watched } = yield* watching()
      const gate = yield* Deferred.make<void>()
      const seen: Array<string> = []
      const slow = (state: SourceWatch.SourceState) =>
        Effect.andThen(
          Effect.sync(() => seen.push(names(state).join())),
          Deferred.await(gate)
        )
      yield* Effect.forkScoped(Stream.runForEach(watched.states, slow))
      yield* settle
      for (let at = 0; at < 20; at++) {
        played.lists(tool(`tool-${at}`))
        yield* watched.refresh
        yield* settle
      }
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.isBelow(seen.length, 5)
      assert.strictEqual(seen.at(-1), "tool-19")
    })
  )
})
