import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { DatabaseSync } from "node:sqlite"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as Actor from "../../src/Actor.ts"
import * as Gate from "../../src/Gate.ts"
import * as Line from "../../src/Line.ts"
import * as Stage from "../../src/Stage.ts"
import * as Status from "../../src/Status.ts"
import * as WorkItem from "../../src/WorkItem.ts"
import { alone, count, events, item, live, range, store, test } from "../FactoryStore.ts"
import * as FactoryProcess from "../fixtures/FactoryProcess.ts"

const by = { actor: Actor.human("ada") }
const ended = (run: string) => Line.ended(run)

/** Bytes that are really in use. */
const heap = Effect.sync(() => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
  return process.memoryUsage().heapUsed
})

describe("SqliteEngine under hostile use", () => {
  test("lets the first of 10,000 answers to a gate stand, and answers all of them", (path) => {
    const Asked = Line.make("Asked", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
    const code = Asked.toLayer(() => Gate.answer("what", { question: "?", cause: "test" }))
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Asked.start({ item })
        yield* Line.settled(run)
        const before = yield* heap
        const answer = (n: number) =>
          Effect.match(Gate.settle(`${run}:what`, { _tag: "Reply", text: `answer ${n}` }, by), {
            onSuccess: () => `answer ${n}`,
            onFailure: ({ reason }) => reason
          })
        const answers = yield* Effect.forEach(range(10_000), answer, { concurrency: "unbounded" })
        const [standing, ...more] = answers.filter((one) => one !== "AlreadyAnswered")
        assert.deepStrictEqual(more, [], "an answer was neither the first nor refused")
        assert.include(yield* ended(run), { _tag: "Finished", result: standing })
        assert.strictEqual(yield* count("GateAnswered"), 1)
        const kept = (yield* heap) - before
        assert.isBelow(kept, 20_000_000, "what was refused is still in memory")
      })
    )
  }, 120_000)

  test(
    "loses and doubles nothing when gates are answered while their process is killed, 50 times",
    (path) =>
      Effect.gen(function* () {
        const seed = Date.now()
        let state = seed
        const random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
        const kills = 50
        const ask = (process: FactoryProcess.FactoryProcess, command: Parameters<typeof process.ask>[0]) =>
          Effect.promise(() => process.ask(command))
        const body = Effect.gen(function* () {
          let owner = yield* FactoryProcess.make(path)
          for (const n of range(kills)) {
            const run = String(yield* ask(owner, { _tag: "Start", line: "Asked", item: `issue-${n}` }))
            yield* Line.settled(run)
            const given = Gate.settle(`${run}:what`, { _tag: "Reply", text: `answer ${n}` }, by)
            const answering = yield* Effect.forkChild(Effect.andThen(Effect.sleep(random() * 3), given))
            yield* Effect.sleep(random() * 6)
            const signal = n % 4 === 0 ? "SIGTERM" : "SIGKILL"
            assert.strictEqual(yield* Effect.promise(() => owner.kill(signal)), signal)
            owner = yield* FactoryProcess.make(path)
            yield* Fiber.join(answering)
            const status = yield* ask(owner, { _tag: "Settled", run })
            assert.include(status, { _tag: "Finished", result: `answer ${n}` }, `seed ${seed}, kill ${n}`)
          }
          const all = yield* events
          assert.deepStrictEqual(
            all.map(({ seq }) => seq),
            range(all.length),
            "seq has a gap"
          )
          for (const tag of ["LineStarted", "GateOpened", "GateAnswered", "LineFinished"]) {
            const runs = all.filter(({ fact }) => fact._tag === tag).map(({ run }) => run)
            assert.strictEqual(runs.length, kills, `${tag} (seed ${seed})`)
            assert.strictEqual(new Set(runs).size, kills, `${tag}, each in a run of its own (seed ${seed})`)
          }
        })
        yield* alone(Effect.scoped(body), store(path))
        const db = new DatabaseSync(path)
        assert.strictEqual(db.prepare("pragma integrity_check").get()?.["integrity_check"], "ok")
        db.close()
      }),
    300_000
  )

  test("stalls at a stage whose result no text can hold, says why, and goes on when it is mended", (path) => {
    const Odd = Line.make("Odd", { payload: { item: WorkItem.WorkItem }, success: Schema.Void })
    const circle: Record<string, unknown> = {}
    circle["self"] = circle
    const results: ReadonlyArray<readonly [schema: Schema.Codec<unknown, unknown>, result: unknown, why: RegExp]> = [
      [Schema.Any, circle, /circular/],
      [Schema.Any, 10n, /BigInt/],
      [Schema.Unknown, circle, /JSON/],
      [Schema.Unknown, () => 1, /JSON/]
    ]
    let isMended = false
    let at = 0
    const code = Odd.toLayer(() =>
      Effect.asVoid(
        Stage.run(
          { name: "odd", success: results[at]?.[0] ?? Schema.Any },
          Effect.sync(() => isMended || results[at]?.[1])
        )
      )
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        for (const [index, [, , why]] of results.entries()) {
          at = index
          isMended = false
          const run = yield* Odd.start({ item })
          const status = yield* Line.settled(run)
          assert.include(status, { _tag: "Stalled", stage: "odd" })
          const message = status._tag === "Stalled" ? status.fault.message : ""
          assert.match(message, why, "the message does not say what is wrong")
          assert.include(message, "odd", "the message does not say where")
          isMended = true
          yield* Line.resume(run)
          assert.include(yield* ended(run), { _tag: "Finished" })
        }
      })
    )
  })

  test("lets an engine that is closed in the middle of its work go on in the next one", (path) => {
    const Many = Line.make("Many", { payload: { item: WorkItem.WorkItem }, success: Schema.Number })
    const ran: Array<number> = []
    const code = Many.toLayer(
      Effect.fnUntraced(function* () {
        let sum = 0
        for (const n of range(30)) {
          const step = Effect.as(
            Effect.sync(() => void ran.push(n)),
            n
          )
          sum += yield* Stage.run({ name: "step", success: Schema.Number }, step)
        }
        return sum
      })
    )
    const lines = Layer.provideMerge(code, store(path))
    return Effect.gen(function* () {
      const run = yield* alone(Many.start({ item }), lines)
      let isOver = false
      while (!isOver) {
        const before = ran.length
        const some = Effect.repeat(Effect.yieldNow, { until: () => ran.length > before + 3 || ran.at(-1) === 30 })
        isOver = yield* alone(
          Effect.map(Effect.andThen(some, Status.of(run)), (status) => status?._tag === "Finished"),
          lines
        )
        if (ran.at(-1) === 30) isOver = yield* alone(Effect.map(ended(run), Status.isEnded), lines)
      }
      assert.deepStrictEqual([...new Set(ran)], range(30), "a stage did not run")
      const finished = yield* alone(count("StageFinished"), store(path))
      assert.strictEqual(finished, 30, "a fact is lost or doubled")
    })
  })
})
