import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { copyFileSync, readdirSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Sqlite from "../src/Sqlite.ts"
import * as Status from "../src/Status.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, events, journal, live, range, store, test } from "./FactoryStore.ts"
import * as OldLines from "./fixtures/OldLines.ts"
import * as StoreProcess from "./fixtures/StoreProcess.ts"

const fixture = fileURLToPath(new URL("./fixtures/store-v1.db", import.meta.url))

/** What a file holds, in the columns that the first version had. */
const contents = (path: string) => {
  const db = new DatabaseSync(path)
  const rows = (sql: string) => JSON.stringify(db.prepare(sql).all())
  const found = {
    version: db.prepare("select value from meta where key = 'schema'").get()?.["value"],
    integrity: db.prepare("pragma integrity_check").get()?.["integrity_check"],
    tables: rows("select sql from sqlite_master order by name"),
    journal: rows("select * from journal order by seq"),
    executions: rows("select * from executions order by id"),
    activities: rows("select execution, name, attempt, length(result) from activities order by 1, 2, 3")
  }
  db.close()
  return found
}

type Contents = ReturnType<typeof contents>

/** Without what a migration changes. */
const kept = ({ tables: _, version: __, ...rest }: Contents) => rest

const old = (path: string, megabytes = 0) => {
  copyFileSync(fixture, path)
  if (megabytes === 0) return
  const db = new DatabaseSync(path)
  db.exec("begin")
  for (const n of range(megabytes * 100)) {
    db.prepare("insert into activities values ('other', ?, 1, ?)").run(`${n}`, "x".repeat(10_000))
  }
  db.exec("commit")
  db.close()
}

const beside = (path: string) =>
  readdirSync(dirname(path))
    .filter((name) => name !== basename(path) && !/-(wal|shm|runners)$/.test(name))
    .toSorted()

const open = (path: string) => alone(Effect.void, Sqlite.layer({ path }))

describe("a store of the first version", () => {
  test("is brought forward when it is opened, and all of its runs go on", (path) =>
    Effect.gen(function* () {
      old(path)
      const before = contents(path)
      const ran: Array<string> = []
      const code = OldLines.code({ isMended: true, ran: (stage) => ran.push(stage) })
      yield* live(
        path,
        code,
        Effect.gen(function* () {
          const ended = (run: string) => Line.ended(run)
          assert.include(yield* Status.of("issue-1.1"), { _tag: "Finished", result: "3000 two" })
          yield* Gate.settle(
            "issue-2.1:what",
            { _tag: "Reply", text: "this" },
            { actor: { _tag: "Human", name: "ada" } }
          )
          yield* Line.resume("issue-2.1")
          assert.include(yield* ended("issue-2.1"), { _tag: "Finished", result: "3 this" })
          if ((yield* Status.of("issue-3.1"))?._tag === "Stalled") yield* Line.resume("issue-3.1")
          assert.include(yield* ended("issue-3.1"), { _tag: "Finished", result: "3 mended" })
          const next = yield* OldLines.Plain.start({
            item: { id: "issue-1", title: "Issue", body: WorkItem.bodyOf(""), labels: [], source: "" }
          })
          assert.strictEqual(next, "issue-1.2", "the names of the old runs are taken")
          assert.include(yield* ended(next), { _tag: "Finished", result: "3000 two" })
        })
      )
      assert.deepStrictEqual(ran, ["second", "first", "second"], "a finished stage of an old run ran again")
      assert.strictEqual(contents(path).version, String(Sqlite.schemaVersion))
      assert.deepStrictEqual(beside(path), ["factory.db.v1.backup"])
      assert.deepStrictEqual(contents(`${path}.v1.backup`), before, "the back-up is what the store was")
    }))

  test("is left as it was when its tables can not be changed", (path) =>
    Effect.gen(function* () {
      old(path)
      const db = new DatabaseSync(path)
      db.exec("create table blobs (mine text)")
      db.close()
      const before = contents(path)
      const error = yield* Effect.flip(open(path))
      assert.include(error.message, "blobs")
      assert.deepStrictEqual(contents(path), before)
      assert.deepStrictEqual(beside(path), [], "a back-up of what was not changed stayed")
    }))

  test("is left as it was when there is no room for its back-up", (path) =>
    Effect.gen(function* () {
      old(path, 5)
      const before = contents(path)
      const { error } = yield* StoreProcess.run(["open", path], 2_048)
      assert.match(String(error), /NotWritable|full|input\/output/, "the failure says what is wrong")
      assert.include(String(error), "back-up")
      assert.deepStrictEqual(contents(path), before)
      assert.deepStrictEqual(beside(path), [], "half of a back-up stayed")
    }))

  test(
    "is left as it was while a process that may know its tables only runs lines on it",
    (path) =>
      Effect.gen(function* () {
        old(path)
        const lock = Sqlite.tryLock(join(`${path}-runners`, "old.lock"))
        const error = yield* Effect.flip(open(path))
        assert.strictEqual(error.reason, "Busy", error.message)
        assert.strictEqual(contents(path).version, "1")
        lock?.release()
        yield* open(path)
        assert.strictEqual(contents(path).version, String(Sqlite.schemaVersion))
      }),
    60_000
  )

  test("is brought forward once by processes that open it at once", (path) =>
    Effect.gen(function* () {
      old(path, 10)
      const outcomes = yield* Effect.forEach(range(3), () => StoreProcess.run(["open", path]), { concurrency: 3 })
      assert.deepStrictEqual(
        outcomes.map(({ value }) => value),
        ["open", "open", "open"],
        JSON.stringify(outcomes)
      )
      assert.deepStrictEqual(beside(path), ["factory.db.v1.backup"], "it was brought forward more than once")
    }))

  test(
    "is of the one version or of the other when its process is killed at any point",
    (path) =>
      Effect.gen(function* () {
        const versions = new Set<unknown>()
        const whole = join(dirname(path), "whole.db")
        old(whole, 20)
        const duration = yield* StoreProcess.takes(["open", whole])
        for (const n of range(14)) {
          const after = (duration * n) / 13
          const copy = join(dirname(path), `${n}.db`)
          old(copy, 20)
          const before = contents(copy)
          yield* StoreProcess.killed(["open", copy], after)
          const found = contents(copy)
          versions.add(found.version)
          if (found.version === "1") assert.deepStrictEqual(found, before, `killed after ${after} ms`)
          assert.deepStrictEqual(kept(found), kept(before), `killed after ${after} ms`)
          yield* open(copy)
          assert.deepStrictEqual(kept(contents(copy)), kept(before), "what a killed process left can not be used")
          const left = beside(path).filter((name) => name.startsWith(`${n}.db.`))
          assert.isAtLeast(left.length, 1, "an old store was brought forward without a back-up")
          for (const name of left) assert.deepStrictEqual(contents(join(dirname(path), name)), before, name)
        }
        assert.include([...versions], "1", "every kill came too late")
      }),
    120_000
  )

  test("keeps its facts for whoever reads them", (path) =>
    Effect.gen(function* () {
      old(path)
      const all = yield* alone(events, journal(path))
      assert.deepStrictEqual(
        all.map(({ seq }) => seq),
        range(18)
      )
      yield* alone(Effect.void, Layer.fresh(store(path)))
    }))
})
