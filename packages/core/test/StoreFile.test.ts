import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import { dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as SqliteJournal from "../src/adapters/SqliteJournal.ts"
import * as Journal from "../src/Journal.ts"
import * as Sqlite from "../src/Sqlite.ts"
import { alone, events, journal, range, test } from "./FactoryStore.ts"
import * as FactoryProcess from "./fixtures/FactoryProcess.ts"

type Check = Sqlite.Options["check"]

const opened = (path: string, check?: Check) =>
  alone(
    Effect.map(events, (all) => all.length),
    Layer.provide(SqliteJournal.layer, Sqlite.layer(check === undefined ? { path } : { path, check }))
  )
const refused = (path: string, check?: Check) =>
  Effect.map(Effect.flip(opened(path, check)), (error) => {
    assert.include(error.message, path, "the message names the file")
    return error
  })

const write = (path: string, count: number) =>
  alone(
    Effect.forEach(range(count), (n) => Journal.record({ _tag: "Commented", item: "", body: `${n} `.repeat(200) }), {
      discard: true
    }),
    journal(path)
  )

const digests = (path: string) =>
  Fs.readdirSync(dirname(path))
    .filter((name) => !/-shm$|-runners$/.test(name))
    .map((name) => [
      name,
      createHash("sha256")
        .update(Fs.readFileSync(join(dirname(path), name)))
        .digest("hex")
    ])

/** Fails when one of the files of the store was changed by what is tried. */
const untouched = <A, E>(path: string, tried: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const before = digests(path)
    const result = yield* tried
    assert.deepStrictEqual(digests(path), before, "something of the user's was changed")
    return result
  })

/** Leaves a store with a log of so many facts, as a killed process does. */
const killed = (path: string, count: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const process = yield* FactoryProcess.make(path)
      for (const n of range(count)) {
        yield* Effect.promise(() => process.ask({ _tag: "Append", bodies: [`${n}`] }))
      }
      yield* Effect.promise(() => process.kill("SIGKILL"))
      assert.isAbove(Fs.statSync(`${path}-wal`).size, 0, "a killed process left no log")
    })
  )

const overwrite = (path: string, at: number, bytes: Buffer) => {
  const file = Fs.openSync(path, "r+")
  Fs.writeSync(file, bytes, 0, bytes.length, at)
  Fs.closeSync(file)
}

/** The locks of runners, without what SQLite puts beside the lock of a living one. */
const locks = (path: string) => Fs.readdirSync(`${path}-runners`).filter((name) => name.endsWith(".lock"))

describe("A store that was not closed", () => {
  test("has everything that was written, and nothing is left of its process", (path) =>
    Effect.gen(function* () {
      yield* killed(path, 40)
      assert.isNotEmpty(locks(path))
      assert.strictEqual(yield* opened(path), 40)
      assert.deepStrictEqual(Fs.readdirSync(`${path}-runners`), [], "the lock of a killed process is still there")
    }))

  test("has everything when the index of its log is gone", (path) =>
    Effect.gen(function* () {
      yield* killed(path, 40)
      Fs.rmSync(`${path}-shm`)
      assert.strictEqual(yield* opened(path), 40)
    }))

  test("has everything up to a commit that was cut off in the middle", (path) =>
    Effect.gen(function* () {
      const cuts: ReadonlyArray<(log: string, size: number) => void> = [
        (log, size) => Fs.truncateSync(log, size - 100),
        (log, size) => overwrite(log, size - 100, Buffer.alloc(100, 0x5a))
      ]
      for (const [n, cut] of cuts.entries()) {
        const file = `${path}-${n}`
        yield* killed(file, 40)
        cut(`${file}-wal`, Fs.statSync(`${file}-wal`).size)
        assert.strictEqual(yield* opened(file), 39, "what is lost is the commit that was not finished, and no other")
      }
    }))

  test("is looked through by default, and one that was closed is not", (path) =>
    Effect.gen(function* () {
      yield* write(path, 200)
      const size = Fs.statSync(path).size
      // A page in the middle: nothing of what opening reads.
      overwrite(path, size - 3 * 8_192, Buffer.alloc(8_192, 0x5a))
      yield* alone(Effect.void, Sqlite.layer({ path }))
      Fs.mkdirSync(`${path}-runners`)
      Fs.writeFileSync(join(`${path}-runners`, "dead.lock"), "")
      const error = yield* untouched(path, refused(path))
      assert.strictEqual(error.reason, "Corrupt", error.message)
      assert.include(error.message, "back-up")
      assert.deepStrictEqual(locks(path), ["dead.lock"], "the next one would not look again")
    }))

  test("is refused as it is, log and all, when it is damaged or newer", (path) =>
    Effect.gen(function* () {
      yield* write(path, 200)
      yield* killed(path, 20)
      const whole = Fs.readFileSync(path)
      overwrite(path, whole.length - 3 * 8_192, Buffer.alloc(8_192, 0x5a))
      assert.strictEqual((yield* untouched(path, refused(path))).reason, "Corrupt")
      Fs.writeFileSync(path, whole)
      yield* alone(
        Effect.gen(function* () {
          const sqlite = yield* Sqlite.Sqlite
          yield* sqlite.write((prepare) => prepare("update meta set value = '99' where key = 'schema'").run())
          Fs.cpSync(path, `${path}-copy`)
          Fs.cpSync(`${path}-wal`, `${path}-copy-wal`)
        }),
        Sqlite.layer({ path })
      )
      assert.strictEqual((yield* untouched(path, refused(`${path}-copy`))).reason, "Newer")
    }))

  test("keeps the locks of living processes", (path) =>
    Effect.gen(function* () {
      yield* killed(path, 1)
      const process = yield* FactoryProcess.make(path)
      yield* opened(path)
      assert.strictEqual(locks(path).length, 1, "the lock of the living one, and that of the dead one is gone")
      assert.isTrue(Sqlite.isLocked(join(`${path}-runners`, locks(path)[0] ?? "")))
      yield* Effect.promise(() => process.kill("SIGKILL"))
    }))
})

