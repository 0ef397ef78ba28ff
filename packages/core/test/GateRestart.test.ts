import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { copyFileSync } from "node:fs"
import * as Actor from "../src/Actor.ts"
import * as SqliteEngine from "../src/adapters/SqliteEngine.ts"
import * as SqliteJournal from "../src/adapters/SqliteJournal.ts"
import * as Gate from "../src/Gate.ts"
import * as Intervention from "../src/Intervention.ts"
import * as Line from "../src/Line.ts"
import * as Sqlite from "../src/Sqlite.ts"
import * as Stage from "../src/Stage.ts"
import * as Status from "../src/Status.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, events, item, live, range, temporary, test } from "./FactoryStore.ts"

const question = { question: "Go on?", cause: "policy" }
const ada = { actor: Actor.human("ada") }
const ended = (run: string) => Line.ended(run)

const Timed = Line.make("Timed", { payload: { item: WorkItem.WorkItem }, success: Schema.Array(Schema.String) })

/** Two gates side by side and a stage beside them; nobody answers. */
const timed = Timed.toLayer(() =>
  Effect.all(
    [
      Gate.answer("quick", {
        ...question,
        remind: "15 millis",
        escalate: [{ after: "40 millis", to: "lead" }],
        timeout: { after: "70 millis", answer: "nobody" }
      }),
      Gate.answer("slow", { ...question, remind: "60 millis", timeout: { after: "100 millis" } }).pipe(
        Effect.catchTag("TimedOut", ({ gate }) =>
          Stage.run({ name: "late", success: Schema.String }, Effect.succeed(gate))
        )
      ),
      Stage.run({ name: "beside", success: Schema.String }, Effect.succeed("done"))
    ],
    { concurrency: "unbounded" }
  )
)

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

const both = (sqlite: Layer.Layer<Sqlite.Sqlite, unknown>) =>
  Layer.merge(SqliteJournal.layer, SqliteEngine.layer()).pipe(Layer.provideMerge(sqlite))

/** A run that goes on by itself to its end, and what it is at that end. */
const isSound = (run: string, where: string) =>
  Effect.gen(function* () {
    const status = yield* ended(run)
    assert.deepInclude(status, { _tag: "Finished", result: ["nobody", `${run}:slow`, "done"] }, where)
    const gates = [...(yield* Gate.list(run)).values()]
    assert.strictEqual(gates.length, 2, where)
    for (const { intervention } of gates) {
      assert.isAtMost(intervention.reminders, 5, `${intervention.id} reminded too often, ${where}`)
      assert.strictEqual(intervention.answered?.timedOut, true, where)
    }
    const facts = (yield* events).flatMap(({ fact }) => (fact._tag === "GateAnswered" ? [fact.gate] : []))
    assert.strictEqual(facts.length, 2, `a time-out was recorded twice, ${where}`)
  })

