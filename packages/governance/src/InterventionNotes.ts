/**
 * What neither git nor a forge shows of who decided what, kept beside the code: gates, steers, interrupts, takeovers and pickups, as git
 * notes on the commit that a change was delivered with. The host writes them; whoever may push to this ref is believed that there was an
 * intervention, and nobody that there was none.
 *
 * A note is one JSON record per line, each with its keys in order, sorted: the same records are the same bytes. Two notes of the same
 * commit are joined record by record, so it does not matter who wrote first.
 */
import * as Digest from "@millwright/core/Digest"
import * as Intervention from "@millwright/core/Intervention"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import * as Notes from "./Notes.ts"

/** The ref that holds them. It is pushed and fetched by its name, as `Notes` does it. */
export const ref = "refs/notes/millwright/interventions"

/** What a note says. */
export const Record = Schema.TaggedUnion({
  /** The run that delivered the commit was observed from its beginning: there is no intervention in it but those that are told. */
  Observed: {
    line: Schema.NullOr(Schema.String),
    run: Schema.NullOr(Schema.String),
    item: Schema.NullOr(Schema.String)
  },
  /** An intervention, as it stood when this was written, and under which name in the ledger. */
  Stood: { key: Schema.NonEmptyString, intervention: Intervention.Intervention }
})
/** What a note says. */
export type Record = typeof Record.Type

/** The records of a note, and lines of it that are none. Those are kept where a note is written again. */
export interface Read {
  readonly records: ReadonlyArray<Record>
  readonly unread: ReadonlyArray<string>
}

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, each]) => [key, sorted(each)])
  )
}

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.toCodecJson(Record)))
const encode = Schema.encodeSync(Schema.toCodecJson(Record))
const lineOf = (record: Record): string => JSON.stringify(sorted(encode(record)))

const idOf = (record: Record): string =>
  record._tag === "Observed" ? Digest.ofJson([record.line, record.run, record.item]) : record.key

/** How much a record of the same intervention knows: what was answered, and what mended its cause. */
const knows = ({ answered, fix, reminders, withdrawn }: Intervention.Intervention): number =>
  (answered === null ? 0 : 4) + (withdrawn === true ? 2 : 0) + (fix === null ? 0 : 1) + reminders / (reminders + 1)

const later = (a: Record, b: Record): Record => {
  if (a._tag !== "Stood" || b._tag !== "Stood") return a
  const difference = knows(a.intervention) - knows(b.intervention)
  // Of two that know as much, the same one wherever they meet.
  return difference > 0 || (difference === 0 && lineOf(a) >= lineOf(b)) ? a : b
}

/** Reads a note. What is no record of this version is not lost, and not believed. */
export const parse = (text: string): Read => {
  const records: Array<Record> = []
  const unread: Array<string> = []
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === "") continue
    const record = decode(line)
    if (Option.isSome(record)) records.push(record.value)
    else unread.push(line)
  }
  return { records: joined(records), unread }
}

/** Each intervention once, as whoever knew most of it said. The same for the same records, in whatever order they are. */
const joined = (records: ReadonlyArray<Record>): ReadonlyArray<Record> => {
  const byId = new Map<string, Record>()
  for (const record of records) {
    const key = `${record._tag}/${idOf(record)}`
    const known = byId.get(key)
    byId.set(key, known === undefined ? record : later(known, record))
  }
  return [...byId.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record)
}

/** The text of a note: records in order, and after them what could not be read. */
export const format = ({ records, unread }: Read): string =>
  [...joined(records).map(lineOf), ...[...new Set(unread)].sort()].map((line) => `${line}\n`).join("")

/** What is written. */
export interface Written {
  /** The whole id of the commit that the change was delivered with. */
  readonly commit: string
  /** The run that delivered it, and that was observed from its beginning. */
  readonly observed?: Omit<Extract<Record, { readonly _tag: "Observed" }>, "_tag">
  /** A ledger, or the part of one that belongs to the change. */
  readonly ledger: Intervention.Ledger
}

/** Writes interventions into the note of a commit, beside those that are there. Answers with whether it was another note before. */
export const write = (
  dir: string,
  { commit, ledger, observed }: Written
): Effect.Effect<boolean, Notes.Failure, ChildProcessSpawner> => {
  const records: ReadonlyArray<Record> = [
    ...(observed === undefined ? [] : [{ _tag: "Observed" as const, ...observed }]),
    ...[...ledger].map(([key, intervention]): Record => ({ _tag: "Stood", key, intervention }))
  ]
  return Notes.update(dir, {
    ref,
    commit,
    merge: (current) => {
      const known = parse(new TextDecoder().decode(Option.getOrElse(current, () => new Uint8Array())))
      return format({ records: [...known.records, ...records], unread: known.unread })
    }
  })
}

/** What stands on each of these commits. One without a note is left out. */
export const read = Effect.fnUntraced(function* (
  dir: string,
  commits: Iterable<string>
): Effect.fn.Return<ReadonlyMap<string, Read>, Notes.Failure, ChildProcessSpawner> {
  const wanted = new Set(commits)
  const listed = (yield* Notes.list(dir, ref)).filter(({ commit }) => wanted.has(commit))
  const notes = yield* Notes.readAll(dir, listed)
  return new Map(notes.map(({ bytes, commit }) => [commit, parse(new TextDecoder().decode(bytes))]))
})
