/** A second process on the store, which answers gates of lines that another one holds. */
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Factory from "./Factory.ts"
import * as Waiter from "./Waiter.ts"

interface Request {
  readonly path: string
  readonly answers: ReadonlyArray<number>
}

export const main = async ({ answers, path }: Request): Promise<void> => {
  const store = Layer.mergeAll(SqliteJournal.layer, SqliteEngine.layer({ adopt: false })).pipe(
    Layer.provide(Sqlite.layer({ path }))
  )
  const program = Effect.gen(function* () {
    for (const number of answers) {
      const asked = yield* Waiter.answer(number)
      Factory.say({ item: `item-${number}`, asked })
      // One at a time, so that none finds the other process at work for the one before.
      yield* Effect.sleep(200 + 13 * (number % 7))
    }
  })
  await Effect.runPromise(Effect.provide(program, store))
}
