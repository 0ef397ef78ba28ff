import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Actor from "../src/Actor.ts"
import * as Durable from "../src/Durable.ts"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as Status from "../src/Status.ts"
import * as Watch from "../src/Watch.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { count, item, live, test } from "./FactoryStore.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}
const by = { actor: Actor.human("ada") }

const Inner = Line.make("Inner", {
  payload: { item: WorkItem.WorkItem, what: Schema.String },
  success: Schema.String,
  error: Refused
})
const Outer = Line.make("Outer", { payload: { item: WorkItem.WorkItem }, success: Schema.String })

/** A parent with a stage on either side of a child that asks a human. */
const family = () => {
  const ran: Array<string> = []
  const step = (name: string) =>
    Stage.run(
      { name, success: Schema.Void },
      Effect.sync(() => void ran.push(name))
    )
  const code = Layer.merge(
    Inner.toLayer(
      Effect.fnUntraced(function* ({ what }) {
        yield* step(`inner ${what}`)
        const { note } = yield* Gate.approve("go", { question: `${what}?`, cause: "test" }).pipe(
          Effect.catchTag("Rejected", ({ note }) => new Refused({ why: note }))
        )
        return `${what}: ${note}`
      })
    ),
    Outer.toLayer(
      Effect.fnUntraced(function* ({ item }) {
        yield* step("before")
        const answer = yield* Inner.child({ item, what: "this" }).pipe(
          Effect.catchTag("Refused", ({ why }) => Effect.succeed(`refused: ${why}`)),
          Effect.catchTag("ChildStopped", ({ reason }) => Effect.succeed(`stopped: ${reason}`))
        )
        yield* step("after")
        return answer
      })
    )
  )
  return { code, ran }
}

const childOf = (parent: string) =>
  Effect.repeat(
    Effect.map(Status.runs("Inner"), (all) => all.find((run) => run.parent?.run === parent && run._tag === "Waiting")),
    { until: (child) => child !== undefined }
  ).pipe(Effect.map((child) => child?.run ?? ""))

const resultOf = (run: string) =>
  Effect.map(Line.settled(run), (status) => {
    assert.strictEqual(status._tag, "Finished", JSON.stringify(status))
    return status._tag === "Finished" ? status.result : undefined
  })

