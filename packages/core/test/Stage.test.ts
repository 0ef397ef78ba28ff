import { assert, describe } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import * as Actor from "../src/Actor.ts"
import * as Fault from "../src/Fault.ts"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Redaction from "../src/Redaction.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { count, events, item, live, range, test } from "./FactoryStore.ts"

class Busy extends Fault.Class<Busy>()("Busy", { Often: true, Never: false }) {}
class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {
  override get message() {
    return `It was refused: ${this.why}`
  }
}

const line = <A>(name: string, success: Schema.Codec<A, unknown>) =>
  Line.make(name, { payload: { item: WorkItem.WorkItem }, success, error: Schema.Union([Line.Parked, Refused]) })

const ended = (run: string) => Line.ended(run)

describe("Stage.run", () => {
  test("waits between tries for as long as the other side asks, and at least as long as its schedule says", (path) => {
    const Retried = line("Retried", Schema.Number)
    const asks = [40, 0, 5]
    let tries = 0
    const code = Retried.toLayer(() =>
      Stage.run(
        { name: "flaky", success: Schema.Number, retry: Schedule.spaced("20 millis") },
        Effect.suspend(() => {
          const retryAfter = asks[tries++]
          return retryAfter === undefined
            ? Effect.succeed(tries)
            : new Busy({ reason: "Often", message: "later", ...(retryAfter === 0 ? {} : { retryAfter }) })
        })
      )
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        assert.include(yield* Line.settled(yield* Retried.start({ item })), { _tag: "Finished", result: 4 })
        const retried = (yield* events).flatMap(({ at, fact }) =>
          fact._tag === "StageRetried" ? [{ ...fact, at }] : []
        )
        assert.deepStrictEqual(
          retried.map(({ attempt, delay }) => [attempt, delay]),
          [
            [1, 40],
            [2, 20],
            [3, 20]
          ]
        )
        const began = (yield* events).flatMap(({ at, fact }) => (fact._tag === "StageStarted" ? [at] : []))
        for (const [index, { at, delay }] of retried.entries()) {
          assert.isAtLeast((began[index + 1] ?? 0) - at, delay - 2, "a try began before its pause was over")
        }
      })
    )
  })

  test("does not try again what trying can not mend, and no more often than its schedule allows", (path) => {
    const Given = line("Given", Schema.Void)
    let tries = 0
    let reason: "Often" | "Never" = "Never"
    const code = Given.toLayer(() =>
      Stage.run(
        { name: "broken", success: Schema.Void, retry: Schedule.recurs(2) },
        Effect.suspend(() => (tries++, new Busy({ reason, message: "no" })))
      )
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Given.start({ item })
        assert.include(yield* Line.settled(run), { _tag: "Stalled", stage: "broken" })
        assert.strictEqual(tries, 1, "a fault that is not retryable was tried again")
        reason = "Often"
        yield* Line.resume(run)
        assert.strictEqual((yield* Line.settled(run))._tag, "Stalled")
        assert.strictEqual(tries, 4, "two retries are two more tries")
        assert.strictEqual(yield* count("StageRetried"), 2)
      })
    )
  })

  test("takes secrets out of what it stores, and answers the first run as it answers a replay", (path) => {
    const Leaky = line("Leaky", Schema.Array(Schema.String))
    const known = "correct-horse-battery"
    const token = `ghp_${"a1B2".repeat(9)}`
    const seen: Array<string> = []
    const code = Leaky.toLayer(
      Effect.fnUntraced(function* () {
        const said = yield* Stage.run({ name: "said", success: Schema.String }, Effect.succeed(`${known} and ${token}`))
        const refused = yield* Effect.catchTag(
          Stage.run(
            { name: "refused", success: Schema.String, error: Refused },
            new Refused({ why: `${known}, ${token}` })
          ),
          "Refused",
          ({ why }) => Effect.succeed(why)
        )
        seen.push(said)
        const words = yield* Gate.answer("go", { question: `May I use ${token}?`, cause: "test" })
        return [said, refused, words]
      })
    )
    const body = Effect.gen(function* () {
      const run = yield* Leaky.start({ item })
      yield* Line.settled(run)
      const by = { actor: Actor.human("ada") }
      yield* Gate.settle(`${run}:go`, { _tag: "Reply", text: `Use ${token} and ${known}` }, by)
      yield* Gate.settle(`${run}:go`, { _tag: "Reply", text: `Use ${token} and ${known}` }, by)
      const status = yield* ended(run)
      assert.deepStrictEqual(status._tag === "Finished" ? status.result : status, [
        "[redacted] and [redacted]",
        "[redacted], [redacted]",
        "Use [redacted] and [redacted]"
      ])
      assert.deepStrictEqual([...new Set(seen)], ["[redacted] and [redacted]"], "a replay was answered differently")
      for (const file of [path, `${path}-wal`]) {
        for (const secret of [known, token]) assert.notInclude(readFileSync(file, "latin1"), secret, `in ${file}`)
      }
    })
    return Effect.provideService(
      live(path, Layer.provide(code, Layer.succeed(Redaction.Secrets, [Redacted.make(known)])), body),
      Redaction.Secrets,
      [Redacted.make(known)]
    )
  })

  test("stalls, and does not break for good, when a result is none any more without its secret", (path) => {
    const Strict = line("Strict", Schema.String)
    const Token = Schema.String.check(Schema.isPattern(/^ghp_/))
    let result = `ghp_${"a1B2".repeat(9)}`
    const code = Strict.toLayer(() =>
      Stage.run(
        { name: "token", success: Token },
        Effect.sync(() => result)
      )
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Strict.start({ item })
        assert.include(yield* Line.settled(run), { _tag: "Stalled", stage: "token" })
        result = "ghp_short"
        yield* Line.resume(run)
        assert.include(yield* ended(run), { _tag: "Finished", result })
      })
    )
  })

  test("keeps a result of 5 MB", (path) => {
    const Huge = line("Huge", Schema.Number)
    const big = "\u{1f980}x".repeat(1024 * 1024)
    let ran = 0
    const code = Huge.toLayer(
      Effect.fnUntraced(function* () {
        const text = yield* Stage.run(
          { name: "big", success: Schema.String },
          Effect.sync(() => (ran++, big))
        )
        yield* Effect.orDie(Gate.approve("go", { question: "?", cause: "test" }))
        return text === big ? text.length : -1
      })
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Huge.start({ item })
        yield* Line.settled(run)
        yield* Gate.settle(`${run}:go`, { _tag: "Approve" }, { actor: Actor.human("ada") })
        assert.include(yield* ended(run), { _tag: "Finished", result: big.length })
        assert.strictEqual(ran, 1)
      })
    )
  })

  test("stalls the line when the line's own result does not fit, and lets it be mended", (path) => {
    const Odd = line("Odd", Schema.String)
    let result: unknown = 42
    const code = Odd.toLayer(() => Effect.sync(() => result as string))
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Odd.start({ item })
        const status = yield* Line.settled(run)
        assert.include(status, { _tag: "Stalled", stage: null })
        assert.include(status._tag === "Stalled" ? status.fault.message : "", "Expected string")
        result = "42"
        yield* Line.resume(run)
        assert.include(yield* ended(run), { _tag: "Finished", result: "42" })
      })
    )
  })

  test("is just its effect outside of a line and inside of another stage, and records nothing there", (path) => {
    const Outer = line("Outer", Schema.Number)
    const inner = Stage.run({ name: "inner", success: Schema.Number }, Effect.succeed(1))
    const code = Outer.toLayer(() =>
      Stage.run(
        { name: "outer", success: Schema.Number },
        Effect.map(inner, (n) => n + 1)
      )
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        assert.strictEqual(yield* inner, 1)
        assert.strictEqual((yield* events).length, 0)
        assert.include(yield* Line.settled(yield* Outer.start({ item })), { _tag: "Finished", result: 2 })
        assert.strictEqual(yield* count("StageStarted"), 1)
        const error = yield* Effect.flip(Stage.run({ name: "x", success: Schema.Void }, new Refused({ why: "no" })))
        assert.strictEqual(error instanceof Refused && error.why, "no", "an error passes through unchanged")
      })
    )
  })

  test("lets 20 stages of one name run at once, each with its own result", (path) => {
    const Wide = line("Wide", Schema.Array(Schema.Number))
    const code = Wide.toLayer(() =>
      Effect.forEach(
        range(20),
        (n) => Stage.run({ name: "each", success: Schema.Number }, Effect.as(Effect.yieldNow, n)),
        { concurrency: "unbounded" }
      )
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        const status = yield* Line.settled(yield* Wide.start({ item }))
        assert.deepStrictEqual(status._tag === "Finished" && status.result, range(20))
        const names = (yield* events).flatMap(({ fact, stage }) => (fact._tag === "StageFinished" ? [stage] : []))
        assert.strictEqual(new Set(names).size, 20)
      })
    )
  })
})

