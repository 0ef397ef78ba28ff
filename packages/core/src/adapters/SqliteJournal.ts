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
    return Journal.make({
      append: (entries) =>
        Effect.flatMap(
          sqlite.write((prepare) => JournalTable.append(prepare, entries)),
          JournalTable.parse
        ),
      readAfter: (range, limit) =>
        Effect.flatMap(
          sqlite.read((prepare) => JournalTable.readAfter(prepare, range, limit)),
          JournalTable.parse
        ),
      awaitAfter: Effect.fnUntraced(function* (range) {
        while (true) {
          const version = yield* sqlite.version
          if (yield* sqlite.read((prepare) => JournalTable.reaches(prepare, range))) return
          yield* sqlite.awaitPast(version)
        }
      })
    })
  })
)