describe("A store whose log is damaged", () => {
  const frame = (pages: number) => 32 + pages * (24 + 8_192)

  for (const [name, damage] of [
    ["a page in the middle", (path: string) => overwrite(path, frame(20) + 500, Buffer.alloc(64, 0x5a))],
    ["the header", (path: string) => overwrite(path, 8, Buffer.alloc(8, 0x5a))]
  ] as const) {
    test(`is refused, and goes on from before the damage when that is asked for: ${name}`, (path) =>
      Effect.gen(function* () {
        yield* killed(path, 40)
        damage(`${path}-wal`)
        const error = yield* untouched(path, refused(path))
        assert.strictEqual(error.reason, "Corrupt", error.message)
        assert.match(error.message, /-wal is damaged.*check: "none"/)
        assert.isBelow(yield* opened(path, "none"), 40)
      }))
  }

  test("is opened when nothing was written to the log", (path) =>
    Effect.gen(function* () {
      yield* write(path, 3)
      Fs.writeFileSync(`${path}-wal`, Buffer.alloc(20_000))
      assert.strictEqual(yield* opened(path), 3)
    }))
})

describe("A store that is damaged", () => {
  test("is refused when it is shorter than it says", (path) =>
    Effect.gen(function* () {
      yield* write(path, 200)
      Fs.truncateSync(path, Fs.statSync(path).size - 20_000)
      for (const check of [undefined, "quick", "full", "none"] as const) {
        const error = yield* untouched(path, refused(path, check))
        assert.strictEqual(error.reason, "Corrupt", error.message)
      }
    }))

  test("is refused wherever a page of it was overwritten", (path) =>
    Effect.gen(function* () {
      yield* write(path, 100)
      const whole = Fs.readFileSync(path)
      for (let at = 0; at < whole.length; at += 8_192) {
        const page = whole.subarray(at, at + 8_192)
        // A free page, or one of an empty table with nothing but zeros.
        if (page.subarray(16).every((byte) => byte === 0)) continue
        Fs.writeFileSync(path, whole)
        overwrite(path, at, Buffer.alloc(8_192, 0x5a))
        for (const check of ["quick", "full"] as const) {
          const error = yield* untouched(path, refused(path, check))
          assert.strictEqual(error.reason, "Corrupt", `page ${at / 8_192}: ${error.message}`)
        }
      }
    }))

  test("is refused by the full check when an index says something else than its table", (path) =>
    Effect.gen(function* () {
      yield* write(path, 5)
      const db = new DatabaseSync(path)
      const root = db.prepare("select rootpage from sqlite_master where name = 'executions_runner'").get()
      db.exec("insert into executions (id, workflow, payload, status) values ('a', 'b', '{}', 'complete')")
      db.close()
      const start = (Number(root?.["rootpage"]) - 1) * 8_192
      const at = Fs.readFileSync(path).indexOf("complete", start)
      overwrite(path, at, Buffer.from("finished"))
      assert.strictEqual(yield* opened(path, "quick"), 5, "the quick check compares no index")
      const error = yield* refused(path, "full")
      assert.strictEqual(error.reason, "Corrupt", error.message)
      assert.include(error.message, "executions_runner")
    }))
})

describe("What is no store", () => {
  test("is a new one when it is an empty file", (path) =>
    Effect.gen(function* () {
      Fs.writeFileSync(path, "")
      assert.strictEqual(yield* opened(path), 0)
      const db = new DatabaseSync(path)
      assert.strictEqual(db.prepare("pragma page_size").get()?.["page_size"], 8_192)
      assert.strictEqual(db.prepare("pragma auto_vacuum").get()?.["auto_vacuum"], 2)
      db.close()
    }))

  test("is refused and stays as it was, whatever is checked", (path) =>
    Effect.gen(function* () {
      const db = new DatabaseSync(path)
      db.exec("create table recipes (name text); insert into recipes values ('soup')")
      db.close()
      for (const check of [undefined, "quick", "full", "none"] as const) {
        const error = yield* untouched(path, refused(path, check))
        assert.include(error.message, "something else")
      }
    }))
})
