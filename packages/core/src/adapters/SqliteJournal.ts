/** The journal in an SQLite file, beside the embedded engine's own tables. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Journal from "../Journal.ts"
import * as JournalTable from "../internal/JournalTable.ts"
import { type Prepare, Sqlite } from "../Sqlite.ts"

/** The journal of a store. */
export const layer: Layer.Layer<Journal.Journal, never, Sqlite> = Layer.effect(
  Journal.Journal,
  Effect.gen(function* () {
    const sqlite = yield* Sqlite
    /** Where a follower saw all there was, and when: it need not look there again before something changes. */
    let end:
      | {
          readonly run: string | undefined
          readonly outputs: boolean
          readonly after: number
          readonly version: number
        }
      | undefined
    const next = ({ after = 0, outputs = false, run }: Journal.Range, limit: number) =>
      Effect.gen(function* () {
        const look = (prepare: Prepare, version: number) => {
          const texts = JournalTable.readAfter(prepare, { after, outputs, run }, limit)
          return texts.length === 0 ? undefined : { texts, version }
        }
        const isSeen = end?.run === run && end?.after === after && end.outputs === outputs
        const seen = isSeen ? end?.version : undefined
        const { texts, version } = yield* sqlite.until(JournalTable.topic({ run }), look, seen)
        const events = yield* JournalTable.parse(texts)
        if (texts.length < limit) end = { run, outputs, after: events.at(-1)?.seq ?? after, version }
        return events
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
      nextAfter: next
    })
  })
)
