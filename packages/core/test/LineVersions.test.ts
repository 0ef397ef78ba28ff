import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Gate from "../src/Gate.ts"
import type * as Journal from "../src/Journal.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { item, live, test } from "./FactoryStore.ts"

const by = { actor: Actor.human("ada") }
const Changing = Line.make("Changing", { payload: { item: WorkItem.WorkItem }, success: Schema.Array(Schema.String) })
const asked = Effect.orDie(Gate.approve("go", { question: "Go on?", cause: "test" }))

type Step = (name: string) => Effect.Effect<string, never, Journal.Journal>

/** Code of a line, as it was at some time, and what it really ran. */
const code = <R>(body: (step: Step) => Effect.Effect<ReadonlyArray<string>, never, R>) => {
  const ran: Array<string> = []
  const step: Step = (name) =>
    Stage.run(
      { name, success: Schema.String },
      Effect.as(
        Effect.sync(() => ran.push(name)),
        name
      )
    )
  return { ran, layer: Changing.toLayer(() => body(step)) }
}

const old = () =>
  code((step) =>
    Effect.gen(function* () {
      const done = [yield* step("build"), yield* step("test")]
      yield* asked
      return [...done, yield* step("deliver")]
    })
  )

/** Starts a run with the old code, up to its gate. */
const begun = (path: string) =>
  live(
    path,
    old().layer,
    Effect.gen(function* () {
      const run = yield* Changing.start({ item })
      yield* Line.settled(run)
      return run
    })
  )

const goesOn = (run: string) =>
  Effect.gen(function* () {
    yield* Gate.settle(`${run}:go`, { _tag: "Approve" }, by)
    return yield* Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag !== "Waiting" })
  })

describe("A line whose code changed while a run was on its way", () => {
  test("goes on when what the run did is still there, whatever comes after", (path) =>
    Effect.gen(function* () {
      const run = yield* begun(path)
      const { layer, ran } = code((step) =>
        Effect.gen(function* () {
          const done = [yield* step("build"), yield* step("test")]
          yield* asked
          return [...done, yield* step("sign"), yield* step("publish")]
        })
      )
      const status = yield* live(path, layer, goesOn(run))
      assert.deepInclude(status, { _tag: "Finished", result: ["build", "test", "sign", "publish"] })
      assert.deepStrictEqual(ran, ["sign", "publish"])
    }))

  for (const [title, at, names] of [
    ["a stage has another name", "compile", ["compile", "test"]],
    ["a stage was put in between", "lint", ["build", "lint", "test"]],
    ["a stage in the middle was renamed", "check", ["build", "check"]]
  ] as const) {
    test(`is refused by name when ${title}, and runs nothing`, (path) =>
      Effect.gen(function* () {
        const run = yield* begun(path)
        const { layer, ran } = code((step) =>
          Effect.gen(function* () {
            const done = yield* Effect.forEach(names, step)
            yield* asked
            return [...done, yield* step("deliver")]
          })
        )
        const status = yield* live(path, layer, goesOn(run))
        assert.strictEqual(status._tag, "Stalled", JSON.stringify(status))
        const message = status._tag === "Stalled" ? status.fault.message : ""
        for (const part of ["Changing", run, `"${at}"`, "gate-go-open"]) assert.include(message, part)
        assert.deepStrictEqual(ran, [], "a run that is refused ran something")
        // With the old code it goes on as if nothing had been.
        const again = old()
        const mended = yield* live(
          path,
          again.layer,
          Effect.andThen(
            Line.resume(run),
            Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag !== "Stalled" })
          )
        )
        assert.deepInclude(mended, { _tag: "Finished", result: ["build", "test", "deliver"] })
        assert.deepStrictEqual(again.ran, ["deliver"])
      }))
  }

  test("is refused when it would end before what the run has begun", (path) =>
    Effect.gen(function* () {
      const run = yield* begun(path)
      const { layer } = code((step) => Effect.map(step("build"), (name) => [name]))
      const status = yield* live(path, layer, goesOn(run))
      assert.include(status, { _tag: "Stalled" })
      assert.include(status._tag === "Stalled" ? status.fault.message : "", "its end")
    }))

  test("asks Line.patched: old runs take the old way for ever, new ones the new way", (path) =>
    Effect.gen(function* () {
      const run = yield* begun(path)
      const patched = () =>
        code((step) =>
          Effect.gen(function* () {
            const first = yield* step("build")
            const lint = (yield* Line.patched("lint first")) ? [yield* step("lint")] : []
            const done = [first, ...lint, yield* step("test")]
            yield* asked
            const late = (yield* Line.patched("sign")) ? [yield* step("sign")] : []
            return [...done, ...late, yield* step("deliver")]
          })
        )
      const first = patched()
      const status = yield* live(path, first.layer, goesOn(run))
      assert.deepInclude(status, { _tag: "Finished", result: ["build", "test", "sign", "deliver"] })
      assert.deepStrictEqual(first.ran, ["sign", "deliver"], "a change after the place of the run is taken")
      const next = patched()
      yield* live(
        path,
        next.layer,
        Effect.gen(function* () {
          const fresh = yield* Changing.start({ item })
          yield* Line.settled(fresh)
          assert.deepInclude(yield* goesOn(fresh), { result: ["build", "lint", "test", "sign", "deliver"] })
        })
      )
    }))

  test("may have branches side by side: what each did before is met in any order", (path) => {
    const wide = () =>
      code((step) =>
        Effect.gen(function* () {
          const all = yield* Line.parallel("wide", {
            a: Effect.andThen(step("a1"), step("a2")),
            b: Effect.andThen(Effect.andThen(step("b1"), step("b2")), step("b3")),
            c: Effect.as(asked, "c")
          })
          return [...Object.values(all), yield* step("end")]
        })
      )
    return Effect.gen(function* () {
      const run = yield* live(
        path,
        wide().layer,
        Effect.gen(function* () {
          const run = yield* Changing.start({ item })
          yield* Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag === "Waiting" })
          return run
        })
      )
      const again = wide()
      const settle = Effect.gen(function* () {
        yield* Gate.settle(`${run}:wide/c/go`, { _tag: "Approve" }, by)
        return yield* Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag !== "Waiting" })
      })
      const status = yield* live(path, again.layer, settle)
      assert.deepInclude(status, { _tag: "Finished", result: ["a2", "b3", "c", "end"] })
      assert.notInclude(again.ran, "a1", "a finished stage ran again")
    })
  })
})

