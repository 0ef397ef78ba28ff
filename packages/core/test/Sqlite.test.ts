import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import * as Sqlite from "../src/Sqlite.ts"
import { alone, range, test } from "./FactoryStore.ts"

const open = <A, E>(path: string, body: Effect.Effect<A, E, Sqlite.Sqlite>) =>
  alone(body, Sqlite.layer({ path, poll: "5 millis" }))

const put = (key: string) => (prepare: Sqlite.Prepare) => prepare("insert into meta values (?, 'x')").run(key)
const has = (key: string) => (prepare: Sqlite.Prepare) =>
  prepare("select 1 from meta where key = ?").get(key) !== undefined

describe("Sqlite.layer", () => {
  test("makes the folder, and writes all of a transaction or nothing", (path) => {
    const deep = `${path}/of/a/factory.db`
    return open(
      deep,
      Effect.gen(function* () {
        assert.isTrue(existsSync(deep))
        const sqlite = yield* Sqlite.Sqlite
        const error = yield* Effect.flip(
          sqlite.write((prepare) => {
            put("half")(prepare)
            throw new Error("The other half does not come")
          })
        )
        assert.include(error.message, "The other half does not come")
        assert.isFalse(yield* sqlite.read(has("half")), "half of a transaction was written")
        yield* sqlite.write(put("whole"))
        assert.isTrue(yield* sqlite.read(has("whole")))
        assert.strictEqual(
          yield* Effect.raceFirst(Effect.flip(sqlite.failure), Effect.succeed("no failure")),
          "no failure",
          "a mistake of the caller is no failure of the store"
        )
      })
    )
  })

  test("wakes whoever waits for a change, of this connection and of another one", (path) =>
    open(
      path,
      Effect.gen(function* () {
        const sqlite = yield* Sqlite.Sqlite
        for (const other of [false, true]) {
          for (const n of range(5)) {
            const version = yield* sqlite.version
            const waiting = yield* Effect.forkChild(sqlite.awaitPast(version), { startImmediately: true })
            const write = put(`${other} ${n}`)
            yield* other
              ? open(
                  path,
                  Effect.flatMap(Sqlite.Sqlite, (one) => one.write(write))
                )
              : sqlite.write(write)
            yield* Fiber.join(waiting)
            assert.isAbove(yield* sqlite.version, version)
          }
        }
        yield* sqlite.awaitPast(0)
      })
    ))
})

describe("Sqlite.tryLock", () => {
  test("gives a lock to one, also over connections, and again when it was released", (path) =>
    Effect.sync(() => {
      assert.isFalse(Sqlite.isLocked(path), "a lock that nobody made is held by nobody")
      const lock = Sqlite.tryLock(path)
      assert.isTrue(Sqlite.isLocked(path))
      assert.isUndefined(Sqlite.tryLock(path), "two have the lock")
      lock?.release()
      assert.isFalse(Sqlite.isLocked(path))
      Sqlite.tryLock(path)?.release()
    }))

  test("is released by the kernel when its process is killed", (path) =>
    Effect.gen(function* () {
      const code = `
        const { DatabaseSync } = require("node:sqlite")
        new DatabaseSync(process.argv[1]).exec("begin exclusive")
        console.log("locked")
        setInterval(() => {}, 1000)`
      const holder = yield* Effect.acquireRelease(
        Effect.sync(() => spawn(process.execPath, ["-e", code, path], { stdio: ["ignore", "pipe", "ignore"] })),
        (holder) => Effect.sync(() => holder.kill("SIGKILL"))
      )
      yield* Effect.promise(() => once(holder.stdout, "data"))
      assert.isTrue(Sqlite.isLocked(path), "another process holds it")
      const gone = once(holder, "exit")
      holder.kill("SIGKILL")
      yield* Effect.promise(() => gone)
      assert.isFalse(Sqlite.isLocked(path), "a killed process still holds its lock")
    }))
})
