import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import * as SqliteJournal from "../../src/adapters/SqliteJournal.ts"
import * as Journal from "../../src/Journal.ts"
import * as Sqlite from "../../src/Sqlite.ts"
import * as JournalTest from "../../src/testing/JournalTest.ts"
import { alone, events, journal, range, test } from "../FactoryStore.ts"
import * as FactoryProcess from "../fixtures/FactoryProcess.ts"

JournalTest.suite(
  "SqliteJournal",
  Layer.unwrap(
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "journal-"))),
        (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
      )
      return Layer.fresh(journal(join(folder, "factory.db")))
    })
  )
)

const write = (body: string) => Journal.record({ _tag: "Commented", item: "item", body })

const bodies = Effect.map(events, (all) => all.map(({ fact }) => (fact._tag === "Commented" ? fact.body : fact._tag)))

/** What opening a store fails with. */
const refused = (path: string) => Effect.flip(alone(events, journal(path)))

const digest = (path: string) => createHash("sha256").update(Fs.readFileSync(path)).digest("hex")

const change = (path: string, sql: string) => {
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
}

const unreadable = fileURLToPath(new URL("../fixtures/unreadable.ts", import.meta.url))

describe("SqliteJournal over processes", () => {
  test("keeps every event of 3 processes that append at once, and each follows all", (path) =>
    Effect.gen(function* () {
      const processes = yield* Effect.forEach(range(3), () => FactoryProcess.make(path), { concurrency: 3 })
      const follows = processes.map((process) => process.ask({ _tag: "Follow", count: 300 }))
      yield* Effect.forEach(
        processes,
        (process, index) =>
          Effect.promise(() => process.ask({ _tag: "Append", bodies: range(100).map((n) => `${index}/${n}`) })),
        { concurrency: "unbounded" }
      )
      const all = yield* alone(bodies, journal(path))
      for (const index of range(3)) {
        const own = all.filter((body) => body.startsWith(`${index - 1}/`))
        assert.deepStrictEqual(
          own,
          range(100).map((n) => `${index - 1}/${n}`),
          "a writer's events are in its order"
        )
      }
      for (const seen of yield* Effect.promise(() => Promise.all(follows))) {
        assert.deepStrictEqual(seen, range(300), "a follower missed an event of another process")
      }
    }))

  test("waits for a process that holds the store", (path) =>
    Effect.gen(function* () {
      yield* alone(write("before"), journal(path))
      const holder = new DatabaseSync(path)
      holder.exec("begin immediate")
      const free = setTimeout(() => holder.exec("rollback"), 1_500)
      // The holder is in this process, and is heard between two tries only.
      yield* alone(write("after"), journal(path))
      clearTimeout(free)
      holder.close()
      assert.deepStrictEqual(yield* alone(bodies, journal(path)), ["before", "after"])
    }))
})

