import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as PostgresClient from "../../src/adapters/PostgresClient.ts"
import * as PostgresJournal from "../../src/adapters/PostgresJournal.ts"
import { Postgres } from "../../src/Postgres.ts"
import * as JournalTest from "../../src/testing/JournalTest.ts"
import * as ServedPostgres from "../ServedPostgres.ts"

const server = ServedPostgres.forFile()

let url: Redacted.Redacted | undefined

/** An empty journal, in one database: a new one for each of the many builds would take most of the time. */
const fresh = Layer.unwrap(
  Effect.gen(function* () {
    url ??= yield* server.database()
    const empty = Effect.gen(function* () {
      const { sql } = yield* Postgres
      yield* sql`delete from millwright_journal`
      yield* sql`update millwright_head set seq = 0`
    })
    return PostgresJournal.layer.pipe(
      Layer.provide(Layer.effectDiscard(empty)),
      Layer.provide(PostgresClient.layer({ url }))
    )
  })
)
JournalTest.suite("PostgresJournal", fresh)
