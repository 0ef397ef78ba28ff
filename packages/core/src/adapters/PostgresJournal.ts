/** The journal in PostgreSQL, for factories on several machines. */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Journal from "../Journal.ts"
import * as PostgresTable from "../internal/PostgresTable.ts"
import { patiently, Postgres } from "../Postgres.ts"

/** A notification goes lost with its connection, so whoever waits looks again after this. */
const longestWait = Duration.seconds(5)

/** The journal of a database. */
export const layer: Layer.Layer<Journal.Journal, never, Postgres> = Layer.effect(
  Journal.Journal,
  Effect.gen(function* () {
    const postgres = yield* Postgres
    const run = patiently(postgres)
    const waiting = new Set<(run: string) => void>()
    yield* Stream.runForEach(postgres.listen("millwright_journal"), (run) =>
      Effect.sync(() => {
        for (const wake of waiting) wake(run)
      })
    ).pipe(Effect.ignore, Effect.repeat(Schedule.spaced("1 second")), Effect.forkScoped)

    const readAfter = (range: Journal.Range, limit: number) =>
      Effect.flatMap(run(PostgresTable.readAfter(postgres.sql, range, limit)), PostgresTable.decode)
    const nextAfter = Effect.fnUntraced(function* (range: Journal.Range, limit: number) {
      const own = range.run === undefined ? undefined : PostgresTable.text(range.run)
      while (true) {
        const woken = Deferred.makeUnsafe<void>()
        const wake = (run: string) => {
          if (own === undefined || run === "" || run === own) Deferred.doneUnsafe(woken, Effect.void)
        }
        waiting.add(wake)
        const found = yield* readAfter(range, limit).pipe(
          Effect.tap(({ length }) =>
            length > 0 ? Effect.void : Effect.timeoutOption(Deferred.await(woken), longestWait)
          ),
          Effect.ensuring(Effect.sync(() => waiting.delete(wake)))
        )
        if (found.length > 0) return found
      }
    })

    return Journal.make({
      append: Effect.fnUntraced(function* (entries) {
        if (entries.length === 0) return []
        const texts = yield* PostgresTable.encode(entries)
        return yield* PostgresTable.decode(yield* run(PostgresTable.append(postgres.sql, texts)))
      }),
      readAfter,
      awaitAfter: (range) => Effect.asVoid(nextAfter(range, 1)),
      nextAfter
    })
  })
)
