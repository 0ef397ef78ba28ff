import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Fault from "../src/Fault.ts"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { item, live, test } from "./FactoryStore.ts"

class Broken extends Fault.Class<Broken>()("Broken", { Broken: false }) {}

const by = { actor: Actor.human("ada") }
const yes = { _tag: "Approve" } as const
const ask = (name: string) => Effect.orDie(Gate.approve(name, { question: "Go on?", cause: "test" }))
const step = (name: string, work: Effect.Effect<unknown, Broken> = Effect.void) =>
  Stage.run({ name, success: Schema.Void }, Effect.asVoid(work))
const make = (name: string) => Line.make(name, { payload: { item: WorkItem.WorkItem }, success: Schema.Void })
const open = (run: string, count: number) =>
  Effect.repeat(Effect.andThen(Effect.yieldNow, Gate.list(run)), { until: (gates) => gates.size === count })

describe("A replay", () => {
  test("of two waiting branches lets the stage after one gate run on when the other gate is answered", (path) => {
    const Two = make("Two")
    let ran = 0
    return Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const done = yield* Deferred.make<void>()
      const long = Effect.suspend(() => {
        ran++
        return Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(done))
      })
      const code = Two.toLayer(() =>
        Effect.asVoid(Line.parallel("both", { a: ask("go"), b: Effect.andThen(ask("go"), step("long", long)) }))
      )
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          const run = yield* Two.start({ item })
          yield* open(run, 2)
          yield* Line.settled(run)
          yield* Gate.settle(`${run}:both/b/go`, yes, by)
          yield* Deferred.await(begun)
          yield* Gate.settle(`${run}:both/a/go`, yes, by)
          yield* Deferred.succeed(done, undefined)
          assert.strictEqual((yield* Line.ended(run))._tag, "Finished")
          assert.strictEqual(ran, 1, "the answer of another branch made a stage run again")
        })
      )
    })
  })

  test("of a join that stopped its last stage is no change of the code", (path) => {
    const Joined = make("Joined")
    return live(
      path,
      Joined.toLayer(
        Effect.fnUntraced(function* () {
          yield* Line.parallel(
            "race",
            { human: Effect.andThen(ask("go"), step("after")), slow: step("slow", Effect.never) },
            { join: "first" }
          )
          yield* ask("deploy")
          yield* step("deploy")
        })
      ),
      Effect.gen(function* () {
        const run = yield* Joined.start({ item })
        yield* open(run, 1)
        yield* Gate.settle(`${run}:race/human/go`, yes, by)
        yield* open(run, 2)
        yield* Gate.settle(`${run}:deploy`, yes, by)
        const status = yield* Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag !== "Waiting" })
        assert.strictEqual(status._tag, "Finished", JSON.stringify(status))
      })
    )
  })
})

describe("A join", () => {
  test("that does not need the branch that stalled goes on, and says so", (path) => {
    const Stalls = make("Stalls")
    return Effect.gen(function* () {
      const stalled = yield* Deferred.make<void>()
      const bad = Effect.andThen(Deferred.succeed(stalled, undefined), new Broken({ reason: "Broken", message: "no" }))
      yield* live(
        path,
        Stalls.toLayer(
          Effect.fnUntraced(function* () {
            yield* Line.parallel(
              "race",
              { bad: step("bad", bad), good: step("good", Deferred.await(stalled)) },
              { join: "first" }
            )
            yield* ask("go")
          })
        ),
        Effect.gen(function* () {
          const run = yield* Stalls.start({ item })
          yield* open(run, 1)
          const status = yield* Line.status(run)
          assert.notStrictEqual(status._tag, "Stalled", "a run that goes on is said to stand still")
        })
      )
    })
  })
})

describe("Going back", () => {
  test("forgets a stage whose name looks like that of a wait", (path) => {
    const Named = make("Named")
    const ran: Array<string> = []
    const told = (name: string) =>
      step(
        name,
        Effect.sync(() => ran.push(name))
      )
    return live(
      path,
      Named.toLayer(() => Effect.forEach(["pr-open", "review", "pr-merge"], told, { discard: true })),
      Effect.gen(function* () {
        const run = yield* Named.start({ item })
        yield* Line.ended(run)
        yield* Line.rewind(run, { before: "review" })
        yield* Line.ended(run)
        assert.deepStrictEqual(ran, ["pr-open", "review", "pr-merge", "review", "pr-merge"])
      })
    )
  })
})

describe("A limit of visits", () => {
  test("counts by name, over branches, and not by what a name looks like", (path) => {
    const Looping = make("Looping")
    return live(
      path,
      Looping.toLayer(
        Effect.fnUntraced(function* () {
          yield* Stage.run({ name: "issue#7", success: Schema.Void, visits: 1 }, Effect.void)
          const again = Stage.run({ name: "again", success: Schema.Void, visits: 3 }, Effect.void)
          yield* Effect.forever(Line.parallel("round", { only: again }))
        })
      ),
      Effect.gen(function* () {
        const status = yield* Line.settled(yield* Looping.start({ item }))
        assert.include(status._tag === "Stalled" ? status.fault.message : "", `"round#4/only/again" for the 4th time`)
      })
    )
  })
})
