import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import { DatabaseSync } from "node:sqlite"
import * as ExecutionTable from "../src/internal/ExecutionTable.ts"
import * as Gate from "../src/Gate.ts"
import * as BlobTable from "../src/internal/BlobTable.ts"
import * as Line from "../src/Line.ts"
import * as Sqlite from "../src/Sqlite.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, item, live, range, test } from "./FactoryStore.ts"

const Texts = Line.make("Texts", { payload: { item: WorkItem.WorkItem }, success: Schema.Number })

/** Stages that make these texts, a gate, and the length of all of them. */
const making = (texts: ReadonlyArray<() => string>, ran: () => void = () => {}) =>
  Texts.toLayer(() =>
    Effect.gen(function* () {
      let length = 0
      for (const text of texts) {
        const work = Effect.sync(() => {
          ran()
          return text()
        })
        length += (yield* Stage.run({ name: "text", success: Schema.String }, work)).length
      }
      yield* Gate.answer("go", { question: "Go on?", cause: "test" })
      return length
    })
  )

const ended = (run: string) => Line.ended(run)
const go = { actor: { _tag: "Human", name: "ada" } } as const

/** Base64 of random bytes, which nothing makes much smaller. */
const random = (size: number) => randomBytes(size).toString("base64").slice(0, size)

const column = (path: string, sql: string) => {
  const db = new DatabaseSync(path)
  const found = db
    .prepare(sql)
    .all()
    .map((row) => Object.values(row)[0])
  db.close()
  return found
}

const change = (path: string, sql: string) => {
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
}