describe("A line stalls with an error that says what, where and how to mend it", () => {
  const faultOf = (run: string) =>
    Effect.map(Line.settled(run), (status) => {
      assert.strictEqual(status._tag, "Stalled", JSON.stringify(status))
      return status._tag === "Stalled" ? status.fault : undefined
    })

  for (const [what, value] of [
    ["a function", () => 1],
    ["a symbol", Symbol("none")]
  ] as const) {
    test(`when the result of a stage is ${what}`, (path) =>
      live(
        path,
        Changing.toLayer(() =>
          Effect.as(Stage.run({ name: "odd", success: Schema.Any }, Effect.succeed(value)), [] as ReadonlyArray<string>)
        ),
        Effect.gen(function* () {
          const fault = yield* faultOf(yield* Changing.start({ item }))
          assert.include(fault, { tag: "StageError", reason: "NotStorable" })
          assert.include(fault?.message, `"odd"`)
          assert.include(fault?.message, "resume the run")
        })
      ))
  }

  test("when its own result is no JSON", (path) => {
    const Odd = Line.make("Odd", { payload: { item: WorkItem.WorkItem }, success: Schema.Unknown })
    return live(
      path,
      Odd.toLayer(() => Effect.succeed(() => 1)),
      Effect.gen(function* () {
        const fault = yield* faultOf(yield* Odd.start({ item }))
        assert.include(fault, { tag: "LineError", reason: "NotStorable" })
        assert.include(fault?.message, `"Odd"`)
      })
    )
  })

  test("when a branch whose result it went on with is gone", (path) => {
    const both = (names: ReadonlyArray<string>) =>
      Changing.toLayer(() =>
        Effect.gen(function* () {
          const branches = Object.fromEntries(names.map((name) => [name, Effect.succeed(name)] as const))
          yield* Line.parallel("some", branches, { join: 1 })
          yield* asked
          return []
        })
      )
    return Effect.gen(function* () {
      const run = yield* live(path, both(["a", "b"]), Effect.tap(Changing.start({ item }), Line.settled))
      yield* live(
        path,
        both(["b"]),
        Effect.gen(function* () {
          yield* Gate.settle(`${run}:go`, { _tag: "Approve" }, by)
          const fault = yield* faultOf(run)
          assert.include(fault, { tag: "LineError", reason: "CodeChanged" })
          assert.include(fault?.message, `no branch "a" in "some"`)
        })
      )
    })
  })
})
