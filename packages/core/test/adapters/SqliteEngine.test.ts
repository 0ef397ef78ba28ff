import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { randomBytes } from "node:crypto"
import { copyFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import * as SqliteEngine from "../../src/adapters/SqliteEngine.ts"
import * as SqliteJournal from "../../src/adapters/SqliteJournal.ts"
import * as Gate from "../../src/Gate.ts"
import type * as Journal from "../../src/Journal.ts"
import * as Line from "../../src/Line.ts"
import * as Sqlite from "../../src/Sqlite.ts"
import * as Stage from "../../src/Stage.ts"
import * as Status from "../../src/Status.ts"
import * as WorkflowEngineTest from "../../src/testing/WorkflowEngineTest.ts"
import * as WorkItem from "../../src/WorkItem.ts"
import { alone, events, item, journal, range, type Services, store, temporary, test } from "../FactoryStore.ts"
import * as FactoryProcess from "../fixtures/FactoryProcess.ts"

WorkflowEngineTest.suite("SqliteEngine", (folder) =>
  Layer.merge(SqliteJournal.layer, SqliteEngine.layer()).pipe(
    // One process writes, so there is nothing to look for; under the clock of a test, days pass at once.
    Layer.provide(Sqlite.layer({ path: `${folder}/factory.db`, poll: "1 day" }))
  )
)

/** Reads the store as another process would. */
const reading = <A, E>(path: string, read: Effect.Effect<A, E, Journal.Journal>) => alone(read, journal(path))

/** Numbers that only look random, so that a failure can be run again. */
const randomFrom = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

/** The journal has no gap, and the file is whole. */
const isSound = (path: string) =>
  Effect.gen(function* () {
    const all = yield* reading(path, events)
    assert.deepStrictEqual(
      all.map(({ seq }) => seq),
      range(all.length),
      "seq has a gap"
    )
    const db = new DatabaseSync(path)
    assert.strictEqual(db.prepare("pragma integrity_check").get()?.["integrity_check"], "ok")
    db.close()
    return all
  })

const change = (path: string, sql: string) => {
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
}

const ask = (process: FactoryProcess.FactoryProcess, command: Parameters<FactoryProcess.FactoryProcess["ask"]>[0]) =>
  Effect.tryPromise({ try: () => process.ask(command), catch: (error) => error as Error })

describe("SqliteEngine over processes", () => {
  test(
    "loses nothing and runs nothing again when its process is killed at any point",
    (path) =>
      Effect.gen(function* () {
        const seed = Date.now()
        const random = randomFrom(seed)
        const [runs, stages] = [4, 75]
        let process = yield* FactoryProcess.make(path)
        const names = yield* Effect.forEach(range(runs), (n) =>
          ask(process, { _tag: "Start", line: "Steps", item: `issue-${n}`, times: stages })
        )
        const again: Array<string> = []
        let kills = 0
        while (kills < 12) {
          yield* Effect.promise(() => process.hasRun(Math.ceil(random() * 8)))
          // Somewhere in the next stage, or in the commit of this one.
          yield* Effect.sleep(random() * 4)
          const signal = kills % 3 === 2 ? "SIGTERM" : "SIGKILL"
          const endedBy = yield* Effect.promise(() => process.kill(signal))
          assert.strictEqual(endedBy, signal)
          again.push(...process.ran.filter((one) => one.again).map((one) => one.running))
          kills += 1
          const all = yield* isSound(path)
          process = yield* FactoryProcess.make(path)
          if (all.filter(({ fact }) => fact._tag === "LineFinished").length === runs) break
        }
        for (const run of names) {
          const status = yield* ask(process, { _tag: "Settled", run: String(run) })
          assert.include(status, { _tag: "Finished", result: (stages * (stages + 1)) / 2 }, `seed ${seed}`)
        }
        assert.deepStrictEqual(again, [], `finished stages ran again (seed ${seed})`)
        assert.isAbove(kills, 3, "too few kills to say anything")
        const all = yield* isSound(path)
        const finished = all
          .filter(({ fact }) => fact._tag === "StageFinished")
          .map(({ run, stage }) => `${run}/${stage}`)
        const expected = names.flatMap((run) => range(stages).map((n) => `${run}/step${n === 1 ? "" : `#${n}`}`))
        assert.deepStrictEqual(finished.toSorted(), expected.toSorted(), `a stage is lost or doubled (seed ${seed})`)
        for (const tag of ["LineStarted", "LineFinished"]) {
          assert.strictEqual(all.filter(({ fact }) => fact._tag === tag).length, runs, `${tag} (seed ${seed})`)
        }
      }),
    60_000
  )

  test("takes over at once what a killed process ran, and leaves what a living one runs", (path) =>
    Effect.gen(function* () {
      const first = yield* FactoryProcess.make(path)
      const run = String(yield* ask(first, { _tag: "Start", line: "Held", item: "issue-1" }))
      yield* Effect.promise(() => first.hasRun(1))
      const second = yield* FactoryProcess.make(path)
      assert.isTrue(yield* ask(second, { _tag: "IsElsewhere", run }), "the second process knows that the first lives")
      yield* ask(second, { _tag: "Resume", run })
      // Whoever asks must not look like the owner to somebody else who asks.
      const answers = yield* Effect.forEach(
        range(20),
        (n) => ask(n % 2 === 0 ? first : second, { _tag: "IsElsewhere", run }),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        answers,
        range(20).map((n) => n % 2 === 1)
      )
      assert.strictEqual(second.ran.length, 0, "two processes ran one execution")
      yield* Effect.promise(() => first.kill("SIGKILL"))
      assert.isFalse(yield* ask(second, { _tag: "IsElsewhere", run }), "a killed process still looks alive")
      yield* ask(second, { _tag: "Resume", run })
      yield* Effect.promise(() => second.hasRun(1))
      yield* Effect.promise(() => second.kill("SIGKILL"))
      const killed = Date.now()
      const third = yield* FactoryProcess.make(path)
      yield* Effect.promise(() => third.hasRun(1))
      assert.isBelow(Date.now() - killed, 5_000, "a new process waited for a lease that nobody holds")
      yield* ask(third, { _tag: "Release" })
      assert.include(yield* ask(third, { _tag: "Settled", run }), { _tag: "Finished" })
      const started = (yield* isSound(path)).filter(({ fact }) => fact._tag === "StageStarted").length
      assert.strictEqual(started, 3, "the stage began once in each process that owned it")
    }))

  test("is woken by an answer of another process; of 8 answers from 4 processes one stands", (path) =>
    Effect.gen(function* () {
      const owner = yield* FactoryProcess.make(path)
      const others = yield* Effect.forEach(range(4), () => FactoryProcess.make(path), { concurrency: 2 })
      for (const turn of range(5)) {
        const run = String(yield* ask(owner, { _tag: "Start", line: "Asked", item: `issue-${turn}` }))
        yield* reading(
          path,
          Status.until(run, ({ _tag }) => _tag !== "Running")
        )
        const gate = `${run}:what`
        const accepted = yield* Effect.forEach(
          others.flatMap((process, index) => [`a${index}`, `b${index}`].map((text) => ({ process, text }))),
          ({ process, text }) =>
            ask(process, { _tag: "Answer", gate, text }).pipe(
              Effect.as([text]),
              Effect.catch(({ message }) =>
                Effect.sync(() => {
                  assert.include(message, "answered by", "an answer that is not taken says who was first")
                  return []
                })
              )
            ),
          { concurrency: "unbounded" }
        )
        const status = yield* ask(owner, { _tag: "Settled", run })
        assert.include(status, { _tag: "Finished" })
        const [standing = "", ...more] = accepted.flat()
        assert.deepStrictEqual(more, [], "two different answers were accepted")
        assert.include(status, { result: standing }, "the line got another answer than the one that was accepted")
        yield* ask(others[turn % 4] ?? owner, { _tag: "Answer", gate, text: standing })
        const gates = yield* reading(path, Gate.list(run))
        assert.strictEqual(gates.get(gate)?.answered?.by._tag, "Human")
      }
      const all = yield* isSound(path)
      assert.strictEqual(all.filter(({ fact }) => fact._tag === "GateAnswered").length, 5, "one fact for each gate")
    }))

  test("hears an answer of another process that comes while it still does something else", (path) =>
    Effect.gen(function* () {
      const Split = Line.make("Split", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
      const answered = yield* Deferred.make<void>()
      const code = Split.toLayer(() =>
        Effect.all(
          [
            Stage.run({ name: "busy", success: Schema.Void }, Deferred.await(answered)),
            Gate.answer("what", { question: "What?", cause: "test" })
          ],
          { concurrency: 2 }
        ).pipe(Effect.map(([, answer]) => answer))
      )
      const owner = Effect.gen(function* () {
        const run = yield* Split.start({ item })
        yield* Effect.repeat(Effect.andThen(Effect.yieldNow, Gate.list()), { until: (gates) => gates.size > 0 })
        // Nothing tells from outside that the branch of the gate began to wait.
        yield* Effect.repeat(Effect.yieldNow, { times: 20 })
        const by = { actor: { _tag: "Human", name: "ada" } } as const
        yield* alone(Gate.settle(`${run}:what`, { _tag: "Reply", text: "this" }, by), store(path))
        yield* Deferred.succeed(answered, undefined)
        return yield* Line.ended(run)
      })
      const status = yield* alone(owner, Layer.provideMerge(code, store(path)))
      assert.include(status, { _tag: "Finished", result: "this" })
      assert.strictEqual(
        (yield* reading(path, events)).filter(({ stage }) => stage === "busy").length,
        2,
        "it ran once"
      )
    }))

  test("gives a run of its own to each of two processes that start the same item", (path) =>
    Effect.gen(function* () {
      const processes = yield* Effect.forEach(range(2), () => FactoryProcess.make(path), { concurrency: 2 })
      const runs = yield* Effect.forEach(
        range(10),
        (n) =>
          Effect.gen(function* () {
            const process = processes[n % 2]
            if (process === undefined) return ""
            const run = String(yield* ask(process, { _tag: "Start", line: "Steps", item: "issue-1", times: 2 }))
            assert.include(yield* ask(process, { _tag: "Settled", run }), { _tag: "Finished", result: 3 })
            return run
          }),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(runs).size, 10, `two runs have one name: ${runs.join(", ")}`)
      const all = yield* isSound(path)
      assert.strictEqual(all.filter(({ fact }) => fact._tag === "StageFinished").length, 20)
    }))

  test("8 processes make the tables of one new store together", (path) =>
    Effect.gen(function* () {
      yield* Effect.forEach(range(8), () => FactoryProcess.make(path), { concurrency: "unbounded" })
      yield* isSound(path)
    }))
})

const Step = Schema.Literals(["stage", "loop", "refused", "gate"])

/** A line of any steps. Its result is what each step came to. */
const Any = Line.make("Any", {
  payload: { item: WorkItem.WorkItem, steps: Schema.Array(Step) },
  success: Schema.Array(Schema.String)
})
class Refused extends Schema.TaggedError<Refused>()("Refused", { at: Schema.Number }) {}
const any = Any.toLayer(
  Effect.fnUntraced(function* ({ steps }) {
    const results: Array<string> = []
    for (const [at, step] of steps.entries()) {
      if (step === "gate") results.push(yield* Gate.answer("gate", { question: `${at}?`, cause: "test" }))
      else if (step === "refused") {
        const refused = Stage.run({ name: "refused", success: Schema.String, error: Refused }, new Refused({ at }))
        results.push(yield* Effect.catchTag(refused, "Refused", (error) => Effect.succeed(`refused ${error.at}`)))
      } else {
        for (const turn of range(step === "loop" ? 3 : 1)) {
          results.push(yield* Stage.run({ name: "step", success: Schema.String }, Effect.succeed(`${at} ${turn}`)))
        }
      }
    }
    return results
  })
)

/** Answers every gate, with its name, until the run is over. */
const drive = (run: string) =>
  Effect.gen(function* () {
    while (true) {
      const status = yield* Line.settled(run)
      assert.notStrictEqual(status._tag, "Stalled", JSON.stringify(status))
      if (Status.isEnded(status)) return status
      const by = { actor: { _tag: "Human", name: "ada" } } as const
      for (const gate of status.openGates) yield* Gate.settle(gate, { _tag: "Reply", text: gate }, by)
    }
  })

/** What does not depend on when it was done. */
const outcome = (run: string) =>
  Effect.gen(function* () {
    const status = yield* drive(run)
    const ends = (yield* events).flatMap(({ fact, stage }) =>
      ["StageFinished", "StageFailed", "GateAnswered", "LineFinished"].includes(fact._tag)
        ? [`${fact._tag} ${stage}`]
        : []
    )
    return { result: status._tag === "Finished" ? status.result : status._tag, ends: ends.toSorted() }
  })

/** The store, and a copy of it after every commit: what a process that was killed there leaves behind. */
const copied = (path: string, copies: Array<string>) =>
  Layer.effect(
    Sqlite.Sqlite,
    Effect.map(Sqlite.Sqlite, (sqlite) => ({
      ...sqlite,
      write: <A>(run: (prepare: Sqlite.Prepare) => A) =>
        Effect.tap(sqlite.write(run), () =>
          Effect.sync(() => {
            const copy = `${path}-${copies.length}`
            for (const part of ["", "-wal"]) copyFileSync(`${path}${part}`, `${copy}${part}`)
            copies.push(copy)
          })
        )
    }))
  ).pipe(Layer.provide(Sqlite.layer({ path, poll: "1 day" })))

describe("A line on SqliteEngine", () => {
  it.live.prop(
    "comes to the same result and the same facts wherever its process is killed",
    [Schema.Array(Step)],
    ([drawn]) =>
      temporary((path) =>
        Effect.gen(function* () {
          const steps = drawn.slice(0, 5)
          const copies: Array<string> = []
          const watched = Layer.merge(SqliteJournal.layer, SqliteEngine.layer()).pipe(
            Layer.provide(copied(path, copies))
          )
          const [run, undisturbed] = yield* alone(
            Effect.gen(function* () {
              const run = yield* Any.start({ item, steps })
              return [run, yield* outcome(run)] as const
            }),
            Layer.provideMerge(any, watched)
          )
          assert.isAtLeast(copies.length, steps.length, "the store was copied after every commit")
          for (const copy of copies) {
            const disturbed: Effect.Effect<unknown, unknown, Services> = Effect.gen(function* () {
              // A process that was killed while it waited left a run that nobody owns.
              if ((yield* Status.of(run))?._tag === "Waiting") yield* Line.resume(run)
              return yield* outcome(run)
            })
            if ((yield* reading(copy, events)).length === 0) continue
            assert.deepStrictEqual(
              yield* alone(disturbed, Layer.provideMerge(any, store(copy))),
              undisturbed,
              `${JSON.stringify(steps)}, killed after commit ${copies.indexOf(copy) + 1}`
            )
          }
        })
      ),
    { timeout: 120_000, arbitrary: { runs: 12 } }
  )
})

describe("SqliteEngine on a store that makes trouble", () => {
  const Two = Line.make("Two", { payload: { item: WorkItem.WorkItem }, success: Schema.String })

  test("tells whoever waits that it can not write, and goes on where it was when there is room", (path) =>
    Effect.gen(function* () {
      const ran: Array<string> = []
      let before: Effect.Effect<unknown, unknown> = Effect.void
      const code = Two.toLayer(
        Effect.fnUntraced(function* () {
          yield* Stage.run(
            { name: "first", success: Schema.Void },
            Effect.sync(() => void ran.push("first"))
          )
          const second = Effect.gen(function* () {
            ran.push("second")
            yield* Effect.orDie(before)
            // What can not be compressed does not fit into the last page.
            return randomBytes(75_000).toString("base64")
          })
          const text = yield* Stage.run({ name: "second", success: Schema.String }, second)
          return String(text.length)
        })
      )
      const sqlite = Sqlite.layer({ path, poll: "5 millis" })
      const both = Layer.merge(SqliteJournal.layer, SqliteEngine.layer()).pipe(Layer.provideMerge(sqlite))
      const [run, error] = yield* alone(
        Effect.gen(function* () {
          const { read } = yield* Sqlite.Sqlite
          before = read((prepare) => prepare("pragma max_page_count = 1").get())
          const run = yield* Two.start({ item })
          return [run, yield* Effect.flip(Line.settled(run))] as const
        }),
        Layer.provideMerge(code, both)
      )
      assert.strictEqual(error.reason, "NotWritable", error.message)
      before = Effect.void
      const again = Effect.gen(function* () {
        // Where the last page had room for it, the fault is in the journal too.
        if ((yield* Status.of(run))?._tag === "Stalled") yield* Line.resume(run)
        return yield* Line.settled(run)
      })
      const status = yield* alone(again, Layer.provideMerge(code, store(path)))
      assert.include(status, { _tag: "Finished", result: "100000" })
      assert.deepStrictEqual(ran, ["first", "second", "second"], "a finished stage ran again, or one was lost")
      const all = yield* isSound(path)
      assert.strictEqual(all.filter(({ fact }) => fact._tag === "StageFinished").length, 2)
    }))

  test("starts a run and its execution together, or neither", (path) =>
    Effect.gen(function* () {
      const code = Two.toLayer(() => Effect.succeed("done"))
      yield* reading(path, events)
      change(path, "create trigger refuse before insert on executions begin select raise(abort, 'refused'); end")
      const exit = yield* alone(Effect.exit(Two.start({ item })), Layer.provideMerge(code, store(path)))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(yield* reading(path, events), [], "a run was announced that nobody can run")
    }))

  test("lets no execution that fits its line no more stand in the way of the others", (path) =>
    Effect.gen(function* () {
      let isOver = false
      const code = Two.toLayer(() =>
        Stage.run(
          { name: "wait", success: Schema.String },
          Effect.suspend(() => (isOver ? Effect.succeed("done") : Effect.never))
        )
      )
      const body = Effect.all([Two.start({ item }), Two.start({ item })])
      const [old, other] = yield* alone(body, Layer.provideMerge(code, store(path)))
      change(path, `update executions set payload = '{}' where payload like '%"${old}"%'`)
      isOver = true
      yield* alone(
        Effect.gen(function* () {
          assert.include(yield* Line.settled(other), { _tag: "Finished" })
          const exit = yield* Effect.exit(Line.resume(old))
          assert.include(
            Exit.isFailure(exit) ? String(exit.cause) : "",
            "run",
            "who resumes it is told what is missing"
          )
        }),
        Layer.provideMerge(code, store(path))
      )
    }))
})
