import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as MemoryEngine from "../src/adapters/MemoryEngine.ts"
import * as MemoryJournal from "../src/adapters/MemoryJournal.ts"
import type * as Backlog from "../src/Backlog.ts"
import * as Dispatcher from "../src/Dispatcher.ts"
import type * as FactoryEvent from "../src/FactoryEvent.ts"
import * as Journal from "../src/Journal.ts"
import * as Line from "../src/Line.ts"
import * as Presence from "../src/Presence.ts"
import * as Dispatching from "./Dispatching.ts"
import { range } from "./FactoryStore.ts"

const { alone, facts, factory, script, start, until } = Dispatching
const ids = (count: number) => range(count).map((at) => `item-${String(at).padStart(4, "0")}`)
const items = (count: number) => ids(count).map((id) => ({ id, created: 0 }))

describe("a dispatcher", () => {
  it.effect("starts everything once, in order, with no more at once than it may", () =>
    Effect.gen(function* () {
      const go = yield* Deferred.make<void>()
      const { began, code, most } = script({ "item-0001": [go], "item-0002": [go], "item-0003": [go] })
      yield* Effect.gen(function* () {
        const dispatcher = yield* alone({ caps: { total: 3 } })
        yield* dispatcher.enqueue(items(60))
        yield* until(dispatcher, { Claimed: 3, Ready: 57 })
        while (began.length < 3) yield* Effect.yieldNow
        yield* Deferred.succeed(go, undefined)
        yield* until(dispatcher, { Done: 60 })
        assert.deepStrictEqual(began.toSorted(), ids(60))
        assert.strictEqual(most(), 3, "all slots are used, and no more")
        const claims = yield* facts("ItemClaimed")
        assert.deepStrictEqual(
          claims.map(({ item }) => item),
          ids(60),
          "in order, and so with growing tokens"
        )
        assert.deepStrictEqual(yield* dispatcher.list, [])
      }).pipe(Effect.scoped, Effect.provide(factory(code)))
    })
  )

  it.effect("resumes a run that stalled after a growing pause, and finishes no stage twice", () => {
    const { began, code } = script({ "item-1": ["break", "break", "done"] })
    return Effect.gen(function* () {
      const dispatcher = yield* alone()
      yield* dispatcher.enqueue({ id: "item-1" })
      yield* until(dispatcher, { Delayed: 1 })
      const standing = yield* dispatcher.standing("item-1")
      assert.include(standing, { _tag: "Delayed", reason: "item-1 broke" })
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(began.length, 1, "not before its time")
      yield* TestClock.adjust("1 second")
      yield* until(dispatcher, { Delayed: 1, Claimed: 0 })
      yield* TestClock.adjust("20 seconds")
      yield* until(dispatcher, { Done: 1 })
      assert.strictEqual((yield* facts("LineStarted")).length, 1, "the run that stalled is the one that goes on")
      assert.strictEqual((yield* facts("LineResumed")).length, 2)
    }).pipe(Effect.scoped, Effect.provide(factory(code)))
  })

  it.effect("parks with the reason what breaks in the last attempt", () => {
    const { code } = script({ "item-1": ["break", "break", "break"] })
    return Effect.gen(function* () {
      const dispatcher = yield* alone()
      yield* dispatcher.enqueue([{ id: "item-1" }, { id: "item-2", after: ["item-1"] }])
      for (const pause of ["10 seconds", "20 seconds"] as const) {
        yield* until(dispatcher, { Delayed: 1 })
        yield* TestClock.adjust(pause)
      }
      yield* until(dispatcher, { Parked: 1 })
      const parked = yield* dispatcher.standing("item-1")
      assert.deepInclude(parked, { _tag: "Parked", reason: "item-1 broke (attempt 3, the last)", review: null })
      const waiting = yield* dispatcher.standing("item-2")
      assert.include(JSON.stringify(waiting), "it is parked: item-1 broke")
      yield* dispatcher.enqueue({ id: "item-1" })
      assert.strictEqual((yield* dispatcher.standing("item-1"))?._tag, "Parked", "asking for it is not enough")
      yield* dispatcher.enqueue({ id: "item-1" }, { again: true })
      yield* until(dispatcher, { Done: 2 })
    }).pipe(Effect.scoped, Effect.provide(factory(code)))
  })

  it.effect("takes a parked item up again when its line said for how long to leave it, or the factory does", () => {
    const { code } = script({ "item-1": [{ review: 60_000 }], "item-2": ["park"] })
    return Effect.gen(function* () {
      const dispatcher = yield* alone({ review: (item) => (item.id === "item-2" ? "2 minutes" : "1 hour") })
      yield* dispatcher.enqueue([{ id: "item-1" }, { id: "item-2" }])
      yield* until(dispatcher, { Parked: 2 })
      yield* TestClock.adjust("1 minute")
      yield* until(dispatcher, { Parked: 1, Done: 1 })
      assert.strictEqual((yield* dispatcher.standing("item-1"))?._tag, "Done")
      yield* TestClock.adjust("1 minute")
      yield* until(dispatcher, { Done: 2 })
      assert.strictEqual((yield* facts("LineStarted")).length, 4, "a review is a new run")
    }).pipe(Effect.scoped, Effect.provide(factory(code)))
  })

  it.effect("cancels the run of an item that is closed, and gives its slot to the next", () =>
    Effect.gen(function* () {
      const forever = yield* Deferred.make<void>()
      const { code } = script({ "item-1": [forever] })
      yield* Effect.gen(function* () {
        const dispatcher = yield* alone({ caps: { total: 1 } })
        yield* dispatcher.enqueue([{ id: "item-1", priority: 1 }, { id: "item-2" }])
        yield* until(dispatcher, { Claimed: 1, Ready: 1 })
        yield* dispatcher.close("item-1", "fixed elsewhere")
        yield* until(dispatcher, { Closed: 1, Done: 1 })
        const [run] = yield* Line.list({ item: "item-1" })
        assert.deepInclude(run, { _tag: "Cancelled", reason: "fixed elsewhere" })
        yield* dispatcher.close("item-1", "twice")
        yield* dispatcher.enqueue({ id: "item-1" })
        assert.strictEqual((yield* dispatcher.standing("item-1"))?._tag, "Closed", "it does not come back by itself")
        yield* dispatcher.enqueue({ id: "item-1" }, { again: true })
        yield* until(dispatcher, { Done: 2 })
      }).pipe(Effect.scoped, Effect.provide(factory(code)))
    })
  )

  it.effect("keeps an item that is wanted again before its run was stopped", () =>
    Effect.gen(function* () {
      const go = yield* Deferred.make<void>()
      const { code } = script({ "item-1": [go] })
      yield* Effect.gen(function* () {
        const dispatcher = yield* alone()
        yield* dispatcher.enqueue({ id: "item-1" })
        yield* claimOf(dispatcher, "item-1", ({ run }) => run !== undefined)
        yield* dispatcher.close("item-1", "not wanted")
        yield* dispatcher.enqueue({ id: "item-1" }, { again: true })
        yield* Deferred.succeed(go, undefined)
        // Either its run went on, or it was cancelled and is tried again.
        yield* until(dispatcher, { Claimed: 0 })
        yield* TestClock.adjust("1 minute")
        yield* until(dispatcher, { Done: 1 })
      }).pipe(Effect.scoped, Effect.provide(factory(code)))
    })
  )

  it.effect("tries a start that fails again, and then parks the item with the reason", () =>
    Effect.gen(function* () {
      const starts: Array<string> = []
      const dispatcher = yield* alone({
        start: (_, { attempt, key }) =>
          Effect.suspend(() => {
            starts.push(key)
            return Effect.die(new Error(`no forge, attempt ${attempt.number}`))
          })
      })
      yield* dispatcher.enqueue({ id: "item-1" })
      yield* until(dispatcher, { Delayed: 1 })
      yield* TestClock.adjust("10 seconds")
      yield* until(dispatcher, { Delayed: 1, Claimed: 0 })
      yield* TestClock.adjust("20 seconds")
      yield* until(dispatcher, { Parked: 1 })
      assert.deepInclude(yield* dispatcher.standing("item-1"), { reason: "no forge, attempt 3 (attempt 3, the last)" })
      assert.strictEqual(new Set(starts).size, 3, "each attempt has a key of its own")
    }).pipe(Effect.scoped, Effect.provide(factory(script().code)))
  )

  it.effect("starts nothing twice when a start fails after it has started the run", () => {
    const { began, code } = script()
    return Effect.gen(function* () {
      const dispatcher = yield* alone({
        start: (item, claim) => Effect.andThen(start(item, claim), Effect.fail("the answer was lost"))
      })
      yield* dispatcher.enqueue({ id: "item-1" })
      yield* until(dispatcher, { Done: 1 })
      assert.deepStrictEqual(began, ["item-1"])
    }).pipe(Effect.scoped, Effect.provide(factory(code)))
  })

  it.effect("runs nothing again that came to its end while somebody gave it up", () => {
    const { began, code } = script()
    return Effect.gen(function* () {
      const journal = yield* Journal.Journal
      const tell = (fact: FactoryEvent.Fact, run: string | null = null) =>
        journal.append([{ line: null, run, item: "item-1", stage: null, actor: { _tag: "Host" }, at: 0, fact }])
      const what = { priority: 3, after: [], resources: {}, source: "", created: 0, again: false }
      yield* tell({ _tag: "ItemQueued", ...what })
      yield* tell({ _tag: "ItemClaimed", attempt: 1, by: "another", from: null })
      yield* tell({ _tag: "LineStarted", title: "item-1", execution: "x", start: "x" }, "item-1.1")
      yield* tell({ _tag: "ItemStarted", token: 2 }, "item-1.1")
      yield* tell({ _tag: "LineFinished", result: "done" }, "item-1.1")
      // Whoever wrote this had not seen the end.
      yield* tell({ _tag: "ItemReleased", token: 2, seen: 4, end: "again", reason: "", until: 0 })
      const dispatcher = yield* alone()
      yield* until(dispatcher, { Done: 1 })
      assert.deepStrictEqual(began, [])
    }).pipe(Effect.scoped, Effect.provide(factory(code)))
  })

  it.effect("that is closed stops nothing; the next one goes on with the run, and the old token is fenced", () =>
    Effect.gen(function* () {
      const go = yield* Deferred.make<void>()
      const { began, code } = script({ "item-1": [go] })
      yield* Effect.gen(function* () {
        const scope = yield* Scope.make()
        const first = yield* Effect.provideService(alone(), Scope.Scope, scope)
        yield* first.enqueue({ id: "item-1" })
        yield* until(first, { Claimed: 1 })
        const old = yield* claimOf(first, "item-1", ({ run }) => run !== undefined)
        yield* first.check(old.token)
        yield* Scope.close(scope, Exit.void)
        const second = yield* alone()
        const taken = yield* claimOf(second, "item-1", ({ by }) => by === second.id)
        assert.isAbove(taken.token, old.token)
        assert.strictEqual(taken.key, old.key, "the attempt is the same")
        const error = yield* Effect.flip(second.check(old.token))
        assert.include({ ...error }, { reason: "Fenced" })
        yield* Deferred.succeed(go, undefined)
        yield* until(second, { Done: 1 })
        assert.deepStrictEqual(began, ["item-1"])
        assert.strictEqual((yield* facts("LineStarted")).length, 1)
      }).pipe(Effect.scoped, Effect.provide(factory(code)))
    })
  )

  it.effect("that was silent for too long is taken over, and can no longer end what it had claimed", () =>
    Effect.gen(function* () {
      const go = yield* Deferred.make<void>()
      const { began, code } = script({ "item-1": [go] })
      const dispatcher = (every: "1 second" | "1 hour") =>
        Effect.flatMap(Layer.build(Presence.layerHeartbeat({ every, patience: "1 minute" })), (presence) =>
          Effect.provideContext(Dispatcher.make({ start }), presence)
        )
      yield* Effect.gen(function* () {
        const silent = yield* dispatcher("1 hour")
        yield* silent.enqueue({ id: "item-1" })
        const old = yield* claimOf(silent, "item-1", ({ run }) => run !== undefined)
        const other = yield* dispatcher("1 second")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* claimOf(other, "item-1", () => true)).by, silent.id, "it may be silent so long")
        yield* TestClock.adjust("2 seconds")
        const taken = yield* claimOf(other, "item-1", ({ by }) => by === other.id)
        assert.strictEqual((yield* Effect.flip(silent.check(old.token)))._tag, "BacklogError")
        yield* other.check(taken.token)
        yield* Deferred.succeed(go, undefined)
        yield* until(other, { Done: 1 })
        const released = (yield* facts("ItemReleased")).map(({ fact }) => fact)
        assert.deepInclude(released[0], { token: taken.token, end: "done" })
        assert.strictEqual(released.length, 1, "the silent one released nothing, although it saw the end too")
        assert.deepStrictEqual(began, ["item-1"])
      }).pipe(Effect.scoped, Effect.provide(factory(code)))
    })
  )

  it.effect("beside others claims nothing twice, and all of them together keep the caps", () => {
    const { began, code, most } = script()
    const starts: Array<string> = []
    return Effect.gen(function* () {
      const one = Dispatcher.make({
        caps: { total: 3 },
        start: (item, claim) => Effect.suspend(() => (starts.push(item.id), start(item, claim)))
      })
      const all = yield* Effect.forEach(range(4), () =>
        Effect.flatMap(Layer.build(Layer.fresh(Presence.layerHeartbeat())), (presence) =>
          Effect.provideContext(one, presence)
        )
      )
      yield* Effect.forEach(all, (each, at) => each.enqueue(items(100).slice(at * 25, at * 25 + 25)), {
        concurrency: "unbounded"
      })
      for (const each of all) yield* until(each, { Done: 100 })
      assert.deepStrictEqual(began.toSorted(), ids(100))
      assert.deepStrictEqual(starts.toSorted(), ids(100), "only who has claimed an item starts it")
      assert.isAtMost(most(), 3)
      const claims = yield* facts("ItemClaimed")
      assert.strictEqual(new Set(claims.map(({ item }) => item)).size, claims.length, "no claim was made in vain")
      assert.isAbove(new Set(claims.map(({ fact }) => fact._tag === "ItemClaimed" && fact.by)).size, 1)
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(code, hesitant)))
  })

  it.effect("goes on when the journal could not be written for a while", () => {
    const { code } = script({ "item-1": ["break"] })
    return Effect.gen(function* () {
      const { failNextAppends, journal } = yield* MemoryJournal.make
      const broken = new Journal.JournalError({ reason: "NotWritable", message: "The disk is full. Make room." })
      yield* Effect.gen(function* () {
        const dispatcher = yield* alone()
        yield* dispatcher.enqueue({ id: "item-1" })
        yield* until(dispatcher, { Delayed: 1 })
        yield* failNextAppends(2, broken)
        yield* TestClock.adjust("11 seconds")
        assert.strictEqual((yield* dispatcher.standing("item-1"))?._tag, "Ready", "nothing was claimed")
        yield* TestClock.adjust("2 seconds")
        yield* until(dispatcher, { Done: 1 })
      }).pipe(
        Effect.scoped,
        Effect.provide(
          Layer.provideMerge(code, Layer.merge(MemoryEngine.layer, Layer.succeed(Journal.Journal, journal)))
        )
      )
    })
  })

  it.effect("without work writes nothing, however long", () =>
    Effect.gen(function* () {
      const dispatcher = yield* alone()
      yield* dispatcher.enqueue([])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(Object.values(yield* latest(dispatcher)), Array(7).fill(0))
      assert.deepStrictEqual(yield* facts("ItemQueued"), [])
    }).pipe(Effect.scoped, Effect.provide(factory(script().code)))
  )
})

