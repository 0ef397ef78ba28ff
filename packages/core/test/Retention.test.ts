import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import { dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import * as SqliteEngine from "../src/adapters/SqliteEngine.ts"
import * as SqliteJournal from "../src/adapters/SqliteJournal.ts"
import * as Actor from "../src/Actor.ts"
import * as Fault from "../src/Fault.ts"
import * as Gate from "../src/Gate.ts"
import * as Journal from "../src/Journal.ts"
import * as Line from "../src/Line.ts"
import * as Retention from "../src/Retention.ts"
import * as Sqlite from "../src/Sqlite.ts"
import * as Stage from "../src/Stage.ts"
import * as Status from "../src/Status.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, events, range, temporary, test } from "./FactoryStore.ts"
import * as StoreProcess from "./fixtures/StoreProcess.ts"

class Broken extends Fault.Class<Broken>()("Broken", { Broken: false }) {}
class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}

const item = (n: number): WorkItem.WorkItem => ({
  id: `issue-${n}`,
  title: `Issue ${n}`,
  body: WorkItem.bodyOf(""),
  labels: [],
  source: ""
})

const End = Schema.Literals(["finished", "parked", "failed", "waiting", "stalled"])
const Any = Line.make("Any", {
  payload: { item: WorkItem.WorkItem, end: End, texts: Schema.Array(Schema.String) },
  success: Schema.Number,
  error: Schema.Union([Line.Parked, Refused])
})

let isMended = false
const code = Any.toLayer(
  Effect.fnUntraced(function* ({ end, item, texts }) {
    let length = 0
    for (const text of texts) {
      length += (yield* Stage.run({ name: "text", success: Schema.String }, Effect.succeed(text))).length
    }
    if (end === "parked") return yield* Line.park(item, { reason: "Later" })
    if (end === "failed") return yield* new Refused({ why: "No" })
    if (end === "waiting") yield* Gate.answer("go", { question: "Go on?", cause: "test" })
    const break_ = Effect.suspend(() =>
      isMended ? Effect.void : Effect.fail(new Broken({ reason: "Broken", message: "Broken" }))
    )
    if (end === "stalled") yield* Stage.run({ name: "break", success: Schema.Void }, break_)
    return length
  })
)

type Services = Sqlite.Sqlite | Journal.Journal | Layer.Success<ReturnType<typeof SqliteEngine.layer>>

const live = <A, E>(path: string, body: Effect.Effect<A, E, Services>, poll: "5 millis" | "1 day" = "5 millis") =>
  alone(
    body,
    Layer.provideMerge(
      code,
      Layer.merge(SqliteJournal.layer, SqliteEngine.layer()).pipe(
        Layer.provideMerge(Sqlite.layer({ path, poll, synchronous: "NORMAL" }))
      )
    )
  )

const run = (n: number, end: typeof End.Type, texts: ReadonlyArray<string> = ["a", "b"]) =>
  Effect.gen(function* () {
    const name = yield* Any.start({ item: item(n), end, texts })
    yield* Line.settled(name)
    yield* stored
    return name
  })

/** Waits until no execution is stored as running: the fact that ends a run is written before its result. */
const stored = Effect.gen(function* () {
  const { awaitPast, read, version } = yield* Sqlite.Sqlite
  while (true) {
    const seen = yield* version
    if ((yield* read((prepare) => prepare("select 1 from executions where status = 'running'").get())) === undefined) {
      return
    }
    yield* awaitPast(seen)
  }
})

const standing = Effect.map(Status.runs(), (all) => all.map((status) => `${status.run} ${status._tag}`))
const ended = (name: string) => Effect.tap(Line.ended(name), () => stored)
const ada = { actor: Actor.human("ada") }
const answer = (name: string) => Gate.settle(`${name}:go`, { _tag: "Reply", text: "yes" }, ada)

/** How many rows every table has. */
const rows = (path: string) => {
  const db = new DatabaseSync(path)
  const counts = Object.fromEntries(
    ["journal", "executions", "activities", "deferreds", "clocks", "blobs", "blob_uses"].map((table) => [
      table,
      Number(db.prepare(`select count(*) as count from ${table}`).get()?.["count"])
    ])
  )
  const integrity = db.prepare("pragma integrity_check").get()?.["integrity_check"]
  db.close()
  assert.strictEqual(integrity, "ok")
  return counts
}