describe("A child line", () => {
  test("that waits for a human does not make its parent run anything again, over restarts", (path) => {
    const { code, ran } = family()
    return Effect.gen(function* () {
      const [run, child] = yield* live(
        path,
        code,
        Effect.gen(function* () {
          const run = yield* Outer.start({ item })
          return [run, yield* childOf(run)]
        })
      )
      yield* live(path, code, Effect.asVoid(childOf(run)))
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          yield* Gate.settle(`${child}:go`, { _tag: "Approve", note: "fine" }, by)
          assert.strictEqual(yield* resultOf(run), "this: fine")
          assert.deepStrictEqual(ran, ["before", "inner this", "after"], "a finished stage ran again")
          assert.strictEqual(yield* count("LineStarted"), 2, "one parent and one child were started")
        })
      )
    })
  })

  test("that waits for a human is what its parent waits for, and whoever asks is told so", (path) => {
    const { code } = family()
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Outer.start({ item })
        const child = yield* childOf(run)
        const waits = { _tag: "Waiting" as const, waitingChildren: [child], openGates: [] }
        assert.deepInclude(yield* Line.status(run), waits)
        const [listed] = yield* Line.list({ line: "Outer", status: "Waiting" })
        assert.deepInclude(listed, waits, "the list says something else")
        const watched = (yield* Watch.all()).find(({ status }) => status.run === run)
        assert.deepInclude(watched?.status, waits)
        yield* Gate.settle(`${child}:go`, { _tag: "Approve", note: "fine" }, by)
        assert.strictEqual(yield* resultOf(run), "this: fine")
      })
    )
  })

  test("fails its parent with the errors that it declares, of their types", (path) => {
    const { code } = family()
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Outer.start({ item })
        yield* Gate.settle(`${yield* childOf(run)}:go`, { _tag: "Reject", note: "not this" }, by)
        assert.strictEqual(yield* resultOf(run), "refused: not this")
      })
    )
  })

  test("that is cancelled is an error of its parent; one whose parent is cancelled is cancelled", (path) => {
    const { code } = family()
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Outer.start({ item })
        yield* Line.cancel(yield* childOf(run), { reason: "nobody needs it" })
        assert.strictEqual(yield* resultOf(run), "stopped: nobody needs it")
        const other = yield* Outer.start({ item })
        const child = yield* childOf(other)
        yield* Line.cancel(other, { reason: "closed" })
        const status = yield* Line.status(child)
        assert.strictEqual(status._tag, "Cancelled", "the child of a cancelled run goes on")
        assert.include(status._tag === "Cancelled" ? status.reason : "", other)
      })
    )
  })

  test("is started anew when its parent goes back before it; the old one is cancelled", (path) => {
    const { code } = family()
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Outer.start({ item })
        const child = yield* childOf(run)
        yield* Line.rewind(run, { before: "child-Inner" })
        assert.strictEqual((yield* Line.status(child))._tag, "Cancelled")
        const next = yield* childOf(run)
        assert.notStrictEqual(next, child)
        yield* Gate.settle(`${next}:go`, { _tag: "Approve", note: "now" }, by)
        assert.strictEqual(yield* resultOf(run), "this: now")
      })
    )
  })

  test("can be many at once, each with its own name", (path) => {
    const Many = Line.make("Many", { payload: { item: WorkItem.WorkItem }, success: Schema.Unknown })
    const Quick = Line.make("Quick", { payload: { item: WorkItem.WorkItem, n: Schema.Int }, success: Schema.Int })
    const code = Layer.merge(
      Quick.toLayer(({ n }) => Stage.run({ name: "square", success: Schema.Int }, Effect.succeed(n * n))),
      Many.toLayer(({ item }) =>
        Line.parallel("squares", {
          one: Quick.child({ item, n: 1 }),
          two: Quick.child({ item, n: 2 }),
          three: Quick.child({ item, n: 3 })
        }).pipe(Effect.catchTag("ChildStopped", Effect.die))
      )
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* resultOf(yield* Many.start({ item })), { one: 1, two: 4, three: 9 })
      })
    )
  })

  test("is noticed at its end, also beside a stage of its parent that goes on", (path) => {
    const Quick = Line.make("Quick", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
    const Busy = Line.make("Busy", { payload: { item: WorkItem.WorkItem }, success: Schema.Unknown })
    let ran = 0
    return Effect.gen(function* () {
      const noticed = yield* Deferred.make<void>()
      const code = Layer.merge(
        Quick.toLayer(() => Effect.orDie(Gate.answer("what", { question: "What?", cause: "test" }))),
        Busy.toLayer(({ item }) =>
          Line.parallel("both", {
            child: Effect.tap(Effect.orDie(Quick.child({ item })), () =>
              Stage.run({ name: "after", success: Schema.Void }, Effect.asVoid(Deferred.succeed(noticed, undefined)))
            ),
            busy: Stage.run(
              { name: "busy", success: Schema.Int },
              Effect.suspend(() => Effect.as(Deferred.await(noticed), ++ran))
            )
          })
        )
      )
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          const run = yield* Busy.start({ item })
          const [child] = yield* Effect.repeat(Line.list({ line: "Quick", status: "Waiting" }), {
            until: (all) => all.length === 1
          })
          // Its parent has been told that it waits.
          yield* Effect.repeat(Effect.andThen(Effect.yieldNow, Durable.named("Quick").poll(child?.execution ?? "")), {
            until: (result) => Option.isSome(result) && result.value._tag === "Suspended"
          })
          yield* Effect.repeat(Effect.yieldNow, { times: 20 })
          yield* Gate.settle(`${child?.run}:what`, { _tag: "Reply", text: "this" }, by)
          yield* Effect.timeoutOrElse(Deferred.await(noticed), {
            duration: "10 seconds",
            orElse: () => Effect.die("the end of a child was not noticed before the stage beside it ended")
          })
          assert.deepStrictEqual(yield* resultOf(run), { child: "this", busy: 1 })
        })
      )
    })
  })

  test("can not be started outside of a line", (path) => {
    const { code } = family()
    return live(
      path,
      code,
      Effect.gen(function* () {
        const error = yield* Effect.flip(Inner.child({ item, what: "x" }))
        assert.strictEqual(error._tag === "LineError" && error.reason, "NotInALine")
      })
    )
  })
})