describe("queueing", () => {
  const idle = { caps: { total: 0 } }

  it.effect("the same item 1,000 times at once is one fact, and so is a change", () =>
    Effect.gen(function* () {
      const dispatcher = yield* alone(idle)
      const many = (priority: number) =>
        Effect.forEach(range(1_000), () => dispatcher.enqueue({ id: "item-1", priority }), { concurrency: "unbounded" })
      yield* many(3)
      assert.strictEqual((yield* facts("ItemQueued")).length, 1)
      yield* many(1)
      assert.strictEqual((yield* facts("ItemQueued")).length, 2)
      assert.strictEqual((yield* dispatcher.list)[0]?.item.priority, 1)
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(script().code, hesitant)))
  )

  it.effect("a circle, or one bad item among good ones, queues nothing", () =>
    Effect.gen(function* () {
      const dispatcher = yield* alone(idle)
      const circle = yield* Effect.flip(
        dispatcher.enqueue([
          { id: "a", after: ["b"] },
          { id: "b", after: ["a"] }
        ])
      )
      assert.strictEqual(circle._tag === "BacklogError" && circle.reason, "Cycle")
      const bad = yield* Effect.flip(dispatcher.enqueue([{ id: "good" }, { id: "bad", priority: -1 }]))
      assert.strictEqual(bad._tag === "BacklogError" && bad.reason, "Invalid")
      assert.deepStrictEqual(yield* dispatcher.list, [])
    }).pipe(Effect.scoped, Effect.provide(factory(script().code)))
  )

  it.effect("beyond the bound fails and says so; what is there can still be changed", () =>
    Effect.gen(function* () {
      const dispatcher = yield* alone({ ...idle, bound: 2 })
      yield* dispatcher.enqueue(items(2))
      const error = yield* Effect.flip(dispatcher.enqueue({ id: "more" }))
      assert.strictEqual(error._tag === "BacklogError" && error.reason, "Full")
      assert.include(error.message, "2 open items of at most 2")
      yield* dispatcher.enqueue({ id: "item-0001", priority: 1 })
      yield* dispatcher.close("item-0002", "not wanted")
      yield* dispatcher.enqueue({ id: "more" })
    }).pipe(Effect.scoped, Effect.provide(factory(script().code)))
  )

  it.effect("beyond the bound waits where it is asked to, in order, and an interrupted one leaves nothing", () =>
    Effect.gen(function* () {
      const dispatcher = yield* alone({ ...idle, bound: 1, whenFull: "wait" })
      yield* dispatcher.enqueue({ id: "first" })
      const wait = (id: string) => Effect.forkChild(dispatcher.enqueue({ id }), { startImmediately: true })
      const [second, third, fourth] = [yield* wait("second"), yield* wait("third"), yield* wait("fourth")]
      yield* Fiber.interrupt(third)
      yield* dispatcher.close("first", "")
      yield* Fiber.join(second)
      assert.strictEqual(yield* dispatcher.standing("fourth"), undefined, "there is room for one")
      yield* dispatcher.close("second", "")
      yield* Fiber.join(fourth)
      assert.strictEqual(yield* dispatcher.standing("third"), undefined)
      const both = yield* Effect.flip(dispatcher.enqueue(items(2)))
      assert.strictEqual(both._tag === "BacklogError" && both.reason, "Full", "what never fits does not wait for ever")
    }).pipe(Effect.scoped, Effect.provide(factory(script().code)))
  )

  it.effect(
    "of 100,000 items is done in one go",
    () =>
      Effect.gen(function* () {
        const dispatcher = yield* alone(idle)
        yield* dispatcher.enqueue(range(100_000).map((at) => ({ id: `item-${at}`, after: at > 1 ? ["item-1"] : [] })))
        assert.include(yield* latest(dispatcher), { Ready: 1, Waiting: 99_999 })
      }).pipe(Effect.scoped, Effect.provide(factory(script().code))),
    120_000
  )
})

/** A journal whose writers look at it, and write only when others had their turn. */
const hesitant = Layer.merge(
  MemoryEngine.layer,
  Layer.effect(
    Journal.Journal,
    Effect.map(MemoryJournal.make, ({ journal }) =>
      Journal.Journal.of({
        ...journal,
        append: (entries) => Effect.andThen(Effect.yieldNow, journal.append(entries))
      })
    )
  )
)

type Service = Dispatcher.Dispatcher["Service"]

const latest = (dispatcher: Service) =>
  Effect.map(dispatcher.list, (all) => {
    const counts = { Waiting: 0, Ready: 0, Delayed: 0, Claimed: 0, Parked: 0, Done: 0, Closed: 0 }
    for (const { standing } of all) counts[standing._tag]++
    return counts
  })

/** Waits until the claim of an item is as wanted. */
const claimOf = (dispatcher: Service, item: string, is: (claim: Backlog.Claim) => boolean) =>
  Effect.repeat(Effect.tap(dispatcher.standing(item), Effect.yieldNow), {
    until: (standing) => standing?._tag === "Claimed" && is(standing.claim)
  }).pipe(Effect.map((standing) => (standing?._tag === "Claimed" ? standing.claim : assert.fail("no claim"))))
