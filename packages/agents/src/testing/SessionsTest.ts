/**
 * What every store of sessions holds to. An adapter proves itself with one line:
 *
 * ```text
 * SessionsTest.suite("MySessions", MySessions.layer({ … }))
 * ```
 *
 * Each test builds the layer anew. A layer that finds again what an earlier one kept is given as `reopened`.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Prompt from "effect/ai/Prompt"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as SessionEntry from "../SessionEntry.ts"
import * as Session from "../Session.ts"
import * as Sessions from "../Sessions.ts"

type Store = Sessions.Sessions["Service"]

/** Stores over the same place: the first, and one that is opened later. */
export interface Options {
  readonly reopened?: Layer.Layer<Sessions.Sessions, unknown>
}

/** An entry that says a text, behind another one. */
export const entry = (id: string, parent: string | null, text = id): SessionEntry.SessionEntry => ({
  id,
  parent,
  at: 1_700_000_000_000,
  body: { _tag: "Said", by: "task", message: Prompt.userMessage({ content: [Prompt.textPart({ text })] }) }
})

/** Registers the tests of a store with vitest. */
export const suite = (name: string, layer: Layer.Layer<Sessions.Sessions, unknown>, options: Options = {}): void => {
  const open = (layer: Layer.Layer<Sessions.Sessions, unknown>) =>
    Effect.map(Layer.build(Layer.fresh(layer)), (built) => Context.get(built, Sessions.Sessions))
  const test = (title: string, claim: (store: Store) => Effect.Effect<void, unknown, Scope.Scope>) =>
    it.live(title, () => Effect.scoped(Effect.flatMap(open(layer), claim)))
  describe(`Sessions: ${name}`, () => {
    test("a session that is not there has no entries", (store) =>
      Effect.map(store.read("nobody"), (entries) => assert.deepStrictEqual(entries, [])))
    test("entries are read as they were appended, in their order", inOrder)
    test("two ways of one session, and two sessions, do not meet", apart)
    test("appends at once are all there", atOnce)
    test("whatever a text holds, it is read as it was", texts)
    test("names that could lead elsewhere are refused, and nothing is written", names)
    it("what was appended is there for whoever opens the store later", async (context) => {
      const { reopened } = options
      // Outside of the effect, where a skipped test is no failure to be reported.
      if (reopened === undefined) return context.skip("this store keeps nothing beyond its process")
      const entries = await Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            yield* (yield* open(layer)).append("later", [entry("a", null), entry("b", "a")])
            return yield* (yield* open(reopened)).read("later")
          })
        )
      )
      assert.deepStrictEqual(
        entries.map(({ id }) => id),
        ["a", "b"]
      )
    })
  })
}

const inOrder = Effect.fnUntraced(function* (store: Store) {
  const all = Array.from({ length: 50 }, (_, at) => entry(`e${at}`, at === 0 ? null : `e${at - 1}`))
  yield* store.append("run/stage:1", all.slice(0, 1))
  yield* store.append("run/stage:1", all.slice(1, 20))
  for (const each of all.slice(20)) yield* store.append("run/stage:1", [each])
  assert.deepStrictEqual(yield* store.read("run/stage:1"), all)
})

const apart = Effect.fnUntraced(function* (store: Store) {
  yield* store.append("one", [entry("root", null), entry("left", "root"), entry("right", "root")])
  yield* store.append("two", [entry("root", null)])
  yield* store.append("one", [entry("leftmost", "left")])
  const one = { id: "one", entries: yield* store.read("one") }
  const way = yield* Effect.fromResult(Session.path(one))
  assert.deepStrictEqual(
    way.map(({ id }) => id),
    ["root", "left", "leftmost"]
  )
  assert.lengthOf(yield* store.read("two"), 1, "an entry of one session is in another")
})

const atOnce = Effect.fnUntraced(function* (store: Store) {
  yield* store.append("busy", [entry("root", null)])
  const ids = Array.from({ length: 40 }, (_, at) => `w${at}`)
  yield* Effect.forEach(ids, (id) => store.append("busy", [entry(id, "root", id.repeat(500))]), {
    concurrency: "unbounded"
  })
  const entries = yield* store.read("busy")
  assert.sameMembers(
    entries.map(({ id }) => id),
    ["root", ...ids]
  )
})

const texts = Effect.fnUntraced(function* (store: Store) {
  const odd = ["", "\n", "\r\n\u2028\u2029", "\u0000", "🚆", '{"session":"x"}', "a".repeat(2_000_000)]
  const entries = odd.map((text, at) => entry(`t${at}`, at === 0 ? null : `t${at - 1}`, text))
  yield* store.append("odd", entries)
  assert.deepStrictEqual(yield* store.read("odd"), entries)
})

const names = Effect.fnUntraced(function* (store: Store) {
  for (const name of ["", "..", "../up", "a/../b", "/etc", "a//b", "a\u0000b", "ä", "x".repeat(201), "."]) {
    const read = yield* Effect.flip(store.read(name))
    assert.strictEqual(read.reason, "BadName", `the name ${JSON.stringify(name)} is read`)
    const written = yield* Effect.flip(store.append(name, [entry("a", null)]))
    assert.strictEqual(written.reason, "BadName", `the name ${JSON.stringify(name)} is written`)
  }
  const long = "x".repeat(100) + "/".concat("y:".repeat(49), "z")
  yield* store.append(long, [entry("a", null)])
  assert.lengthOf(yield* store.read(long), 1, "a long name is no name")
})
