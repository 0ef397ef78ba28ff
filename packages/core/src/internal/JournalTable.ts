/** The journal's table in a store: what the SQLite journal and the engine write facts with, in whose transaction it may be. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as FactoryEvent from "../FactoryEvent.ts"
import * as StoredSize from "./StoredSize.ts"
import * as Journal from "../Journal.ts"
import type * as Sqlite from "../Sqlite.ts"

const encode = Schema.encodeSync(Schema.toCodecJson(FactoryEvent.FactoryEvent))
const decode = Schema.decodeUnknownEffect(Journal.Json)

/**
 * The texts of events that this process wrote, each with its event once it was read: nobody has to check them against
 * their schema again. They are parsed all the same, since a text says less than a value does: it has no `-0`.
 */
const recent = new Map<string, FactoryEvent.FactoryEvent | null>()
const limits = { events: 1_000, text: 2_000 }

const remember = (text: string): void => {
  if (text.length > limits.text) return
  recent.set(text, null)
  if (recent.size <= limits.events) return
  // A map keeps the order in which it was filled.
  for (const oldest of recent.keys()) {
    recent.delete(oldest)
    break
  }
}

const recall = (text: string): FactoryEvent.FactoryEvent | undefined => {
  const known = recent.get(text)
  if (known !== null) return known
  const event = JSON.parse(text) as FactoryEvent.FactoryEvent
  recent.set(text, event)
  return event
}

/** The text of an event. Throws a JournalError for one that does not fit its schema. */
export const stored = (event: FactoryEvent.FactoryEvent): string => {
  try {
    const text = JSON.stringify(encode(event))
    StoredSize.refuseTooLarge(text, `A fact ${event.fact._tag} of the run ${event.run}`)
    remember(text)
    return text
  } catch (cause) {
    if (cause instanceof Journal.JournalError) throw cause
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new Journal.JournalError({
      reason: "NotWritable",
      message: `A fact ${event.fact._tag} does not fit its schema and was not written: ${detail}. Mend what records it.`,
      cause
    })
  }
}

/** What changes when events of a range are appended; what a follower of the range waits for. */
export const topic = ({ run }: { readonly run?: string | undefined }): string =>
  run === undefined ? "journal" : `journal/${run}`

/** Appends entries inside of a running transaction. Answers with the stored text of the event that stands for each. */
export const append = (
  { touch }: Pick<Sqlite.Sqlite["Service"], "touch">,
  prepare: Sqlite.Prepare,
  entries: ReadonlyArray<FactoryEvent.Entry>
): ReadonlyArray<string> =>
  entries.map((entry) => {
    if (entry.key !== undefined) {
      const standing = prepare("select event from journal where key = ?").get(entry.key)
      if (standing !== undefined) return String(standing["event"])
    }
    const seq = Number(prepare("select coalesce(max(seq), 0) + 1 as next from journal").get()?.["next"])
    const { key, ...rest } = entry
    const event = stored({ version: FactoryEvent.version, seq, ...rest })
    prepare("insert into journal (seq, key, run, event) values (?, ?, ?, ?)").run(seq, key ?? null, entry.run, event)
    touch(topic({}))
    if (entry.run !== null) touch(topic({ run: entry.run }))
    return event
  })

/** Whether an entry with this key was appended before. */
export const stands = (prepare: Sqlite.Prepare, key: string): boolean =>
  prepare("select 1 from journal where key = ?").get(key) !== undefined

/** Reads at most `limit` stored events of a range. The key stands before the text, so a row that is left out is not loaded. */
export const readAfter = (
  prepare: Sqlite.Prepare,
  { after = 0, outputs = false, run }: { readonly [Key in keyof Journal.Range]: Journal.Range[Key] | undefined },
  limit: number
): ReadonlyArray<string> => {
  const which = outputs ? "" : `and (key is null or key not glob '${Journal.outputPrefix}*')`
  return (
    run === undefined
      ? prepare(`select event from journal where seq > ? ${which} order by seq limit ?`).all(after, limit)
      : prepare(`select event from journal where run = ? and seq > ? ${which} order by seq limit ?`).all(
          run,
          after,
          limit
        )
  ).map((row) => String(row["event"]))
}

/** Decodes stored events. One that this version does not understand is named, never skipped. */
export const parse = (
  stored: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<FactoryEvent.FactoryEvent>, Journal.JournalError> =>
  Effect.suspend(() => {
    const known = stored.flatMap((text) => recall(text) ?? [])
    return known.length === stored.length ? Effect.succeed(known) : Effect.forEach(stored, parseOne)
  })

const parseOne = (text: string): Effect.Effect<FactoryEvent.FactoryEvent, Journal.JournalError> =>
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