describe("SqliteJournal on a store that it can not use", () => {
  test("refuses tables of a newer version, and leaves the file as it was", (path) =>
    Effect.gen(function* () {
      yield* alone(write("kept"), journal(path))
      for (const mode of ["wal", "delete"]) {
        change(path, `update meta set value = '99' where key = 'schema'; pragma journal_mode = ${mode}`)
        const before = digest(path)
        const error = yield* refused(path)
        assert.strictEqual(error.reason, "Newer", error.message)
        assert.include(error.message, "Upgrade")
        assert.strictEqual(digest(path), before, `the store was changed (${mode})`)
      }
      change(path, `update meta set value = '${Sqlite.schemaVersion}' where key = 'schema'`)
      assert.deepStrictEqual(yield* alone(bodies, journal(path)), ["kept"], "nothing was lost")
    }))

  test("refuses a file that is no database, is another one's, or is damaged, and leaves it as it was", (path) =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [name: string, make: (file: string) => void]> = [
        ["text", (file) => Fs.writeFileSync(file, "This is a letter to my grandmother.\n".repeat(200))],
        ["other", (file) => change(file, "create table recipes (name text); insert into recipes values ('soup')")],
        ["meta", (file) => change(file, "create table meta (version integer)")],
        [
          "no version",
          (file) =>
            change(
              file,
              "create table meta (key text, value text); create table journal (a); create table executions (a)"
            )
        ]
      ]
      for (const [name, make] of cases) {
        const file = join(dirname(path), `${name}.db`)
        make(file)
        const before = digest(file)
        const error = yield* refused(file)
        assert.strictEqual(error.reason, "Corrupt", `${name}: ${error.message}`)
        assert.include(error.message, file, "the message names the file")
        assert.strictEqual(digest(file), before, `${name}: the file was changed`)
      }
      yield* alone(
        Effect.forEach(range(200), (n) => write(`${n}`.repeat(200)), { discard: true }),
        journal(path)
      )
      change(path, "pragma journal_mode = delete")
      const whole = Fs.readFileSync(path)
      Fs.writeFileSync(path, Buffer.concat([whole.subarray(0, 8_192), Buffer.alloc(whole.length - 8_192, 0x5a)]))
      const error = yield* refused(path)
      assert.strictEqual(error.reason, "Corrupt", error.message)
      assert.include(error.message, "back-up", "the message says how to mend it")
    }))

  test("says what is wrong where no file can be", (path) =>
    Effect.gen(function* () {
      Fs.writeFileSync(join(dirname(path), "file"), "")
      Fs.mkdirSync(join(dirname(path), "folder.db"))
      for (const name of ["file/factory.db", "folder.db"]) {
        const error = yield* refused(join(dirname(path), name))
        assert.strictEqual(error.reason, "NotWritable", error.message)
        assert.include(error.message, name)
      }
    }))

  test("says so when the folder or the file is not this user's to write", (path) =>
    Effect.gen(function* () {
      yield* alone(write("kept"), journal(path))
      const asked = spawnSync(process.execPath, [unreadable, path], { encoding: "utf8" })
      const answers: Array<{ reason: string; message: string }> = JSON.parse(asked.stdout || `["${asked.stderr}"]`)
      assert.deepStrictEqual(
        answers.map(({ reason }) => reason),
        ["NotWritable", "NotWritable"],
        asked.stdout + asked.stderr
      )
      for (const { message } of answers) assert.match(message, /permission|writable/, message)
      assert.deepStrictEqual(yield* alone(bodies, journal(path)), ["kept"], "nothing was lost")
    }))

  test("says that the disk is full, keeps what is there, and goes on when there is room", (path) =>
    Effect.gen(function* () {
      const both = Layer.provideMerge(SqliteJournal.layer, Sqlite.layer({ path }))
      const limit = (pages: number) =>
        Effect.flatMap(Sqlite.Sqlite, (sqlite) =>
          sqlite.read((prepare) => prepare(`pragma max_page_count = ${pages}`).get())
        )
      yield* alone(
        Effect.gen(function* () {
          const sqlite = yield* Sqlite.Sqlite
          yield* write("before")
          yield* limit(1)
          const error = yield* Effect.flip(
            Effect.flatMap(Journal.Journal, (journal) =>
              Effect.flatMap(
                Effect.forEach(range(50), (n) =>
                  Journal.entry({ _tag: "Commented", item: "", body: "x".repeat(n * 100) })
                ),
                journal.append
              )
            )
          )
          assert.strictEqual(error.reason, "NotWritable", error.message)
          assert.include(error.message, "full")
          assert.deepStrictEqual(yield* bodies, ["before"], "an append that failed left something, or took something")
          assert.strictEqual(yield* Effect.flip(sqlite.failure), error, "whoever waits is told")
          yield* limit(1_000_000)
          assert.strictEqual((yield* write("after")).seq, 2, "an append that failed took no place")
        }),
        both
      )
      assert.deepStrictEqual(yield* alone(bodies, journal(path)), ["before", "after"])
    }))

  test("names an event of a newer version, and one that is damaged, and does not skip it", (path) =>
    Effect.gen(function* () {
      yield* alone(Effect.andThen(write("first"), write("second")), journal(path))
      for (const [sql, reason, includes] of [
        [`update journal set event = replace(event, '"version":1', '"version":7') where seq = 2`, "Newer", "version 7"],
        [`update journal set event = '{"version":1,"seq":2}' where seq = 2`, "Corrupt", `"seq":2`],
        [`update journal set event = 'nonsense' where seq = 2`, "Corrupt", "nonsense"]
      ] as const) {
        change(path, sql)
        const error = yield* refused(path)
        assert.strictEqual(error.reason, reason, error.message)
        assert.include(error.message, includes)
      }
    }))

  test("refuses a fact that does not fit its schema, and goes on", (path) =>
    alone(
      Effect.gen(function* () {
        const error = yield* Effect.flip(Journal.record({ _tag: "StageStarted", attempt: -1 }))
        assert.include(error.message, "StageStarted")
        yield* write("after")
        assert.deepStrictEqual(yield* bodies, ["after"])
      }),
      journal(path)
    ))
})
