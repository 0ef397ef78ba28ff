import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { DatabaseSync } from "node:sqlite"
import * as GroupCommit from "../src/internal/GroupCommit.ts"

const open = Effect.acquireRelease(
  Effect.sync(() => {
    const db = new DatabaseSync(":memory:")
    db.exec("create table t (n integer primary key) strict")
    return db
  }),
  (db) => Effect.sync(() => db.isOpen && db.close())
)

const numbers = (db: DatabaseSync) =>
  db
    .prepare("select n from t order by n")
    .all()
    .map(({ n }) => Number(n))

describe("GroupCommit", () => {
  it.live("writes of one turn share a commit, and one that fails takes nothing of the others with it", () =>
    Effect.gen(function* () {
      const db = yield* open
      let commits = 0
      const { write } = GroupCommit.make({
        exec: (sql) => {
          if (sql === "commit") commits++
          db.exec(sql)
        },
        get isTransaction() {
          return db.isTransaction
        }
      })
      const insert = (n: number) => write(() => db.prepare("insert into t values (?)").run(n).changes)
      const half = write(() => {
        db.prepare("insert into t values (99)").run()
        throw new Error("half done")
      })
      const exits = yield* Effect.forEach([insert(1), half, insert(2)], Effect.exit, { concurrency: "unbounded" })
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, true], "each write has an answer of its own")
      assert.deepStrictEqual(numbers(db), [1, 2], "what the failed write did before it failed is not there")
      assert.strictEqual(commits, 1, "one commit for the three")
    }).pipe(Effect.scoped)
  )

  it.live("a busy store is asked again, and what was asked for meanwhile stands after what was asked for first", () =>
    Effect.gen(function* () {
      const db = yield* open
      const busy = new Error("busy")
      const later: Array<() => void> = []
      let begins = 0
      const { write } = GroupCommit.make(
        {
          exec: (sql) => {
            if (sql === "begin immediate" && ++begins <= 2) {
              later.shift()?.()
              throw busy
            }
            db.exec(sql)
          },
          get isTransaction() {
            return db.isTransaction
          }
        },
        { isBusy: (error) => error === busy }
      )
      const order: Array<number> = []
      const insert = (n: number) => write(() => (order.push(n), db.prepare("insert into t values (?)").run(n)))
      // The second one is asked for while the first one fails.
      const second = yield* Effect.forkChild(
        Effect.andThen(
          Effect.callback<void>((resume) => void later.push(() => resume(Effect.void))),
          insert(2)
        ),
        { startImmediately: true }
      )
      yield* insert(1)
      yield* Fiber.join(second)
      assert.deepStrictEqual(order, [1, 2], "a write overtook another one")
      assert.deepStrictEqual(numbers(db), [1, 2])
    }).pipe(Effect.scoped)
  )

  it.live("a write that is still in the queue at the end is written by `flush`, and one that comes later fails", () =>
    Effect.gen(function* () {
      const db = yield* open
      const { flush, write } = GroupCommit.make(db)
      const insert = (n: number) => write(() => db.prepare("insert into t values (?)").run(n))
      const waiting = yield* Effect.forkChild(insert(1), { startImmediately: true })
      flush()
      assert.deepStrictEqual(numbers(db), [1])
      db.close()
      assert.isTrue(Exit.isFailure(yield* Effect.exit(insert(2))), "a write to a closed store has to fail, not to hang")
      yield* Effect.sync(() => waiting.pollUnsafe())
    }).pipe(Effect.scoped)
  )
})
