import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PostgresClient from "../../src/adapters/PostgresClient.ts"
import * as PostgresJournal from "../../src/adapters/PostgresJournal.ts"
import * as JournalTest from "../../src/testing/JournalTest.ts"
import * as ServedPostgres from "../ServedPostgres.ts"

const server = ServedPostgres.forFile()

/** The journal of a new database. */
const fresh = Layer.unwrap(
  Effect.map(server.database(), (url) => Layer.provide(PostgresJournal.layer, PostgresClient.layer({ url })))
)
JournalTest.suite("PostgresJournal", fresh)