describe("A gate whose time is measured", () => {
  it.effect("is seen through by whoever waits for its run, when its time was over before", () =>
    temporary((path) => {
      const Late = Line.make("Late", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
      const code = Late.toLayer(() =>
        Effect.orDie(Gate.answer("what", { ...question, timeout: { after: "1 hour", answer: "nobody" } }))
      )
      return Effect.gen(function* () {
        const run = yield* live(
          path,
          code,
          Effect.tap(Late.start({ item }), (run) =>
            Effect.map(Line.settled(run), (status) => assert.strictEqual(status._tag, "Waiting"))
          )
        )
        yield* TestClock.adjust("2 hours")
        const status = yield* live(path, code, Line.settled(run))
        assert.deepInclude(status, { _tag: "Finished", result: "nobody" })
      })
    })
  )

  it.live(
    "comes to the same end wherever its process is killed",
    () =>
      temporary((path) =>
        Effect.gen(function* () {
          const copies: Array<string> = []
          const run = yield* alone(
            Effect.tap(Timed.start({ item }), (run) => isSound(run, "undisturbed")),
            Layer.provideMerge(timed, both(copied(path, copies)))
          )
          assert.isAtLeast(copies.length, 10, "the store was copied after every commit")
          for (const [index, copy] of copies.entries()) {
            const going = Effect.gen(function* () {
              if ((yield* Status.of(run)) === undefined) return
              yield* isSound(run, `killed after commit ${index + 1}`)
            })
            yield* alone(going, Layer.provideMerge(timed, both(Sqlite.layer({ path: copy, synchronous: "NORMAL" }))))
          }
        })
      ),
    60_000
  )

  test("leaves no clock in the store once it is answered, and holds nothing while it waits", (path) => {
    const Waiting = Line.make("Waiting", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
    const code = Waiting.toLayer(() =>
      Effect.andThen(Gate.answer("go", { ...question, remind: "1 hour" }), Gate.answer("more", question))
    )
    const clocks = Effect.flatMap(Sqlite.Sqlite, ({ read }) =>
      read((prepare) => Number(prepare("select count(*) as n from clocks").get()?.["n"]))
    )
    return alone(
      Effect.gen(function* () {
        const runs = yield* Effect.forEach(range(50), () => Waiting.start({ item }), { concurrency: "unbounded" })
        yield* Effect.forEach(runs, (run) => Line.settled(run))
        assert.strictEqual(yield* clocks, 50, "one clock for each gate, whatever its plan")
        yield* Effect.forEach(runs, (run) => Gate.settle(`${run}:go`, { _tag: "Reply", text: "yes" }, ada))
        for (const run of runs) {
          yield* Effect.repeat(Line.settled(run), { until: ({ openGates }) => openGates.includes(`${run}:more`) })
        }
        assert.strictEqual(yield* clocks, 0, "the clock of an answered gate is still there")
      }),
      Layer.provideMerge(code, both(Sqlite.layer({ path, synchronous: "NORMAL" })))
    )
  })

  test("asks, reminds and is answered once more when its run goes back", (path) => {
    const code = Timed.toLayer(() =>
      Effect.map(Gate.answer("go", { ...question, remind: "20 millis" }), (text) => [text])
    )
    const said = (run: string, text: string) => Gate.settle(`${run}:go`, { _tag: "Reply", text }, ada)
    const isReminded = (run: string) =>
      Effect.repeat(Gate.list(run), { until: (gates) => (gates.get(`${run}:go`)?.intervention.reminders ?? 0) > 0 })
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Timed.start({ item })
        yield* isReminded(run)
        yield* said(run, "first")
        yield* ended(run)
        yield* Line.rewind(run, { before: "gate-go-open" })
        yield* Effect.repeat(Line.settled(run), { until: ({ openGates }) => openGates.length === 1 })
        assert.strictEqual((yield* Gate.list(run)).get(`${run}:go`)?.answered, undefined, "the old answer still stands")
        yield* isReminded(run)
        yield* said(run, "second")
        assert.deepInclude(yield* ended(run), { _tag: "Finished", result: ["second"] })
        const ledger = (yield* events).reduce(Intervention.step, Intervention.empty)
        const answers = [...ledger.values()].map(({ answered, withdrawn }) => [answered?.answer, withdrawn])
        assert.sameDeepMembers(
          answers,
          [
            [{ text: "first" }, true],
            [{ text: "second" }, undefined]
          ],
          "both were interventions"
        )
      })
    )
  })

  test("is answered although the version that opened it kept no time", (path) => {
    const code = Timed.toLayer(() => Effect.map(Gate.answer("go", question), (text) => [text]))
    const patient = Timed.toLayer(() =>
      Effect.map(Gate.answer("go", { ...question, remind: "1 milli" }), (text) => [text])
    )
    return Effect.gen(function* () {
      const run = yield* live(
        path,
        code,
        Effect.tap(Timed.start({ item }), (run) => Line.settled(run))
      )
      const forgetting = Effect.flatMap(Sqlite.Sqlite, ({ write }) =>
        write((prepare) =>
          prepare(`update activities set result = ? where name = 'gate-go-open'`).run(
            JSON.stringify({ _tag: "Success", value: null })
          )
        )
      )
      const { changes } = yield* alone(forgetting, Sqlite.layer({ path }))
      assert.strictEqual(changes, 1)
      yield* live(
        path,
        patient,
        Effect.gen(function* () {
          yield* Gate.settle(`${run}:go`, { _tag: "Reply", text: "yes" }, ada)
          yield* Line.resume(run)
          assert.deepInclude(yield* ended(run), { _tag: "Finished", result: ["yes"] })
        })
      )
    })
  })
})