class Outer extends Context.Service<Outer, string>()("test/Outer") {}
class Inner extends Context.Service<Inner, string>()("test/Inner") {}

describe("Stage.provide", () => {
  const opened: Array<string> = []
  const opening = (name: string) =>
    Effect.acquireRelease(
      Effect.sync(() => (opened.push(`+${name}`), name)),
      () => Effect.sync(() => opened.push(`-${name}`))
    )
  const outer = Layer.effect(Outer, opening("outer"))
  const inner = Layer.effect(
    Inner,
    Effect.andThen(
      Effect.map(Outer, (name) => `${name}/inner`),
      (name) => Effect.as(opening("inner"), name)
    )
  )
  const nested = Effect.gen(function* () {
    const first = yield* Stage.run({ name: "first", success: Schema.String }, Outer)
    const second = yield* Stage.run({ name: "second", success: Schema.String }, Inner).pipe(Stage.provide(inner))
    return `${first} ${second}`
  }).pipe(Stage.provide(outer))

  test("nests: the layer inside is built with the one outside, for one stage, and closed before it", (path) => {
    const Nested = line("Nested", Schema.String)
    return live(
      path,
      Nested.toLayer(() => nested),
      Effect.gen(function* () {
        opened.length = 0
        assert.include(yield* Line.settled(yield* Nested.start({ item })), {
          _tag: "Finished",
          result: "outer outer/inner"
        })
        assert.deepStrictEqual(opened, ["+outer", "-outer", "+outer", "+inner", "-inner", "-outer"])
        assert.strictEqual(yield* nested, "outer outer/inner", "outside of a line it is built at once")
      })
    )
  })

  test("stalls the line when the layer can not be built, and closes what was opened", (path) => {
    const Closed = line("Closed", Schema.String)
    let isMended = false
    const shaky = Layer.effect(
      Inner,
      Effect.suspend(() =>
        isMended ? Effect.succeed("open") : new Busy({ reason: "Never", message: "The sandbox does not open." })
      )
    )
    const code = Closed.toLayer(() =>
      Stage.run({ name: "inside", success: Schema.String }, Inner).pipe(Stage.provide(shaky), Stage.provide(outer))
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        opened.length = 0
        const run = yield* Closed.start({ item })
        const status = yield* Line.settled(run)
        assert.strictEqual(status._tag === "Stalled" && status.fault.message, "The sandbox does not open.")
        assert.deepStrictEqual(opened, ["+outer", "-outer"])
        isMended = true
        yield* Line.resume(run)
        assert.include(yield* ended(run), { _tag: "Finished", result: "open" })
      })
    )
  })
})
