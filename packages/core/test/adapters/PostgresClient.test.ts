import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as PostgresClient from "../../src/adapters/PostgresClient.ts"
import * as PostgresJournal from "../../src/adapters/PostgresJournal.ts"
import * as Journal from "../../src/Journal.ts"
import { Postgres } from "../../src/Postgres.ts"
import { alone } from "../FactoryStore.ts"
import * as PostgresServer from "../PostgresServer.ts"
import * as ServedPostgres from "../ServedPostgres.ts"
import * as SmallDisk from "../SmallDisk.ts"

const server = ServedPostgres.forFile()

/** Why a database can not be used. */
const refusal = (url: string) =>
  Effect.flip(alone(Effect.asVoid(Postgres), PostgresClient.layer({ url: Redacted.make(url) })))

const says = (error: Journal.JournalError, reason: Journal.JournalError["reason"], text: string) => {
  assert.deepInclude(error, { reason }, error.message)
  assert.include(error.message, text, "it says how to mend it")
  assert.notInclude(JSON.stringify({ ...error }) + error.message + String(error.stack), "pa55word")
}

const comment = (body: string) => Journal.record({ _tag: "Commented", item: "item", body })

describe("PostgresClient", () => {
  it.live("says what is wrong with a connection, and never tells the password", () =>
    Effect.gen(function* () {
      const running = yield* server.running
      const [nobody = 0] = yield* PostgresServer.freePorts(1)
      const at = `127.0.0.1:${running.port}`
      says(
        yield* refusal(`postgres://millwright:pa55word@${at}/postgres`),
        "NotWritable",
        "Check the user and the password"
      )
      says(yield* refusal(`postgres://millwright:pa55word@127.0.0.1:${nobody}/postgres`), "Unreachable", "server runs")
      const url = Redacted.value(running.url("no_such"))
      says(yield* refusal(url), "NotWritable", "createdb")
      says(yield* refusal("mysql://millwright:pa55word@somewhere/x"), "NotWritable", "postgres://")
      says(yield* refusal("pa55word"), "NotWritable", "postgres://")
    })
  )

  it.live("refuses tables of a newer version, and changes nothing", () =>
    Effect.gen(function* () {
      const url = yield* server.database()
      const open = alone(Effect.asVoid(Postgres), PostgresClient.layer({ url }))
      yield* open
      const running = yield* server.running
      yield* running.query("update millwright_head set version = 99", new URL(Redacted.value(url)).pathname.slice(1))
      says(yield* Effect.flip(open), "Newer", "Upgrade")
    })
  )

  it.live("makes its tables once, for 8 processes that begin at once", () =>
    Effect.gen(function* () {
      const url = yield* server.database()
      const open = alone(comment("here"), Layer.provide(PostgresJournal.layer, PostgresClient.layer({ url })))
      yield* Effect.all(
        Array.from({ length: 8 }, () => open),
        { concurrency: "unbounded" }
      )
    })
  )

  it.live("waits for a server that restarts, and writes nothing twice", () =>
    Effect.gen(function* () {
      const url = yield* server.database()
      const running = yield* server.running
      const layer = Layer.provide(PostgresJournal.layer, PostgresClient.layer({ url }))
      yield* alone(
        Effect.gen(function* () {
          const journal = yield* Journal.Journal
          const seen = yield* Effect.forkChild(Stream.runCollect(Stream.take(journal.follow(), 200)), {
            startImmediately: true
          })
          const restart = Effect.andThen(running.stop, running.start)
          const write = Effect.forEach(
            Array.from({ length: 200 }, (_, n) => n),
            (n) => comment(`${n}`),
            { concurrency: 4 }
          )
          yield* Effect.all([write, Effect.andThen(comment("first"), restart)], { concurrency: 2 })
          const all = yield* Stream.runCollect(journal.read())
          const bodies = all.map(({ fact }) => (fact._tag === "Commented" ? fact.body : ""))
          assert.strictEqual(new Set(bodies).size, 201, "an event was lost")
          assert.strictEqual(bodies.length, 201, "an event was written twice")
          const followed = yield* Fiber.join(seen)
          assert.deepStrictEqual(followed, all.slice(0, 200), "a follower sees what stands, also over a restart")
        }),
        layer
      )
    })
  )

  it.live("says that the disk is full, waits for room as long as it is patient, and goes on", (context) =>
    Effect.gen(function* () {
      const { folder, isMounted } = yield* SmallDisk.make
      if (!isMounted) return context.skip("this user may not mount a small file system")
      const running = yield* server.running
      yield* running.query(`create tablespace small location '${folder}'`)
      yield* running.query("create database full_disk tablespace small strategy file_copy")
      const url = running.url("full_disk")
      const journal = (patience: "300 millis" | "20 seconds") =>
        Layer.provide(PostgresJournal.layer, PostgresClient.layer({ url, patience }))
      yield* alone(comment("before"), journal("300 millis"))
      const makeRoom = SmallDisk.fill(folder)
      const text = Array.from({ length: 40_000 }, (_, n) => `${n * n}`).join(" ")
      const full = yield* Effect.flip(alone(comment(text), journal("300 millis")))
      says(full, "NotWritable", "Make room")
      const waits = yield* Effect.forkChild(alone(comment(text), journal("20 seconds")), { startImmediately: true })
      yield* Effect.sleep("500 millis")
      assert.isUndefined(waits.pollUnsafe(), "it gave up, or wrote where no room is")
      makeRoom()
      yield* Fiber.join(waits)
      yield* running.query("drop database full_disk")
      yield* running.query("drop tablespace small")
    }).pipe(Effect.scoped)
  )
})
