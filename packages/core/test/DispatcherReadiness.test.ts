import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Actor from "../src/Actor.ts"
import * as Dispatcher from "../src/Dispatcher.ts"
import type * as FactoryEvent from "../src/FactoryEvent.ts"
import * as Intervention from "../src/Intervention.ts"
import * as Journal from "../src/Journal.ts"
import * as Presence from "../src/Presence.ts"
import { alone, facts, factory, script, start, until } from "./Dispatching.ts"
import { range } from "./FactoryStore.ts"

const ada = Actor.human("ada")
const interventions = Effect.map(Journal.fold(Intervention.empty, Intervention.step), (ledger) => [...ledger.values()])

describe("an item with open questions", () => {
  it.effect("is not started by a dispatcher or the next one, until they are answered", () => {
    const { began, code } = script()
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const first = yield* Effect.provideService(alone(), Scope.Scope, scope)
      yield* first.enqueue([
        { id: "unclear", openQuestions: 3 },
        { id: "clear", openQuestions: 2 }
      ])
      yield* until(first, { Done: 1, Waiting: 1 })
      yield* first.enqueue({ id: "unclear" })
      assert.strictEqual((yield* facts("ItemQueued")).length, 2, "who says nothing of them changes nothing")
      yield* Scope.close(scope, Exit.void)

      const second = yield* alone()
      yield* until(second, { Done: 1, Waiting: 1 })
      const standing = yield* second.standing("unclear")
      assert.deepStrictEqual(standing, { _tag: "Waiting", on: [], openQuestions: 3 })
      assert.strictEqual((yield* second.list)[0]?.item.openQuestions, 3)
      assert.deepStrictEqual(began, ["clear"])
      yield* second.enqueue({ id: "unclear", openQuestions: 0 })
      yield* until(second, { Done: 2 })
    }).pipe(Effect.scoped, Effect.provide(factory(code)))
  })

  it.effect("is left alone by several dispatchers, and started once when it is clear", () => {
    const { began, code } = script()
    const ids = range(20).map((at) => `item-${at}`)
    return Effect.gen(function* () {
      const one = Effect.flatMap(Layer.build(Layer.fresh(Presence.layerHeartbeat())), (presence) =>
        Effect.provideContext(Dispatcher.make({ start }), presence)
      )
      const all = yield* Effect.all([one, one, one])
      yield* Effect.forEach(all, (each) => each.enqueue(ids.map((id) => ({ id, openQuestions: 5 }))), {
        concurrency: "unbounded"
      })
      yield* all[0].enqueue({ id: "last" })
      for (const each of all) yield* until(each, { Done: 1, Waiting: 20 })
      assert.deepStrictEqual(began, ["last"])
      yield* Effect.forEach(ids, (id, at) => (all[at % 3] ?? all[0]).enqueue({ id, openQuestions: 0 }), {
        concurrency: "unbounded"
      })
      for (const each of all) yield* until(each, { Done: 21 })
      assert.deepStrictEqual(began.toSorted(), [...ids, "last"].toSorted())
    }).pipe(Effect.scoped, Effect.provide(factory(code)))
  })

  it.effect("has a limit that is refused where it makes no sense", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(alone({ openQuestions: 0 }))
      assert.include({ ...error }, { reason: "Invalid" })
    }).pipe(Effect.scoped, Effect.provide(factory(script().code)))
  )

  it.effect("is told apart in one call by what is said of it last", () =>
    Effect.gen(function* () {
      const dispatcher = yield* alone()
      yield* dispatcher.enqueue([
        { id: "item", openQuestions: 4 },
        { id: "item", priority: 1 }
      ])
      const [listed] = yield* dispatcher.list
      assert.deepInclude(listed?.item, { openQuestions: 4, priority: 1 })
    }).pipe(Effect.scoped, Effect.provide(factory(script().code)))
  )
})

describe("a human who closes an item", () => {
  it.effect("stepped in once, however often it is closed", () =>
    Effect.gen(function* () {
      const forever = yield* Deferred.make<void>()
      yield* Effect.gen(function* () {
        const dispatcher = yield* alone()
        yield* dispatcher.enqueue([{ id: "item" }, { id: "other", openQuestions: 3 }])
        yield* until(dispatcher, { Claimed: 1, Waiting: 1 })
        const close = (reason: string) => dispatcher.close("item", reason, { by: ada })
        yield* Effect.forEach(range(20), (at) => close(`reason ${at}`), { concurrency: "unbounded" })
        yield* until(dispatcher, { Closed: 1 })
        yield* close("again")
        yield* dispatcher.close("other", "its issue is no longer open")
        const closed = yield* facts("ItemClosed")
        assert.strictEqual(closed.length, 2, "it was closed more than once")
        const all = yield* interventions
        assert.deepStrictEqual(
          all.map(({ answered, cause, item, kind, name, question }) => ({
            by: answered?.by,
            cause,
            item,
            kind,
            name,
            question
          })),
          [{ by: ada, cause: "stopped by hand", item: "item", kind: "interrupt", name: "close", question: "reason 1" }]
        )
      }).pipe(Effect.scoped, Effect.provide(factory(script({ item: [forever] }).code)))
    })
  )

  it.effect("stepped in again where it was wanted again before its run was stopped", () =>
    Effect.gen(function* () {
      const journal = yield* Journal.Journal
      const entry = (fact: FactoryEvent.Fact): FactoryEvent.Entry => ({
        ...{ line: null, run: null, item: "item", stage: null, actor: Actor.host, at: 0, fact }
      })
      const presence = yield* Layer.build(Presence.layerHeartbeat())
      const dispatcher = yield* Effect.provideContext(Dispatcher.make({ start }), presence)
      const what = { priority: 3, after: [], resources: {}, source: "", created: 0, again: false }
      // Somebody else has it, and does not see to it.
      yield* journal.append([
        entry({ _tag: "DispatcherSeen", dispatcher: "another" }),
        entry({ _tag: "ItemQueued", ...what }),
        entry({ _tag: "ItemClaimed", attempt: 1, by: "another", from: null })
      ])
      for (const again of [false, true]) {
        if (again) yield* dispatcher.enqueue({ id: "item" }, { again })
        yield* dispatcher.close("item", "no", { by: ada })
        assert.deepInclude(yield* dispatcher.standing("item"), { _tag: "Claimed", closing: "no" })
      }
      assert.strictEqual((yield* interventions).length, 2)
    }).pipe(Effect.scoped, Effect.provide(factory(script().code)))
  )

  it.effect("stepped in again where it had been wanted again", () =>
    Effect.gen(function* () {
      const dispatcher = yield* alone({ caps: { total: 0 } })
      for (const again of [false, true]) {
        yield* dispatcher.enqueue({ id: "item" }, { again })
        yield* dispatcher.close("item", "no", { by: ada })
        assert.deepStrictEqual(yield* dispatcher.standing("item"), { _tag: "Closed" })
      }
      yield* dispatcher.close("never queued", "no", { by: ada })
      yield* dispatcher.close("never queued", "no", { by: ada })
      assert.strictEqual((yield* interventions).length, 3)
    }).pipe(Effect.scoped, Effect.provide(factory(script().code)))
  )
})
