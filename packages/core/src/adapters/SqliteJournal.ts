/** The journal in an SQLite file, beside the embedded engine's own tables. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Journal from "../Journal.ts"
import * as JournalTable from "../JournalTable.ts"
import { Sqlite } from "../Sqlite.ts"

/** The journal of a store. */
export const layer: Layer.Layer<Journal.Journal, never, Sqlite> = Layer.effect(
  Journal.Journal,
  Effect.gen(function* () {
    const sqlite = yield* Sqlite
    const next = (range: Journal.Range, limit: number) =>
      sqlite.until(JournalTable.topic(range), (prepare) => {
        const found = JournalTable.readAfter(prepare, range, limit)
        return found.length === 0 ? undefined : found
      })
    return Journal.make({
      append: (entries) =>
        Effect.flatMap(
          sqlite.write((prepare) => JournalTable.append(sqlite, prepare, entries)),
          JournalTable.parse
        ),
      readAfter: (range, limit) =>
        Effect.flatMap(
          sqlite.read((prepare) => JournalTable.readAfter(prepare, range, limit)),
          JournalTable.parse
        ),
      awaitAfter: (range) => Effect.asVoid(next(range, 1)),
      nextAfter: (range, limit) => Effect.flatMap(next(range, limit), JournalTable.parse)
    })
  })
)
