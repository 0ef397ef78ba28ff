/** The journal's table in a store: what the SQLite journal and the engine write facts with, in whose transaction it may be. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as FactoryEvent from "./FactoryEvent.ts"
import * as Journal from "./Journal.ts"
import type * as Sqlite from "./Sqlite.ts"

const encode = Schema.encodeSync(Journal.Json)
const decode = Schema.decodeUnknownEffect(Journal.Json)

/** The text of an event. Throws a JournalError for one that does not fit its schema. */
export const stored = (event: FactoryEvent.FactoryEvent): string => {
  try {
    return encode(event)
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new Journal.JournalError({
      reason: "NotWritable",
      message: `A fact ${event.fact._tag} does not fit its schema and was not written: ${detail}. Mend what records it.`,
      cause
    })
  }
}

/** Appends entries inside of a running transaction. Answers with the stored text of the event that stands for each. */
export const append = (prepare: Sqlite.Prepare, entries: ReadonlyArray<FactoryEvent.Entry>): ReadonlyArray<string> =>
  entries.map((entry) => {
    if (entry.key !== undefined) {
      const standing = prepare("select event from journal where key = ?").get(entry.key)
      if (standing !== undefined) return String(standing["event"])
    }
    const seq = Number(prepare("select coalesce(max(seq), 0) + 1 as next from journal").get()?.["next"])
    const { key, ...rest } = entry
    const event = stored({ version: FactoryEvent.version, seq, ...rest })
    prepare("insert into journal (seq, key, run, event) values (?, ?, ?, ?)").run(seq, key ?? null, entry.run, event)
    return event
  })

/** Whether an entry with this key was appended before. */
export const stands = (prepare: Sqlite.Prepare, key: string): boolean =>
  prepare("select 1 from journal where key = ?").get(key) !== undefined

/** Reads at most `limit` stored events of a range. */
export const readAfter = (
  prepare: Sqlite.Prepare,
  { after = 0, run }: Journal.Range,
  limit: number
): ReadonlyArray<string> =>
  (run === undefined
    ? prepare("select event from journal where seq > ? order by seq limit ?").all(after, limit)
    : prepare("select event from journal where run = ? and seq > ? order by seq limit ?").all(run, after, limit)
  ).map((row) => String(row["event"]))

/** Whether there is an event in a range. */
export const reaches = (prepare: Sqlite.Prepare, { after = 0, run }: Journal.Range): boolean =>
  (run === undefined
    ? prepare("select 1 from journal where seq > ? limit 1").get(after)
    : prepare("select 1 from journal where run = ? and seq > ? limit 1").get(run, after)) !== undefined

/** Decodes stored events. One that this version does not understand is named, never skipped. */
export const parse = (
  stored: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<FactoryEvent.FactoryEvent>, Journal.JournalError> =>
  Effect.forEach(stored, (text) =>
    decode(text).pipe(
      Effect.mapError((cause) => {
        const version = /"version":(\d+)/.exec(text)?.[1]
        const isNewer = version !== undefined && Number(version) > FactoryEvent.version
        return new Journal.JournalError({
          reason: isNewer ? "Newer" : "Corrupt",
          message: isNewer
            ? `The journal holds an event of version ${version}; this package knows ${FactoryEvent.version}. Upgrade it.`
            : `The journal holds an event that can not be read: ${text.slice(0, 200)}. Restore the store from a back-up.`,
          cause
        })
      })
    )
  )
