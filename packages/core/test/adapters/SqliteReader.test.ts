import { assert, describe } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as SqliteReader from "../../src/adapters/SqliteReader.ts"
import * as Journal from "../../src/Journal.ts"
import * as JournalTest from "../../src/testing/JournalTest.ts"
import { alone, events, journal, range, test } from "../FactoryStore.ts"

const told = (body: string) => ({
  line: null,
  run: null,
  item: null,
  stage: null,
  actor: { _tag: "Host" as const },
  at: 1,
  fact: { _tag: "Commented" as const, item: "i", body }
})
const append = (...bodies: ReadonlyArray<string>) =>
  Effect.flatMap(Journal.Journal, (journal) => journal.append(bodies.map(told)))
const written = (path: string, ...bodies: ReadonlyArray<string>) => alone(append(...bodies), journal(path))
const reader = (path: string) => SqliteReader.layer({ path, poll: "5 millis" })
const count = (path: string) => Effect.map(alone(events, reader(path)), (all) => all.length)
const filesOf = (path: string) =>
  readdirSync(dirname(path)).map((name) => [name, statSync(join(dirname(path), name)).mtimeMs])

// A journal that is written by the one and read by the other, in every way that a journal is read.
JournalTest.suite(
  "SqliteReader",
  Layer.unwrap(
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "reader-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
      )
      const path = join(folder, "factory.db")
      const { append } = Context.get(yield* Layer.build(Layer.fresh(journal(path))), Journal.Journal)
      const looking = Context.get(yield* Layer.build(reader(path)), Journal.Journal)
      return Layer.succeed(Journal.Journal, { ...looking, append })
    })
  )
)

describe("SqliteReader on a store", () => {
  test("reads a store and leaves it as it is", (path) =>
    Effect.gen(function* () {
      yield* written(path, ...range(1_200).map(String))
      const before = filesOf(path)
      assert.strictEqual(yield* count(path), 1_200)
      assert.deepStrictEqual(filesOf(path), before, "looking wrote something")
    }))

  test("follows what others write, also when they begin and end meanwhile", (path) =>
    Effect.gen(function* () {
      yield* written(path, "a")
      yield* alone(
        Effect.gen(function* () {
          const { follow } = yield* Journal.Journal
          const seen = yield* Effect.forkChild(Stream.runCollect(Stream.take(follow(), 4)), { startImmediately: true })
          yield* written(path, "b")
          yield* alone(Effect.andThen(append("c"), Effect.andThen(append("d"), Fiber.join(seen))), journal(path))
          const bodies = (yield* Fiber.join(seen)).map(({ fact }) =>
            fact._tag === "Commented" ? fact.body : fact._tag
          )
          assert.deepStrictEqual(bodies, ["a", "b", "c", "d"])
        }),
        reader(path)
      )
    }))

  test("appends nothing", (path) =>
    Effect.gen(function* () {
      yield* written(path, "a")
      const error = yield* Effect.flip(alone(append("b"), reader(path)))
      assert.strictEqual(error.reason, "NotWritable")
      assert.strictEqual(yield* count(path), 1)
    }))

  test("refuses what is no store, a newer one, and one that is not there, and makes nothing", (path) =>
    Effect.gen(function* () {
      const missing = yield* Effect.flip(count(path))
      assert.include(missing.message, path)
      assert.deepStrictEqual(readdirSync(dirname(path)), [], "looking made a store")
      writeFileSync(path, "no database at all, but long enough to be looked at ".repeat(100))
      assert.strictEqual((yield* Effect.flip(count(path))).reason, "Corrupt")
      const other = `${path}-other`
      const db = new DatabaseSync(other)
      db.exec("create table something (a)")
      db.close()
      assert.include((yield* Effect.flip(count(other))).message, "no store of a factory")
      const newer = `${path}-newer`
      yield* written(newer, "a")
      const changed = new DatabaseSync(newer)
      changed.exec("update meta set value = '99' where key = 'schema'")
      changed.close()
      assert.strictEqual((yield* Effect.flip(count(newer))).reason, "Newer")
    }))

  for (const [what, isWriting] of [
    ["nobody writes", false],
    ["somebody else writes", true]
  ] as const) {
    test(`reads where this user may not write, while ${what}`, (path) =>
      Effect.gen(function* () {
        yield* written(path, "a", "b")
        const look = Effect.sync(() => {
          const folder = dirname(path)
          for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o444)
          chmodSync(folder, 0o555)
          const script = `
            import * as SqliteReader from "${new URL("../../src/adapters/SqliteReader.ts", import.meta.url).pathname}"
            import * as Journal from "${new URL("../../src/Journal.ts", import.meta.url).pathname}"
            import * as Effect from "effect/Effect"
            // The superuser may write anywhere.
            if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534) }
            console.log(await Effect.runPromise(Journal.fold(0, (count) => count + 1).pipe(
              Effect.provide(SqliteReader.layer({ path: ${JSON.stringify(path)} }))
            )))`
          try {
            const args = ["--no-warnings", "--input-type=module", "-e", script]
            const cwd = new URL("../..", import.meta.url).pathname
            return execFileSync(process.execPath, args, { cwd, encoding: "utf8" }).trim()
          } finally {
            chmodSync(folder, 0o755)
          }
        })
        const seen = isWriting ? yield* alone(Effect.andThen(append("c"), look), journal(path)) : yield* look
        assert.strictEqual(seen, isWriting ? "3" : "2")
      }))
  }
})
