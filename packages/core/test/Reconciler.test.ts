import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import * as LocalForge from "../src/adapters/LocalForge.ts"
import type * as Backlog from "../src/Backlog.ts"
import * as Dispatcher from "../src/Dispatcher.ts"
import type * as Forge from "../src/Forge.ts"
import * as Presence from "../src/Presence.ts"
import * as Reconciler from "../src/Reconciler.ts"
import type * as WorkItem from "../src/WorkItem.ts"
import * as Dispatching from "./Dispatching.ts"
import { repository, test } from "./Repository.ts"

const { factory, script, start, until } = Dispatching

const options: Reconciler.Options = {
  item: ({ id, source, title }: WorkItem.WorkItem) =>
    title.startsWith("Leave") ? undefined : { id, source, ...(title === "Circle" ? { after: [id] } : {}) },
  owns: ({ source }) => source.startsWith("issues/")
}

/** A forge whose issues are files, a dispatcher, and runs that go on until they are let go. */
const reconciling = <A, E>(
  body: (
    dir: string
  ) => Effect.Effect<A, E, Dispatcher.Dispatcher | Forge.Forge | Effect.Services<ReturnType<typeof Dispatching.facts>>>
) =>
  Effect.gen(function* () {
    const { dir } = yield* repository
    Fs.mkdirSync(`${dir}/issues`)
    const go = yield* Deferred.make<void>()
    const { code } = script({}, go)
    const forge = LocalForge.layer({ repository: dir, issues: "issues" }).pipe(Layer.provide(NodeServices.layer))
    const dispatcher = Dispatcher.layer({ start }).pipe(Layer.provide(Presence.layerAlone))
    yield* Effect.provide(body(dir), Layer.merge(forge, dispatcher).pipe(Layer.provideMerge(factory(code))))
  })

const write = (dir: string, name: string, text: string) => Fs.writeFileSync(`${dir}/issues/${name}.md`, text)

describe("Reconciler.once", () => {
  test("queues what is open, stops what is closed, and brings back what is opened again", () =>
    reconciling((dir) =>
      Effect.gen(function* () {
        const dispatcher = yield* Dispatcher.Dispatcher
        write(dir, "one", "# One")
        write(dir, "two", "# Two")
        write(dir, "left", "# Leave it")
        write(dir, "empty", "")
        write(dir, "circle", "# Circle")
        yield* dispatcher.enqueue({ id: "by-hand" })
        yield* Reconciler.once(options)
        yield* until(dispatcher, { Claimed: 3, Ready: 0 })
        const ids = (yield* dispatcher.list).map(({ item }) => item.id.replace(/-[0-9a-f]+$/, ""))
        assert.sameMembers(ids, ["by-hand", "one", "two"], "one that can not be queued keeps no other out")
        Fs.renameSync(`${dir}/issues/one.md`, `${dir}/one.md`)
        yield* Reconciler.once(options)
        yield* until(dispatcher, { Claimed: 2, Closed: 1 })
        assert.lengthOf(yield* Dispatching.facts("LineCancelled"), 1, "the run of a closed issue stops")
        yield* Reconciler.once(options)
        Fs.renameSync(`${dir}/one.md`, `${dir}/issues/one.md`)
        yield* Reconciler.once(options)
        yield* until(dispatcher, { Claimed: 3, Closed: 0 })
        yield* Reconciler.once(options)
        assert.lengthOf(yield* Dispatching.facts("ItemQueued"), 4, "to ask again writes nothing")
      })
    ))

  test("stops nothing when the forge can not tell what is open", () =>
    reconciling((dir) =>
      Effect.gen(function* () {
        const dispatcher = yield* Dispatcher.Dispatcher
        write(dir, "one", "# One")
        yield* Reconciler.once(options)
        yield* until(dispatcher, { Claimed: 1 })
        Fs.renameSync(`${dir}/issues`, `${dir}/elsewhere`)
        const error = yield* Effect.flip(Reconciler.once(options))
        assert.include(error.message, "issues")
        assert.strictEqual((yield* dispatcher.list)[0]?.standing._tag, "Claimed")
        assert.lengthOf(yield* Dispatching.facts("ItemClosed"), 0)
      })
    ))
})

describe("Reconciler.diff", () => {
  const Standing = Schema.Literals(["Ready", "Parked", "Claimed", "Closing", "Done", "Closed"])
  it.prop(
    "closes what nobody wants, brings back what was closed, and touches nothing that is done",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))), Schema.Array(Standing)],
    ([wanted, standings]) => {
      const claim = { token: 1, attempt: { number: 1, token: 1 }, key: "", by: "", run: undefined }
      const standingOf = (tag: typeof Standing.Type): Backlog.Standing => {
        if (tag === "Parked") return { _tag: tag, reason: "", review: null }
        if (tag === "Claimed") return { _tag: tag, claim, isAtGate: false, closing: undefined }
        return tag === "Closing" ? { _tag: "Claimed", claim, isAtGate: false, closing: "" } : { _tag: tag }
      }
      const known = new Map(standings.map((tag, id) => [`i${id}`, standingOf(tag)]))
      const { close, queue, reopen } = Reconciler.diff(
        wanted.map((id) => ({ id: `i${id}` })),
        known
      )
      const names = (items: ReadonlyArray<{ readonly id: string }>) => items.map(({ id }) => id)
      const all = [...close, ...names(queue), ...names(reopen)]
      assert.strictEqual(new Set(all).size, all.length, "nothing twice")
      for (const id of new Set([...known.keys(), ...wanted.map((each) => `i${each}`)])) {
        const tag = standings[Number(id.slice(1))]
        const isWanted = wanted.includes(Number(id.slice(1)))
        const isEnding = tag === "Closed" || tag === "Closing"
        assert.strictEqual(close.includes(id), !isWanted && !isEnding && tag !== "Done", `close ${id} ${tag}`)
        assert.strictEqual(names(reopen).includes(id), isWanted && isEnding, `reopen ${id} ${tag}`)
        assert.strictEqual(names(queue).includes(id), isWanted && !isEnding && tag !== "Done", `queue ${id} ${tag}`)
      }
    },
    { arbitrary: { runs: 300 } }
  )
})
