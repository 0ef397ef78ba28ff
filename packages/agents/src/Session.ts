/**
 * A **session**: a conversation of an agent as an append-only tree. It can be gone on with where it broke off, forked at any
 * entry, written to a text, and read from one on another machine.
 */
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SessionEntry from "./SessionEntry.ts"

/** A session can not be read or written. */
export class SessionError extends Fault.Class<SessionError>()("SessionError", {
  /** No such session, or no such entry in it. */
  NotFound: false,
  /** What is stored is no session, or is damaged before its end. */
  Damaged: false,
  /** Written by a newer version of this package. */
  Newer: false,
  /** No room on the device, or no permission. */
  NotWritable: false,
  /** A name that can not be one. */
  BadName: false
}) {}

/** A conversation as a tree. The last entry is the newest, of whichever way. */
export interface Session {
  readonly id: string
  readonly entries: ReadonlyArray<SessionEntry.SessionEntry>
}

/** The name of a session, or why a text can not be one. */
export const named = (id: string): Result.Result<string, SessionError> =>
  /^[A-Za-z0-9][\w.:/@+-]{0,199}$/.test(id) && !id.split("/").some((part) => /^\.*$/.test(part))
    ? Result.succeed(id)
    : Result.fail(
        new SessionError({
          reason: "BadName",
          message: `${JSON.stringify(id.slice(0, 200))} can not name a session. Take letters, digits and ._:/@+- behind the first one, at most 200.`
        })
      )

/** The way from the root to an entry, by default to the newest. */
export const path = (
  { entries, id }: Session,
  leaf = entries.at(-1)?.id
): Result.Result<ReadonlyArray<SessionEntry.SessionEntry>, SessionError> => {
  const known = new Map(entries.map((entry) => [entry.id, entry]))
  const way: Array<SessionEntry.SessionEntry> = []
  for (let at: string | null | undefined = leaf; at !== null;) {
    const entry: SessionEntry.SessionEntry | undefined = at === undefined ? undefined : known.get(at)
    if (entry === undefined || way.length > entries.length) {
      const what = at === undefined ? "has no entries" : `has no way to the entry ${JSON.stringify(at)}`
      return Result.fail(
        new SessionError({ reason: "NotFound", message: `The session ${id} ${what}. Begin a new one.` })
      )
    }
    way.push(entry)
    at = entry.parent
  }
  return Result.succeed(way.reverse())
}

/** A session of its own that begins with the way to an entry. What is appended to one is not in the other. */
export const fork = (
  session: Session,
  options: { readonly id: string; readonly at?: string }
): Result.Result<Session, SessionError> =>
  Result.map(path(session, options.at), (entries) => ({ id: options.id, entries }))

/** The name of a session after what it belongs to: the same words have the same name, and no others have it. */
export const nameOf = (words: ReadonlyArray<string>): string => {
  const plain = words.join("/")
  return Result.isSuccess(named(plain))
    ? plain
    : `${plain
        .replace(/[^\w.]+/g, "-")
        .replace(/^\W+|\.{2,}/g, "x")
        .slice(0, 120)}-${Digest.ofJson(words).slice(0, 32)}`
}

const Head = Schema.Struct({ session: Schema.String, version: Schema.Natural })
const HeadLine = Schema.fromJsonString(Head)
const EntryLine = Schema.fromJsonString(SessionEntry.Json)

const encodeHead = Schema.encodeSync(HeadLine)
const encodeEntry = Schema.encodeSync(EntryLine)

/** The first line of a text, which says whose it is. */
export const headOf = (id: string): string => `${encodeHead({ session: id, version: SessionEntry.version })}\n`

/** The lines of entries. */
export const linesOf = (entries: ReadonlyArray<SessionEntry.SessionEntry>): string =>
  entries.map((entry) => `${encodeEntry(entry)}\n`).join("")

/** A session as text, one entry a line: to be kept, or handed to somebody. */
export const toText = ({ entries, id }: Session): string => headOf(id) + linesOf(entries)

/** A session from text. A last line that broke off is left out, and `torn` is its length in bytes. */
export const fromText = (
  text: string
): Result.Result<{ readonly session: Session; readonly torn: number }, SessionError> => {
  const lines = text.split("\n")
  const last = lines.pop() ?? ""
  const first = lines.shift() ?? last
  const head = Schema.decodeUnknownOption(HeadLine)(first)
  if (Option.isNone(head)) return damaged("its first line does not say whose it is")
  const { session: id, version } = head.value
  if (version > SessionEntry.version) {
    return Result.fail(
      new SessionError({
        reason: "Newer",
        message: `The session ${id} was written in version ${version}, and this package reads ${SessionEntry.version}. Update it.`
      })
    )
  }
  const entries: Array<SessionEntry.SessionEntry> = []
  const known = new Set<string | null>([null])
  for (const [at, line] of lines.entries()) {
    // Two who began it at once have both said whose it is.
    if (line === first) continue
    const entry = Schema.decodeUnknownResult(EntryLine)(line)
    if (Result.isFailure(entry)) return damaged(`line ${at + 2} is no entry: ${String(entry.failure).slice(0, 300)}`)
    if (!known.has(entry.success.parent)) return damaged(`line ${at + 2} follows an entry that is not before it`)
    // Two who took the same session over at once may have written the same entries.
    if (!known.has(entry.success.id)) entries.push(entry.success)
    known.add(entry.success.id)
  }
  return Result.succeed({ session: { id, entries }, torn: Buffer.byteLength(last) })
}

const damaged = (how: string): Result.Result<never, SessionError> =>
  Result.fail(
    new SessionError({
      reason: "Damaged",
      message: `The text is no session: ${how}. Take one that was exported whole, or begin a new session.`
    })
  )
