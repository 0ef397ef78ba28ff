import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as SourceIndex from "../src/SourceIndex.ts"
import * as ScriptedSource from "../src/testing/ScriptedSource.ts"
import * as ToolSession from "../src/ToolSession.ts"
import { tool } from "./tools.ts"

const source = (name: string, ...tools: ReadonlyArray<unknown>) => {
  const made = ScriptedSource.make(name)
  made.lists(...tools)
  return made
}

/** One that is asked for its list, and never answers. */
const silent = (name: string) => {
  const made = ScriptedSource.make(name)
  made.script.list = Effect.never
  return made
}

/** Lets the patience with slow sources run out meanwhile. */
const patiently = <A>(effect: Effect.Effect<A>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    yield* TestClock.adjust(SourceIndex.slowest)
    return yield* Fiber.join(fiber)
  })

describe("whoever waits for an index", () => {
  it.effect("waits for slow sources, also when somebody waited before", () =>
    Effect.gen(function* () {
      const index = yield* SourceIndex.make([silent("slow").source])
      for (const who of ["the first", "the second"]) {
        const waits = yield* Effect.forkChild(index.settled, { startImmediately: true })
        yield* TestClock.adjust(SourceIndex.slowest - 1)
        assert.isUndefined(waits.pollUnsafe(), `${who} should still wait`)
        yield* TestClock.adjust(1)
        yield* Fiber.join(waits)
      }
    })
  )
})

describe("a scope that has a part of a source", () => {
  it.effect("knows that the source is still to come", () =>
    Effect.gen(function* () {
      const index = yield* SourceIndex.make([silent("slow").source, source("other", tool("a", "Does a.")).source])
      const mine = index.within(["slow/list_*"])
      const session = yield* patiently(ToolSession.make({ index: mine, loading: ["native"], prefix: 0 }))
      assert.notStrictEqual(session.mode, "upfront", "What comes later could never be called")
      assert.deepStrictEqual(
        (yield* mine.stats).servers.map(({ name, status }) => [name, status]),
        [["slow", "waiting"]]
      )
      const none = yield* index.within(["slow/*", "!slow/*"]).stats
      assert.isEmpty(none.servers, "A source that is taken away whole should not be named")
    })
  )

  it.effect("says nothing of the tools outside, not even of those that can not be used", () =>
    Effect.gen(function* () {
      const bad = { name: "secret_plan", inputSchema: 1 }
      const index = yield* SourceIndex.make([source("s", bad, tool("list_a", "Lists.")).source])
      yield* index.settled
      const mine = index.within(["s/list_*"])
      assert.notInclude(JSON.stringify([yield* mine.stats, yield* mine.lint]), "secret_plan")
      assert.include(JSON.stringify(yield* index.lint), "secret_plan")
    })
  )

  it.effect("does not let in what `!` names without a slash", () =>
    Effect.gen(function* () {
      const index = yield* SourceIndex.make([source("s", tool("a", "Does a.")).source])
      yield* index.settled
      // @ts-expect-error -- it is no pattern, and does not compile; but scopes are read from files as well
      const entries = yield* index.within(["*/*", "!s"]).list()
      assert.isEmpty(entries, "A pattern that is meant to take away should not be without effect")
    })
  )
})

describe("the names of sources", () => {
  it.effect("are theirs where they are as configured, whoever else would get the same", () =>
    Effect.gen(function* () {
      const asked = [source("a/b"), source("x"), source("x"), source("a-b"), source("x-2")]
      asked.forEach((each, at) => each.lists(tool(`of_${at}`, "Is told apart.")))
      const index = yield* SourceIndex.make(asked.map(({ source }) => source))
      yield* index.settled
      const ids = (yield* index.list()).map(({ id }) => id)
      assert.sameMembers(ids, ["a-b-2/of_0", "x/of_1", "x-3/of_2", "a-b/of_3", "x-2/of_4"])
    })
  )
})

describe("the names of tools for models", () => {
  it.effect("are the same, whichever of two servers lists first", () =>
    Effect.gen(function* () {
      const named = (first: string) =>
        Effect.gen(function* () {
          const sources = [source("a", tool("b__c", "One.")), source("a__b", tool("c", "Other."))]
          const late = sources.find(({ source }) => source.name !== first)
          const list = late?.script.list ?? Effect.never
          if (late !== undefined) late.script.list = Effect.never
          const index = yield* SourceIndex.make(sources.map(({ source }) => source))
          yield* patiently(index.settled)
          if (late !== undefined) late.script.list = list
          late?.notify()
          yield* TestClock.adjust(20_000)
          return (yield* index.list()).map(({ id, modelName }) => [id, modelName])
        }).pipe(Effect.scoped)
      const [one, two] = [yield* named("a"), yield* named("a__b")]
      assert.lengthOf(one, 2)
      assert.deepStrictEqual(one, two, "A name that a conversation knows should not be another tool's the next time")
    })
  )
})

describe("what a source says of itself", () => {
  it.effect("is taken over, when only its hints became different", () =>
    Effect.gen(function* () {
      const listed = tool("a", "Does a.")
      const made = source("s", { ...listed, annotations: { readOnlyHint: true } })
      const index = yield* SourceIndex.make([made.source])
      yield* index.settled
      made.lists({ ...listed, annotations: { readOnlyHint: false, destructiveHint: true } })
      made.notify()
      yield* TestClock.adjust(2_000)
      const [entry] = yield* index.list()
      assert.isFalse(entry?.hints.readOnly, "A tool that says now that it writes should not pass as one that reads")
    })
  )
  it.effect("is forgotten in time, when it gives its tools other names again and again", () =>
    Effect.gen(function* () {
      const named = (round: number) => Array.from({ length: 1_500 }, (_, n) => ({ name: `round_${round}_${n}` }))
      const made = source("s", ...named(0))
      const index = yield* SourceIndex.make([made.source])
      yield* index.settled
      for (let round = 1; round <= 3; round++) {
        made.lists(...named(round))
        made.notify()
        yield* TestClock.adjust(2_000)
        // Reading a long list takes turns.
        while ((yield* index.list())[0]?.name !== `round_${round}_0`) {
          yield* Effect.promise(() => new Promise(setImmediate))
        }
      }
      const reason = (name: string) => Effect.map(Effect.flip(index.call(name, {})), ({ reason }) => reason)
      assert.strictEqual(yield* reason("s/round_2_7"), "Removed")
      assert.strictEqual(yield* reason("s/round_0_7"), "NoSuchTool", "What was never used again takes memory for ever")
      assert.strictEqual((yield* index.describe(["round_3_7"])).entries[0]?.id, "s/round_3_7")
      made.lists(...named(0))
      made.notify()
      yield* TestClock.adjust(2_000)
      while ((yield* index.list())[0]?.name !== "round_0_0") yield* Effect.promise(() => new Promise(setImmediate))
      assert.strictEqual((yield* index.describe(["round_0_7"])).entries[0]?.modelName, "mcp__s__round_0_7")
    })
  )
})
