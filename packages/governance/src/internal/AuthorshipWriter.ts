/** Writes an authorship note as the standard says: one text for one note, whatever order its parts are given in. */
import * as Fault from "@millwright/core/Fault"
import * as Result from "effect/Result"
import * as LineOwners from "../LineOwners.ts"
import * as Authorship from "./Authorship.ts"

/** A note can not be written in the way of the standard. */
export class AuthorshipNoteError extends Fault.Class<AuthorshipNoteError>()("AuthorshipNoteError", {
  /** A path that is empty, twice there, or has a character that it can not be told with. */
  BadPath: false,
  BadKey: false,
  /** The note has no record of a key. */
  DanglingKey: false,
  BadRange: false,
  /** A line is claimed by two keys. */
  Overlap: false,
  /** The commit that the note is for is not named by its full id. */
  BadBase: false
}) {}

const refuse = (reason: (typeof AuthorshipNoteError.Type)["reason"], message: string) =>
  Result.fail(new AuthorshipNoteError({ reason, message }))

/** Writes a note. Ranges are sorted and joined, files and keys in their order, and files without claims are left out. */
export const write = (note: Authorship.AuthorshipNote): Result.Result<string, AuthorshipNoteError> => {
  if (note.base === null || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(note.base)) {
    const message = `The note names ${JSON.stringify(note.base)} as its commit. Give the commit's full id.`
    return refuse("BadBase", message)
  }
  const odd = [...note.sessions.keys(), ...note.humans.keys(), ...note.prompts.keys()].find(
    (key) => !Authorship.isStandard(key.startsWith("s_") ? `${key}::t_00000000000000` : key)
  )
  if (odd !== undefined) return refuse("BadKey", badKey(odd))
  const paths = new Set<string>()
  const parts: Array<ReadonlyArray<string>> = []
  const files = note.files.filter(({ entries }) => entries.some(({ ranges }) => ranges.length > 0))
  for (const file of files.toSorted((a, b) => order(a.path, b.path))) {
    const written = Result.flatMap(pathOf(file.path, paths.has(file.path)), (path) =>
      Result.map(entriesOf(note, file), (entries) => [path, ...entries])
    )
    if (Result.isFailure(written)) return Result.fail(written.failure)
    paths.add(file.path)
    parts.push(written.success)
  }
  return Result.succeed([...parts.flat(), "---", JSON.stringify(metadataOf(note), null, 2), ""].join("\n"))
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const badKey = (key: string) =>
  `${JSON.stringify(key)} is no key of ${Authorship.schemaVersion}. Make keys with AuthorshipNote.sessionKey, humanKey and traceKey.`

const pathOf = (path: string, isTwice: boolean): Result.Result<string, AuthorshipNoteError> => {
  const needsQuotes = /\s/.test(path) || path === "---"
  // Between quotes a reader may take a backslash for the beginning of an escape.
  const isBad = path === "" || /["\n\r\0]/.test(path) || !path.isWellFormed() || (needsQuotes && path.includes("\\"))
  if (!isTwice && !isBad) return Result.succeed(needsQuotes ? `"${path}"` : path)
  const why = isTwice ? "is there twice. Put its claims together" : "can not be told in a note. Rename the file"
  return refuse("BadPath", `The path ${JSON.stringify(path)} ${why}.`)
}

const entriesOf = (
  note: Authorship.AuthorshipNote,
  { entries, path }: Authorship.AttestedFile
): Result.Result<ReadonlyArray<string>, AuthorshipNoteError> => {
  const byKey = [...Map.groupBy(entries, ({ key }) => key)]
    .map(([key, all]) => ({ key, ranges: joined(all.flatMap(({ ranges }) => ranges)) }))
    .filter(({ ranges }) => ranges.length > 0)
    .sort((a, b) => order(a.key, b.key))
  for (const { key, ranges } of byKey) {
    if (!Authorship.isStandard(key)) return refuse("BadKey", badKey(key))
    if (!Authorship.isKnown(note, key)) {
      const message = `${path}: the note has no record of ${key}. Add it to the sessions, humans or prompts of the note.`
      return refuse("DanglingKey", message)
    }
    const bad = ranges.find((range) => !isRange(range))
    if (bad !== undefined) {
      const message = `${path}: ${bad.first}-${bad.last} of ${key} is no range of lines. Lines go from 1 to ${LineOwners.lastLine}.`
      return refuse("BadRange", message)
    }
  }
  const all = byKey.flatMap(({ ranges }) => ranges).sort((a, b) => a.first - b.first)
  const over = all.find(({ first }, at) => first <= (all[at - 1]?.last ?? 0))
  if (over !== undefined) {
    const message = `${path}: line ${over.first} is claimed by two keys. Decide with AuthorshipNote.make(AuthorshipNote.owners(note), …).`
    return refuse("Overlap", message)
  }
  const told = ({ first, last }: Authorship.Lines) => (first === last ? `${first}` : `${first}-${last}`)
  return Result.succeed(byKey.map(({ key, ranges }) => `  ${key} ${ranges.map(told).join(",")}`))
}

const isRange = ({ first, last }: Authorship.Lines): boolean =>
  Number.isInteger(first) && Number.isInteger(last) && first >= 1 && first <= last && last <= LineOwners.lastLine

/** Ranges in order, with no range beside or over another. */
const joined = (ranges: ReadonlyArray<Authorship.Lines>): ReadonlyArray<Authorship.Lines> => {
  const all: Array<Authorship.Lines> = []
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = all.at(-1)
    if (before === undefined || first > before.last + 1) all.push({ first, last })
    else all[all.length - 1] = { first: before.first, last: Math.max(before.last, last) }
  }
  return all
}

const records = <A>(map: ReadonlyMap<string, A>, to: (record: A) => unknown) =>
  Object.fromEntries([...map].sort(([a], [b]) => order(a, b)).map(([key, record]) => [key, to(record)]))

const sessionOf = ({ attributes, directedBy, id, model, tool }: Authorship.Session) => ({
  agent_id: { tool, id, model },
  ...(directedBy !== null && { human_author: directedBy }),
  ...(Object.keys(attributes).length > 0 && {
    custom_attributes: records(new Map(Object.entries(attributes)), (value) => value)
  })
})

const promptOf = (prompt: Authorship.Prompt) => ({
  ...sessionOf(prompt),
  ...(prompt.messagesUrl !== null && { messages_url: prompt.messagesUrl }),
  total_additions: prompt.additions,
  total_deletions: prompt.deletions,
  accepted_lines: prompt.accepted,
  overriden_lines: prompt.overridden
})

const metadataOf = ({ base, humans, prompts, sessions, version }: Authorship.AuthorshipNote) => ({
  schema_version: Authorship.schemaVersion,
  ...(version !== null && { git_ai_version: version }),
  base_commit_sha: base,
  prompts: records(prompts, promptOf),
  ...(humans.size > 0 && { humans: records(humans, (author) => ({ author })) }),
  ...(sessions.size > 0 && { sessions: records(sessions, sessionOf) })
})