describe("Retention.prune", () => {
  test("takes out a run that was rewound before it had ended, once it has", (path) =>
    Effect.gen(function* () {
      isMended = false
      yield* live(
        path,
        Effect.gen(function* () {
          const name = yield* run(0, "waiting")
          yield* Line.rewind(name, { before: "text" })
          yield* Line.settled(name)
          yield* answer(name)
          yield* ended(name)
          yield* run(0, "finished")
        })
      )
      const { runs } = yield* live(path, Retention.prune({ keepLast: 0 }))
      assert.sameMembers([...runs], ["issue-0.1", "issue-0.2"], "a run that was rewound is never pruned")
    }))

  test("takes out runs that are over and nothing else, and answers with what went", (path) =>
    Effect.gen(function* () {
      isMended = false
      yield* live(
        path,
        Effect.gen(function* () {
          for (const [n, end] of End.literals.entries()) yield* run(n, end)
          yield* run(0, "finished")
          yield* Journal.record({ _tag: "Commented", item: "", body: "of no run" })
        })
      )
      const before = rows(path)
      const all = (yield* live(path, events)).map(({ seq }) => seq)
      const dry = yield* live(path, Retention.prune({ keepLast: 0, dryRun: true }))
      assert.deepStrictEqual(rows(path), before, "a dry run changed something")
      const pruned = yield* live(path, Retention.prune({ keepLast: 0 }))
      const runs = ["issue-0.2", "issue-2.1", "issue-1.1", "issue-0.1"]
      assert.sameMembers([...pruned.runs], runs)
      assert.deepStrictEqual({ ...pruned, bytes: 0 }, { ...dry, bytes: 0 }, "a dry run says something else")
      const after = rows(path)
      // One fact stands for each run.
      assert.strictEqual(after.journal, Number(before.journal) - pruned.facts + runs.length)
      assert.strictEqual(after.executions, Number(before.executions) - pruned.executions)
      assert.strictEqual(after.activities, Number(before.activities) - pruned.results)
      assert.deepStrictEqual([pruned.executions, pruned.results], [4, 8])

      isMended = true
      yield* live(
        path,
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* standing, ["issue-3.1 Waiting", "issue-4.1 Stalled"])
          assert.isUndefined(yield* Status.of("issue-1.1"))
          yield* answer("issue-3.1")
          yield* Line.resume("issue-3.1")
          yield* Line.resume("issue-4.1")
          for (const name of ["issue-3.1", "issue-4.1"]) {
            assert.include(yield* ended(name), { _tag: "Finished", result: 2 }, "a run that was not over has suffered")
          }
          assert.strictEqual(yield* run(0, "finished"), "issue-0.3", "the name of a pruned run was given again")
          const now = yield* events
          const isNew = now.filter(({ seq }) => !all.includes(seq))
          assert.isTrue(
            isNew.every(({ seq }) => seq > Math.max(...all)),
            "the place of a fact was given again"
          )
          const stands = now.filter(({ fact }) => fact._tag === "RunPruned")
          assert.sameMembers(
            stands.map(({ run }) => String(run)),
            runs
          )
          assert.deepInclude(stands.find(({ run }) => run === "issue-1.1")?.fact, {
            _tag: "RunPruned",
            title: "Issue 1",
            facts: 6,
            spent: [],
            interventions: []
          })
        })
      )
      const again = yield* live(path, Retention.prune({ keepLast: 3 }))
      assert.deepStrictEqual(again.runs, [], "what is pruned was pruned again")
    }))

  it.effect("takes out what ended before a time, and keeps the last ones", () =>
    temporary((path) =>
      live(
        path,
        Effect.gen(function* () {
          for (const n of range(4)) {
            yield* run(n, "finished")
            yield* TestClock.adjust("1 day")
          }
          const names = (options: Retention.Options) =>
            Effect.map(Retention.prune({ ...options, dryRun: true }), ({ runs }) => runs)
          assert.deepStrictEqual(yield* names({ keepLast: 1 }), ["issue-3.1", "issue-2.1", "issue-1.1"])
          assert.deepStrictEqual(yield* names({ keepLast: 9 }), [])
          assert.deepStrictEqual(yield* names({ olderThan: "3 days" }), ["issue-2.1", "issue-1.1"])
          assert.deepStrictEqual(yield* names({ olderThan: "3 days", keepLast: 3 }), ["issue-1.1"])
          assert.deepStrictEqual(yield* names({ olderThan: "5 days" }), [])
          yield* Retention.prune({ olderThan: "3 days", keepLast: 3 })
          assert.deepStrictEqual(yield* standing, ["issue-2.1 Finished", "issue-3.1 Finished", "issue-4.1 Finished"])
        }),
        "1 day"
      )
    )
  )

  test("takes out what the tools of a run said", (path) =>
    live(
      path,
      Effect.gen(function* () {
        const name = yield* run(0, "finished")
        const journal = yield* Journal.Journal
        const outputs = Effect.map(Stream.runCollect(journal.read({ run: name, outputs: true })), (all) =>
          all.filter(({ fact }) => fact._tag === "ToolOutput")
        )
        const said = { _tag: "ToolOutput", call: "c", part: 0, text: "x".repeat(200_000), isLast: true } as const
        const origin = { line: "Any", run: name, item: null, stage: null, actor: Actor.host }
        yield* Effect.provideService(Journal.record(said), Journal.Origin, origin)
        assert.lengthOf(yield* outputs, 1)
        const { bytes } = yield* Retention.prune({ keepLast: 0 })
        assert.lengthOf(yield* outputs, 0)
        assert.isAbove(bytes, 150_000, "the file is as large as before")
      })
    ))

  test("keeps the facts when that is asked for", (path) =>
    live(
      path,
      Effect.gen(function* () {
        yield* run(1, "finished")
        const before = yield* events
        const { facts, results } = yield* Retention.prune({ keepLast: 0, keepJournal: true })
        assert.deepStrictEqual([facts, results], [0, 2])
        assert.deepStrictEqual(yield* events, before)
        assert.strictEqual((yield* Effect.flip(Line.resume("issue-1.1"))).reason, "Ended")
        assert.strictEqual(yield* run(1, "finished"), "issue-1.2")
      })
    ))

  test("leaves a run that is over while its parent or its child goes on", (path) =>
    Effect.gen(function* () {
      const [over, waiting] = yield* live(path, Effect.all([run(1, "finished"), run(2, "waiting")]))
      const change = (of: string, parent: string | null) => {
        const db = new DatabaseSync(path)
        const id = (name: string | null) =>
          db.prepare("select id from executions where payload like ?").get(`%"${name}"%`)?.["id"] ?? null
        db.prepare("update executions set parent = ? where id = ?").run(id(parent), id(of))
        db.close()
      }
      for (const [child, parent] of [
        [over, waiting],
        [waiting, over]
      ] as const) {
        change(child, parent)
        const { runs } = yield* live(path, Retention.prune({ keepLast: 0 }))
        assert.deepStrictEqual(runs, [], `${child} is a child of ${parent}`)
        change(child, null)
      }
      change(waiting, over)
      yield* live(
        path,
        Effect.gen(function* () {
          yield* answer(waiting)
          yield* Line.resume(waiting)
          yield* ended(waiting)
        })
      )
      const { runs } = yield* live(path, Retention.prune({ keepLast: 0 }))
      assert.sameMembers([...runs], [over, waiting], "a family goes together")
      const { journal, ...rest } = rows(path)
      assert.strictEqual(journal, 2)
      assert.deepStrictEqual([...new Set(Object.values(rest))], [0], "something of a pruned run is left")
    }))

  test("takes a large text out with the last run that refers to it, and gives its room back", (path) =>
    Effect.gen(function* () {
      const text = randomBytes(600_000).toString("base64")
      yield* live(path, Effect.all([run(1, "finished", [text, "a"]), run(2, "finished", ["b", text, text])]))
      assert.strictEqual(rows(path).blobs, 3, "two payloads, and one text of both")
      const large = Fs.statSync(path).size
      const first = yield* live(path, Retention.prune({ keepLast: 1 }))
      assert.deepStrictEqual([first.runs, first.texts], [["issue-1.1"], 1])
      assert.strictEqual(rows(path).blobs, 2, "a text that another run refers to")
      const dry = yield* live(path, Retention.prune({ keepLast: 0, dryRun: true }))
      const second = yield* live(path, Retention.prune({ keepLast: 0 }))
      assert.deepStrictEqual([second.texts, dry.texts], [2, 2])
      assert.deepStrictEqual([rows(path).blobs, rows(path).blob_uses], [0, 0])
      assert.isAbove(first.bytes + second.bytes, 1_000_000)
      assert.isBelow(Fs.statSync(path).size, large / 3, "the file is as large as before")
    }))

  test(
    "lets others write meanwhile",
    (path) =>
      live(
        path,
        Effect.gen(function* () {
          yield* run(
            1,
            "finished",
            Array.from({ length: 6_000 }, (_, n) => `${n}`)
          )
          let written = 0
          const writing = Effect.forever(
            Effect.tap(Journal.record({ _tag: "Commented", item: "", body: "" }), () => Effect.sync(() => written++))
          )
          const { facts } = yield* Effect.raceFirst(Retention.prune({ keepLast: 0 }), writing)
          assert.isAbove(written, facts / 500, "nobody could write between two batches")
          assert.deepStrictEqual(yield* standing, [])
        })
      ),
    60_000
  )

  test("is one when two do it at once", (path) =>
    Effect.gen(function* () {
      yield* live(
        path,
        Effect.forEach(range(20), (n) => run(n, "finished"))
      )
      yield* Effect.forEach(range(2), () => StoreProcess.run(["prune", path]), { concurrency: 2 })
      const { journal, ...rest } = rows(path)
      assert.strictEqual(journal, 20, "one fact stands for each run")
      assert.deepStrictEqual([...new Set(Object.values(rest))], [0])
    }))

  test(
    "is done by the next call when its process is killed at any point, and no run looks unfinished meanwhile",
    (path) =>
      Effect.gen(function* () {
        yield* live(
          path,
          Effect.gen(function* () {
            yield* run(100, "waiting")
            yield* Effect.forEach(
              range(40),
              (n) =>
                run(
                  n,
                  "finished",
                  range(40).map((at) => `${at}`)
                ),
              { concurrency: 10 }
            )
          })
        )
        let most = 0
        const whole = join(dirname(path), "whole.db")
        Fs.copyFileSync(path, whole)
        const duration = yield* StoreProcess.takes(["prune", whole])
        for (const n of range(10)) {
          const copy = join(dirname(path), `${n}.db`)
          Fs.copyFileSync(path, copy)
          yield* StoreProcess.killed(["prune", copy], (duration * n) / 10)
          yield* live(
            copy,
            Effect.gen(function* () {
              const now = yield* standing
              assert.deepStrictEqual(
                now.filter((status) => !status.endsWith("Finished")),
                ["issue-100.1 Waiting"],
                `killed after ${n} tenths of ${duration} ms`
              )
              most = Math.max(most, now.length)
              yield* Retention.prune({ keepLast: 0 })
              assert.deepStrictEqual(yield* standing, ["issue-100.1 Waiting"])
            })
          )
          assert.deepStrictEqual([rows(copy).executions, rows(copy).activities], [1, 3])
        }
        assert.isAbove(most, 1, "every kill came too late")
      }),
    120_000
  )

  test("works on a store of the first version, whose file stays as large", (path) =>
    Effect.gen(function* () {
      Fs.copyFileSync(fileURLToPath(new URL("./fixtures/store-v1.db", import.meta.url)), path)
      const { bytes, runs } = yield* live(path, Retention.prune({ keepLast: 0 }))
      assert.deepStrictEqual(runs, ["issue-1.1"])
      assert.strictEqual(bytes, 0)
      rows(path)
    }))
})