describe("a text in a store", () => {
  it.effect.prop(
    "comes back as it was, of any length and with any signs in it",
    { text: Schema.String, times: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4_000 })) },
    ({ text, times }) =>
      Effect.sync(() => {
        const db = new DatabaseSync(":memory:")
        db.exec("create table blobs (digest text primary key, body blob not null) strict")
        db.exec("create table blob_uses (execution text, digest text, primary key (execution, digest)) strict")
        const prepare: Sqlite.Prepare = (sql) => db.prepare(sql)
        const json = JSON.stringify(text.repeat(times))
        assert.strictEqual(BlobTable.unpack(prepare, { ...BlobTable.pack(prepare, "one", json) }), json)
        assert.strictEqual(BlobTable.resolve(prepare, BlobTable.refer(prepare, "two", json)), json)
        db.close()
      })
  )

  test("is stored once when a hundred stages make the same large one", (path) =>
    Effect.gen(function* () {
      const text = random(102_400)
      let ran = 0
      const code = making(
        range(100).map(() => () => text),
        () => ran++
      )
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          const run = yield* Texts.start({ item })
          yield* Line.settled(run)
        })
      )
      assert.deepStrictEqual(column(path, "select count(*) from blobs"), [1])
      assert.isBelow(Fs.statSync(path).size, 4 * 102_400)
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          yield* Gate.settle("issue-1.1:go", { _tag: "Reply", text: "yes" }, go)
          yield* Line.resume("issue-1.1")
          assert.include(yield* ended("issue-1.1"), { _tag: "Finished", result: 10_240_000 })
        })
      )
      assert.strictEqual(ran, 100, "a replay ran a stage again")
    }))

  for (const [size, stages, kind] of [
    [2_048, 400, "text"],
    [102_400, 40, "text"],
    [102_400, 40, "random"]
  ] as const) {
    test(`takes at most 1.3 times its size on the disk, facts included: ${size} bytes, ${kind}`, (path) =>
      Effect.gen(function* () {
        const source = Fs.readFileSync(new URL("./Backup.test.ts", import.meta.url), "utf8").repeat(10)
        const at = (n: number) => (kind === "random" ? random(size) : source.slice(n * 11, n * 11 + size))
        const code = making(range(stages).map((n) => () => at(n)))
        const body = Effect.flatMap(Texts.start({ item }), Line.settled)
        yield* live(path, code, body)
        const ratio = Fs.statSync(path).size / stages / size
        assert.isBelow(ratio, 1.3)
      }))
  }

  test("that is damaged is told from one that is not there, and stalls its run", (path) =>
    Effect.gen(function* () {
      const code = making([() => random(50_000), () => random(5_000)])
      yield* live(path, code, Effect.flatMap(Texts.start({ item }), Line.settled))
      const whole = Fs.readFileSync(path)
      for (const [sql, message] of [
        ["update blobs set body = (select packed from activities where packed is not null)", /is not what was stored/],
        ["delete from blobs", /is not there/],
        ["update activities set packed = x'00' where packed is not null", /is not what was stored/]
      ] as const) {
        Fs.writeFileSync(path, whole)
        change(path, sql)
        yield* live(
          path,
          code,
          Effect.gen(function* () {
            yield* Line.resume("issue-1.1")
            const status = yield* Effect.repeat(Line.settled("issue-1.1"), { until: ({ _tag }) => _tag !== "Waiting" })
            assert.strictEqual(status._tag, "Stalled", sql)
            assert.match(status._tag === "Stalled" ? status.fault.message : "", message)
          })
        )
      }
    }))

  test("may be a payload, an answer or the result of an execution", (path) =>
    alone(
      Effect.gen(function* () {
        const { read, write } = yield* Sqlite.Sqlite
        const large = (name: string) => JSON.stringify({ name, text: random(40_000) })
        const [payload, exit, result] = [large("payload"), large("exit"), large("result")]
        yield* write((prepare) => {
          ExecutionTable.insert(prepare, { id: "e", workflow: "w", payload, parent: null, runner: "r" })
          ExecutionTable.answer(prepare, ["e", "d"], exit)
          ExecutionTable.complete(prepare, "e", result)
        })
        const found = yield* read((prepare) => ExecutionTable.find(prepare, "e"))
        assert.deepStrictEqual([found?.payload, found?.result], [payload, result])
        assert.strictEqual(yield* read((prepare) => ExecutionTable.deferred(prepare, "e", "d")), exit)
        assert.deepStrictEqual(column(path, "select count(*) from blobs"), [3])
      }),
      Sqlite.layer({ path })
    ))

  test(
    "is refused by name when it is too large, and the run goes on when the stage makes a smaller one",
    (path) =>
      Effect.gen(function* () {
        let size = 200_000_000
        const code = making([() => "small", () => "x".repeat(size)])
        yield* live(
          path,
          code,
          Effect.gen(function* () {
            const run = yield* Texts.start({ item })
            const status = yield* Line.settled(run)
            assert.strictEqual(status._tag, "Stalled")
            if (status._tag !== "Stalled") return
            assert.deepStrictEqual([status.fault.tag, status.fault.reason], ["StageError", "TooLarge"])
            assert.include(status.fault.message, "text#2")
            size = 1_000
            yield* Line.resume(run)
            yield* Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag === "Waiting" })
            yield* Gate.settle(`${run}:go`, { _tag: "Reply", text: "yes" }, go)
            assert.include(yield* ended(run), { _tag: "Finished", result: 1_005 })
          })
        )
      }),
    120_000
  )

  test("is refused where a run would be started with it, or end with it", (path) => {
    const Big = Line.make("Big", {
      payload: { item: WorkItem.WorkItem, text: Schema.String },
      success: Schema.String
    })
    let size = 70_000_000
    const code = Big.toLayer(() => Effect.succeed("x".repeat(size)))
    return live(
      path,
      code,
      Effect.gen(function* () {
        const error = yield* Effect.flip(Big.start({ item, text: "x".repeat(size) }))
        assert.strictEqual(error.reason, "TooLarge", error.message)
        const run = yield* Big.start({ item, text: "" })
        assert.strictEqual(run, "issue-1.1", "a refused start took a name")
        const status = yield* Line.settled(run)
        assert.include(status, { _tag: "Stalled" }, JSON.stringify(status).slice(0, 500))
        size = 10
        yield* Line.resume(run)
        assert.include(yield* ended(run), { _tag: "Finished", result: "x".repeat(10) })
      })
    )
  }, 120_000)
})
