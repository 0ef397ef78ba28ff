import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Gate from "../src/Gate.ts"
import * as GateDesk from "../src/GateDesk.ts"
import * as GateSight from "../src/GateSight.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, count, events, item, live, range, store, test } from "./FactoryStore.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}

const by = { actor: Actor.human("ada") }
const make = <A>(success: Schema.Codec<A, unknown>) =>
  Line.make("Wide", { payload: { item: WorkItem.WorkItem }, success, error: Refused })
const stage = (name: string, work: Effect.Effect<string>) => Stage.run({ name, success: Schema.String }, work)
const resultOf = (run: string) =>
  Effect.map(Effect.repeat(Line.settled(run), { until: (status) => status._tag !== "Waiting" }), (status) => {
    assert.strictEqual(status._tag, "Finished", JSON.stringify(status))
    return status._tag === "Finished" ? status.result : undefined
  })

describe("Line.parallel", () => {
  test("gives the result of every branch; steps of one name do not meet", (path) => {
    const Wide = make(Schema.Struct({ a: Schema.String, b: Schema.String }))
    const code = Wide.toLayer(() =>
      Line.parallel("both", { a: stage("work", Effect.succeed("a")), b: stage("work", Effect.succeed("b")) })
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* resultOf(yield* Wide.start({ item })), { a: "a", b: "b" })
        assert.strictEqual(yield* count("StageFinished", "both/a/work"), 1)
        assert.strictEqual(yield* count("StageFinished", "both/b/work"), 1)
      })
    )
  })

  test("ends all branches before the first error by place is the answer", (path) => {
    const Wide = make(Schema.Void)
    const refusing = (name: string, work: Effect.Effect<unknown>) =>
      Stage.run(
        { name, success: Schema.Void, error: Refused },
        Effect.andThen(work, Effect.fail(new Refused({ why: name })))
      )
    return Effect.gen(function* () {
      const second = yield* Deferred.make<void>()
      const code = Wide.toLayer(() =>
        Effect.asVoid(
          Line.parallel("all", {
            first: Effect.andThen(stage("before", Effect.succeed("")), refusing("slow", Deferred.await(second))),
            second: refusing("fast", Deferred.succeed(second, undefined))
          })
        )
      )
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          const status = yield* Line.settled(yield* Wide.start({ item }))
          assert.strictEqual(status._tag, "Failed")
          assert.strictEqual(yield* count("StageFailed"), 2)
          const failed = (yield* events).find(({ fact }) => fact._tag === "LineFailed")
          assert.include(JSON.stringify(failed), "slow", "which error it is does not hang on which was faster")
        })
      )
    })
  })

  test("takes the first result, stops the others, and stays with that over every replay", (path) => {
    const Wide = make(Schema.String)
    const ran: Array<string> = []
    return Effect.gen(function* () {
      const slow = yield* Deferred.make<string>()
      const begun = yield* Deferred.make<void>()
      const code = Wide.toLayer(
        Effect.fnUntraced(function* () {
          const { branch, value } = yield* Line.parallel(
            "race",
            {
              slow: stage(
                "work",
                Effect.suspend(() => {
                  ran.push("slow")
                  return Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(slow))
                })
              ),
              fast: stage(
                "work",
                Effect.suspend(() => {
                  ran.push("fast")
                  return Effect.as(Deferred.await(begun), "fast")
                })
              )
            },
            { join: "first" }
          )
          yield* Deferred.succeed(slow, "slow")
          yield* Effect.orDie(Gate.approve("go", { question: "Go on?", cause: "test" }))
          return `${branch}: ${value}`
        })
      )
      const run = yield* live(
        path,
        code,
        Effect.gen(function* () {
          const run = yield* Wide.start({ item })
          assert.strictEqual((yield* Line.settled(run))._tag, "Waiting", "a stopped branch is no open stage")
          return run
        })
      )
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          yield* Gate.settle(`${run}:go`, { _tag: "Approve" }, by)
          assert.strictEqual(yield* resultOf(run), "fast: fast")
          assert.deepStrictEqual(ran, ["slow", "fast"], "a replay ran a branch that was stopped")
          const joined = (yield* events).find(({ fact }) => fact._tag === "BranchesJoined")
          assert.deepInclude(joined?.fact, { enough: ["fast"], dropped: ["race/slow/work"] })
        })
      )
    })
  })

  test("takes as many as are enough, or says how each one ended", (path) => {
    const Wide = make(Schema.Unknown)
    const refuse = Effect.fail(new Refused({ why: "no" }))
    const code = Wide.toLayer(
      Effect.fnUntraced(function* () {
        const two = yield* Line.parallel(
          "some",
          { a: refuse, b: stage("b", Effect.succeed("b")), c: stage("c", Effect.succeed("c")) },
          { join: 2 }
        )
        const each = yield* Line.parallel("each", { a: refuse, b: Effect.succeed("b") }, { join: "settled" })
        const ends = [
          Result.isFailure(each.a) ? each.a.failure.why : "",
          Result.isSuccess(each.b) ? each.b.success : ""
        ]
        const short = yield* Effect.exit(Line.parallel("short", { a: refuse, b: Effect.succeed("b") }, { join: 2 }))
        return { two, ends, short: Exit.isFailure(short) }
      })
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* resultOf(yield* Wide.start({ item })), {
          two: { b: "b", c: "c" },
          ends: ["no", "b"],
          short: true
        })
      })
    )
  })

  test("holds no more results than were wanted, and the same ones in a replay", (path) => {
    const Wide = make(Schema.Unknown)
    const code = Wide.toLayer(
      Effect.fnUntraced(function* () {
        const two = yield* Line.parallel(
          "some",
          { a: Effect.succeed("a"), b: Effect.succeed("b"), c: Effect.succeed("c") },
          { join: 2 }
        )
        yield* Effect.orDie(Gate.approve("go", { question: "Go on?", cause: "test" }))
        return two
      })
    )
    return Effect.gen(function* () {
      const run = yield* live(path, code, Effect.tap(Wide.start({ item }), Line.settled))
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          yield* Gate.settle(`${run}:go`, { _tag: "Approve" }, by)
          assert.deepStrictEqual(yield* resultOf(run), { a: "a", b: "b" }, "the first by their places")
          const joined = (yield* events).find(({ fact }) => fact._tag === "BranchesJoined")
          assert.deepInclude(joined?.fact, { enough: ["a", "b"] })
        })
      )
    })
  })

  test("lets a branch work on while another one waits, and its answer disturbs nobody", (path) => {
    const Wide = make(Schema.Unknown)
    let ran = 0
    return Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const answered = yield* Deferred.make<void>()
      const after = yield* Deferred.make<void>()
      const code = Wide.toLayer(() =>
        Line.parallel("both", {
          asked: Effect.gen(function* () {
            const text = yield* Gate.answer("what", { question: "What?", cause: "test" })
            yield* stage("after", Effect.as(Deferred.succeed(after, undefined), text))
            return text
          }).pipe(Effect.orDie),
          busy: stage(
            "busy",
            Effect.suspend(() => {
              ran++
              return Effect.andThen(Deferred.succeed(begun, undefined), Effect.as(Deferred.await(answered), "done"))
            })
          )
        })
      )
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          const run = yield* Wide.start({ item })
          yield* Deferred.await(begun)
          const gates = yield* Effect.repeat(Gate.list(run), { until: (gates) => gates.size > 0 })
          assert.isTrue(gates.has(`${run}:both/asked/what`), [...gates.keys()].join())
          yield* Gate.settle(`${run}:both/asked/what`, { _tag: "Reply", text: "this" }, by)
          // The asked branch goes on although the other one is still in its stage.
          yield* Deferred.await(after)
          yield* Deferred.succeed(answered, undefined)
          assert.deepStrictEqual(yield* resultOf(run), { asked: "this", busy: "done" })
          assert.strictEqual(ran, 1, "an answer made a stage of another branch run again")
        })
      )
    })
  })

  test("closes what a stopped branch asked, for every process, and keeps what was answered there", (path) => {
    const Wide = make(Schema.String)
    const ask = (name: string) => Effect.orDie(Gate.answer(name, { question: "What?", cause: "test" }))
    return Effect.gen(function* () {
      const answered = yield* Deferred.make<void>()
      const code = Wide.toLayer(
        Effect.fnUntraced(function* () {
          const { branch } = yield* Line.parallel(
            "race",
            {
              human: Effect.andThen(ask("first"), ask("second")),
              work: stage("work", Effect.as(Deferred.await(answered), "worked"))
            },
            { join: "first" }
          )
          yield* ask("last")
          return branch
        })
      )
      const run = yield* live(
        path,
        code,
        Effect.gen(function* () {
          const run = yield* Wide.start({ item })
          const opened = (id: string) => Effect.repeat(Gate.list(run), { until: (gates) => gates.has(`${run}:${id}`) })
          yield* opened("race/human/first")
          yield* Gate.settle(`${run}:race/human/first`, { _tag: "Reply", text: "this" }, by)
          yield* opened("race/human/second")
          yield* Deferred.succeed(answered, undefined)
          yield* opened("last")
          return run
        })
      )
      yield* alone(
        Effect.gen(function* () {
          const late = yield* Effect.flip(Gate.settle(`${run}:race/human/second`, { _tag: "Reply", text: "late" }, by))
          assert.strictEqual(late._tag === "GateError" && late.reason, "Closed", late.message)
          assert.strictEqual(yield* count("GateAnswered"), 1, "an answer that nobody waits for is no fact")
          const open = (yield* GateDesk.open).map(({ opened }) => opened.gate)
          assert.deepStrictEqual(open, [`${run}:last`])
          const first = (yield* GateSight.look(`${run}:race/human/first`)).gate
          assert.isUndefined(first?.intervention.withdrawn)
          assert.deepInclude(first?.answered, { answer: { text: "this" } })
        }),
        store(path)
      )
    })
  })

  test("is decided by a branch that works although another one waits for ever", (path) => {
    const Wide = make(Schema.String)
    return live(
      path,
      Wide.toLayer(() =>
        Line.parallel(
          "race",
          {
            human: Effect.orDie(Gate.answer("what", { question: "What?", cause: "test" })),
            work: Effect.gen(function* () {
              for (const n of range(5)) yield* stage(`step ${n}`, Effect.as(Effect.yieldNow, "x"))
              return "worked"
            })
          },
          { join: "first" }
        ).pipe(Effect.map(({ value }) => value))
      ),
      Effect.gen(function* () {
        for (const _ of range(20)) assert.strictEqual(yield* resultOf(yield* Wide.start({ item })), "worked")
      })
    )
  })
})
