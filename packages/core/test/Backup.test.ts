import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import { basename, dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Actor from "../src/Actor.ts"
import * as Backup from "../src/Backup.ts"
import * as Gate from "../src/Gate.ts"
import * as Journal from "../src/Journal.ts"
import * as Line from "../src/Line.ts"
import * as Sqlite from "../src/Sqlite.ts"
import * as Stage from "../src/Stage.ts"
import * as Status from "../src/Status.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, events, journal, live, range, test } from "./FactoryStore.ts"
import * as FactoryProcess from "./fixtures/FactoryProcess.ts"
import * as StoreProcess from "./fixtures/StoreProcess.ts"

const item = (n: number): WorkItem.WorkItem => ({
  id: `issue-${n}`,
  title: "It breaks",
  body: WorkItem.bodyOf(""),
  labels: [],
  source: ""
})
const line = <A>(name: string, success: Schema.Codec<A, unknown>) =>
  Line.make(name, { payload: { item: WorkItem.WorkItem }, success })
const Steps = line("Steps", Schema.Number)
const Asked = line("Asked", Schema.String)

/** Thirty stages with 20 KB each, and a gate. Tells what really runs. */
const lines = (ran: (stage: string) => void) =>
  Layer.merge(
    Steps.toLayer(({ item }) =>
      Effect.gen(function* () {
        for (const n of range(30)) {
          const work = Effect.sync(() => {
            ran(`${item.id}/${n}`)
            return randomBytes(15_000).toString("base64")
          })
          yield* Stage.run({ name: "step", success: Schema.String }, work)
        }
        return 30
      })
    ),
    Asked.toLayer(() => Gate.answer("what", { question: "What?", cause: "test" }))
  )

const ended = (run: string) => Line.ended(run)
const ada = { actor: Actor.human("ada") }

const note = (body: string) => Journal.record({ _tag: "Commented", item: "", body })
const bodies = Effect.map(events, (all) => all.map(({ fact }) => (fact._tag === "Commented" ? fact.body : fact._tag)))
const notes = (path: string) => alone(bodies, journal(path))

/** A store of so many megabytes. */
const large = (path: string, megabytes: number) =>
  alone(
    Effect.forEach(range(megabytes), () => note(randomBytes(750_000).toString("base64")), { discard: true }),
    journal(path)
  )

const isWhole = (path: string) => {
  const db = new DatabaseSync(path)
  const found = db.prepare("pragma integrity_check").get()?.["integrity_check"]
  db.close()
  return found === "ok"
}

/** What is beside a file that belongs to it. */
const beside = (path: string) =>
  Fs.readdirSync(dirname(path))
    .filter((name) => name.startsWith(`${basename(path)}.`) || name === basename(path))
    .toSorted()

describe("Backup.make", () => {
  test("copies a store while lines run on it, and every run is there and goes on", (path) =>
    Effect.gen(function* () {
      const to = join(dirname(path), "copies", "monday.db")
      const ran: Array<string> = []
      const made = yield* live(
        path,
        lines((stage) => ran.push(stage)),
        Effect.gen(function* () {
          const first = yield* Steps.start({ item: item(1) })
          yield* ended(first)
          const waiting = yield* Asked.start({ item: item(2) })
          yield* Line.settled(waiting)
          const busy = yield* Effect.forEach(range(6), (n) => Steps.start({ item: item(n + 2) }))
          const made = yield* Backup.make(path, to)
          for (const run of busy) assert.strictEqual((yield* ended(run))._tag, "Finished")
          return made
        })
      )
      assert.strictEqual(made.path, to)
      assert.strictEqual(made.bytes, Fs.statSync(to).size)
      assert.isTrue(isWhole(to))
      assert.deepStrictEqual(beside(to), ["monday.db"])

      const finished = (yield* alone(events, journal(to)))
        .filter(({ fact }) => fact._tag === "StageFinished")
        .map(({ run, stage }) => `${run}/${stage}`)
      const before = ran.length
      yield* live(
        to,
        lines((stage) => ran.push(stage)),
        Effect.gen(function* () {
          assert.include(yield* Status.of("issue-1.1"), { _tag: "Finished", result: 30 })
          yield* Gate.settle("issue-2.1:what", { _tag: "Reply", text: "this" }, ada)
          yield* Line.resume("issue-2.1")
          assert.include(yield* ended("issue-2.1"), { _tag: "Finished", result: "this" })
          for (const { run } of yield* Status.runs("Steps")) {
            assert.include(yield* ended(run), { _tag: "Finished", result: 30 })
          }
        })
      )
      const again = ran.slice(before).map((stage) => stage.replace("/", ".1/"))
      const doubled = finished.filter((stage) => again.includes(stage.replace("step#", "").replace(/step$/, "1")))
      assert.isNotEmpty(again, "the back-up was made when the lines were over")
      assert.deepStrictEqual(doubled, [], "what is finished in the back-up ran again")
    }))

  test("tells how far it is, and holds what was there when it began, whoever writes meanwhile", (path) =>
    Effect.gen(function* () {
      yield* large(path, 12)
      const to = join(dirname(path), "copy.db")
      const seen: Array<number> = []
      yield* alone(
        Effect.gen(function* () {
          const sqlite = yield* Sqlite.Sqlite
          const onProgress = ({ done, of }: { readonly done: number; readonly of: number }) => {
            seen.push(done / of)
            const db = new DatabaseSync(path)
            db.exec(`insert into meta values ('later ${seen.length}', 'x')`)
            db.close()
          }
          yield* Backup.make(sqlite, to, { onProgress })
        }),
        Sqlite.layer({ path })
      )
      assert.isAbove(seen.length, 3, "a large store is copied in one step")
      assert.deepStrictEqual(
        seen,
        seen.toSorted((a, b) => a - b),
        "it began again when somebody wrote"
      )
      const db = new DatabaseSync(to)
      assert.deepStrictEqual(
        db
          .prepare("select key from meta")
          .all()
          .map(({ key }) => key),
        ["schema"]
      )
      db.close()
    }))

  test("replaces nothing, and of two at once to one name one is made", (path) =>
    Effect.gen(function* () {
      yield* large(path, 4)
      const to = join(dirname(path), "copy.db")
      const exits = yield* Effect.forEach(range(2), () => Effect.exit(Backup.make(path, to)), { concurrency: 2 })
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
      const other = yield* Effect.forEach(range(2), (n) => Backup.make(path, `${to}-${n}`), { concurrency: 2 })
      for (const each of [{ path: to }, ...other]) assert.isTrue(isWhole(each.path))
      Fs.writeFileSync(join(dirname(path), "letter"), "Dear grandmother")
      for (const name of [to, path, join(dirname(path), "letter")]) {
        const error = yield* Effect.flip(Backup.make(path, name))
        assert.strictEqual(error.reason, "Exists", error.message)
      }
      assert.strictEqual(Fs.readFileSync(join(dirname(path), "letter"), "utf8"), "Dear grandmother")
      assert.deepStrictEqual(beside(to), ["copy.db"])
    }))

  test(
    "leaves nothing when it is interrupted, and nothing of one that was killed once there is another",
    (path) =>
      Effect.gen(function* () {
        yield* large(path, 30)
        const to = join(dirname(path), "copy.db")
        const isCopying = Promise.withResolvers<void>()
        let copied = 0
        const onProgress = ({ done, of }: { readonly done: number; readonly of: number }) => {
          copied = done / of
          isCopying.resolve()
        }
        const copying = yield* Effect.forkChild(Backup.make(path, to, { onProgress }))
        yield* Effect.promise(() => isCopying.promise)
        yield* Fiber.interrupt(copying)
        assert.isBelow(copied, 0.5, "it was interrupted at the beginning, and copied on")
        assert.deepStrictEqual(beside(to), [], "an interrupted back-up left something")
        let wasKilled = 0
        for (const n of range(8)) {
          const { killed } = yield* StoreProcess.killed(["make", path, to], n * 10)
          if (killed) wasKilled++
          if (Fs.existsSync(to)) {
            assert.isTrue(isWhole(to), "a back-up that is not whole has its name")
            Fs.rmSync(to)
          }
        }
        assert.isAbove(wasKilled, 0, "no back-up was killed")
        yield* Backup.make(path, to)
        assert.deepStrictEqual(beside(to), ["copy.db"])
        assert.strictEqual((yield* notes(path)).length, 30, "the store itself has suffered")
      }),
    60_000
  )

  test("says what is wrong when there is no store, no room or no right", (path) =>
    Effect.gen(function* () {
      const to = join(dirname(path), "copy.db")
      const missing = yield* Effect.flip(Backup.make(path, to))
      assert.strictEqual(missing.reason, "NoSuchStore", missing.message)
      Fs.writeFileSync(path, "This is a letter.\n".repeat(500))
      assert.strictEqual((yield* Effect.flip(Backup.make(path, to))).reason, "Corrupt")
      Fs.rmSync(path)
      yield* large(path, 5)
      Fs.writeFileSync(`${path}-wal`, "a log that does not add up, of a process that was killed")
      const { message } = yield* Effect.flip(Backup.make(path, to))
      assert.include(message, "-wal is damaged", "commits would be missing, and nobody would know")
      Fs.rmSync(`${path}-wal`)
      const { error } = yield* StoreProcess.run(["make", path, to], 4_096)
      assert.match(String(error), /NotWritable|full|input\/output/)
      assert.deepStrictEqual(beside(to), [], "half of a back-up stayed")
    }))
})

describe("Backup.restore", () => {
  test("puts a back-up in the place of a store, which stays beside it", (path) =>
    Effect.gen(function* () {
      const copy = join(dirname(path), "copy.db")
      yield* alone(note("first"), journal(path))
      yield* Backup.make(path, copy)
      yield* alone(note("second"), journal(path))
      for (const number of ["", "-2"]) {
        const { kept } = yield* Backup.restore(copy, path)
        assert.strictEqual(kept, `${path}.replaced${number}`)
        assert.deepStrictEqual(yield* notes(path), ["first"])
      }
      assert.deepStrictEqual(yield* notes(`${path}.replaced`), ["first", "second"])
      const fresh = join(dirname(path), "new", "factory.db")
      assert.deepStrictEqual(yield* Backup.restore(copy, fresh), { path: fresh, kept: undefined })
      assert.deepStrictEqual(yield* notes(fresh), ["first"])
    }))

  test("refuses while anybody has the store open, and what is no store, newer or damaged", (path) =>
    Effect.gen(function* () {
      const copy = join(dirname(path), "copy.db")
      yield* alone(note("first"), journal(path))
      yield* Backup.make(path, copy)
      yield* alone(note("second"), journal(path))
      const refused = (from: string) => Effect.flip(Backup.restore(from, path))
      const process = yield* FactoryProcess.make(path)
      assert.strictEqual((yield* refused(copy)).reason, "InUse", "a process runs lines on it")
      yield* Effect.promise(() => process.kill("SIGKILL"))
      const reading = yield* alone(refused(copy), Sqlite.layer({ path }))
      assert.strictEqual(reading.reason, "InUse", "a process has it open")

      const bad = join(dirname(path), "bad.db")
      Fs.writeFileSync(bad, "no store")
      assert.strictEqual((yield* refused(bad)).reason, "Corrupt")
      const make = (sql: string) => {
        Fs.copyFileSync(copy, bad)
        const db = new DatabaseSync(bad)
        db.exec(sql)
        db.close()
      }
      make("update meta set value = '99' where key = 'schema'")
      assert.strictEqual((yield* refused(bad)).reason, "Newer")
      make("drop table journal")
      assert.strictEqual((yield* refused(bad)).reason, "Corrupt")
      Fs.copyFileSync(copy, bad)
      Fs.truncateSync(bad, Fs.statSync(bad).size - 9_000)
      assert.strictEqual((yield* refused(bad)).reason, "Corrupt")
      assert.strictEqual((yield* refused(`${bad}-not`)).reason, "NoSuchStore")
      assert.deepStrictEqual(yield* notes(path), ["first", "second"], "what was refused was done")
      assert.deepStrictEqual(beside(path), ["factory.db"])
    }))

  test("takes the place of a store that nobody can open, and keeps every byte of it", (path) =>
    Effect.gen(function* () {
      const copy = join(dirname(path), "copy.db")
      yield* alone(note("first"), journal(path))
      yield* Backup.make(path, copy)
      Fs.writeFileSync(path, "damaged")
      Fs.writeFileSync(`${path}-wal`, "its log, damaged, and longer than a header")
      const { kept } = yield* Backup.restore(copy, path)
      assert.deepStrictEqual(yield* notes(path), ["first"])
      assert.strictEqual(Fs.readFileSync(String(kept), "utf8"), "damaged")
      assert.include(Fs.readFileSync(`${kept}-wal`, "utf8"), "its log")
    }))

  test(
    "leaves the one store or the other when its process is killed at any point",
    (path) =>
      Effect.gen(function* () {
        yield* large(path, 20)
        const copy = join(dirname(path), "copy.db")
        yield* Backup.make(path, copy)
        yield* alone(note("later"), journal(path))
        const found = new Set<number>()
        const duration = yield* StoreProcess.takes(["restore", copy, join(dirname(path), "other.db")])
        for (const n of range(12)) {
          yield* StoreProcess.killed(["restore", copy, path], (duration * n) / 10)
          assert.isTrue(Fs.existsSync(path), "there is no store any more")
          const count = (yield* notes(path)).length
          found.add(count)
          assert.include([20, 21], count)
          for (const name of Fs.readdirSync(dirname(path)).filter((name) => name.startsWith("factory.db.replaced"))) {
            assert.isTrue(isWhole(join(dirname(path), name)))
          }
          if (count === 20) yield* alone(note("later"), journal(path))
        }
        assert.include([...found], 21, "every kill came too late")
      }),
    120_000
  )
})
