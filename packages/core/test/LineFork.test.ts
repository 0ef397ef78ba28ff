import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { item, live, test } from "./FactoryStore.ts"

const Forked = Line.make("Forked", { payload: { item: WorkItem.WorkItem }, success: Schema.Array(Schema.String) })

const step = (name: string, ran: Array<string>, work: Effect.Effect<unknown> = Effect.void) =>
  Stage.run(
    { name, success: Schema.String },
    Effect.suspend(() => {
      ran.push(name)
      return Effect.as(work, name)
    })
  )

const inTurn = (names: ReadonlyArray<string>, ran: Array<string>) => Effect.forEach(names, (name) => step(name, ran))

describe("A fork", () => {
  test("stays with the branches that were enough, and can go back before the place of the fork", (path) => {
    const ran: Array<string> = []
    return Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const code = Forked.toLayer(
        Effect.fnUntraced(function* () {
          const { value } = yield* Line.parallel(
            "race",
            {
              slow: step("slow", ran, Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)),
              fast: step("fast", ran, Deferred.await(begun))
            },
            { join: "first" }
          )
          return [value, yield* step("after", ran)]
        })
      )
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          const run = yield* Forked.start({ item })
          assert.strictEqual((yield* Line.settled(run))._tag, "Finished")
          const fork = yield* Line.fork(run, { before: "after" })
          assert.deepInclude(yield* Line.settled(fork), { _tag: "Finished", result: ["fast", "after"] })
          assert.deepStrictEqual(ran, ["slow", "fast", "after", "after"], "a fork ran a branch that was stopped")
          yield* Line.rewind(fork, { before: "race/fast/fast" })
          assert.strictEqual((yield* Line.settled(fork))._tag, "Finished")
          assert.include(ran.slice(4), "fast", "a fork did not go back to before its place")
        })
      )
    })
  })

  test("is refused when the code has changed before its place, and keeps the old way where it asks", (path) =>
    Effect.gen(function* () {
      const old = inTurn(["build", "test", "deliver"], [])
      const run = yield* live(
        path,
        Forked.toLayer(() => old),
        Effect.tap(Forked.start({ item }), Line.settled)
      )
      const ran: Array<string> = []
      const changed = inTurn(["build", "check", "deliver"], ran)
      yield* live(
        path,
        Forked.toLayer(() => changed),
        Effect.gen(function* () {
          const status = yield* Line.settled(yield* Line.fork(run, { before: "deliver" }))
          assert.strictEqual(status._tag === "Stalled" ? status.fault.reason : status._tag, "CodeChanged")
          assert.deepStrictEqual(ran, [], "a fork ran what its code has in another place")
        })
      )
      const asking = Effect.gen(function* () {
        const build = yield* step("build", ran)
        const lint = (yield* Line.patched("lint")) ? [yield* step("lint", ran)] : []
        return [build, ...lint, ...(yield* inTurn(["test", "deliver"], ran))]
      })
      yield* live(
        path,
        Forked.toLayer(() => asking),
        Effect.gen(function* () {
          const status = yield* Line.settled(yield* Line.fork(run, { before: "deliver" }))
          assert.deepInclude(status, { _tag: "Finished", result: ["build", "test", "deliver"] })
          const anew = yield* Line.settled(yield* Line.fork(run, { before: "test" }))
          assert.deepInclude(anew, { _tag: "Finished", result: ["build", "lint", "test", "deliver"] })
        })
      )
    }))
})
