/** The JSON of an authorship note: who the keys are. Records are read one by one, so that a bad one takes no other with it. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Authorship from "./Authorship.ts"
import type * as Problems from "./NoteProblems.ts"

const absent = Schema.optionalKey(Schema.NullOr(Schema.String))
const session = {
  agent_id: Schema.Struct({ tool: Schema.String, id: Schema.String, model: Schema.String }),
  human_author: absent,
  custom_attributes: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.String)))
}
const SessionRecord = Schema.Struct(session)
const PromptRecord = Schema.Struct({
  ...session,
  messages_url: absent,
  total_additions: Schema.Natural,
  total_deletions: Schema.Natural,
  accepted_lines: Schema.Natural,
  // Spelled so in the standard.
  overriden_lines: Schema.Natural
})
const HumanRecord = Schema.Struct({ author: Schema.NonEmptyString })

const sessionOf = (record: typeof SessionRecord.Type): Authorship.Session => ({
  ...record.agent_id,
  directedBy: record.human_author ?? null,
  attributes: record.custom_attributes ?? {}
})

const promptOf = (record: typeof PromptRecord.Type): Authorship.Prompt => ({
  ...sessionOf(record),
  messagesUrl: record.messages_url ?? null,
  additions: record.total_additions,
  deletions: record.total_deletions,
  accepted: record.accepted_lines,
  overridden: record.overriden_lines
})

/** All of a note but its claims. */
export type Records = Omit<Authorship.AuthorshipNote, "files">

/** Reads the JSON of a note; what can not be understood is counted and left out. */
export const read = (json: string, problems: Problems.Tally): Records => {
  const root = parse(json)
  if (root === undefined) {
    if (json.trim() !== "") problems.add("InvalidJson", null)
  } else if (root["schema_version"] !== Authorship.schemaVersion) problems.add("UnknownVersion", null)
  const base = root?.["base_commit_sha"]
  const isBase = typeof base === "string" && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(base)
  if (root !== undefined && !isBase) problems.add("BadBase", null)
  const version = root?.["git_ai_version"]
  const maps = readMap(root ?? {}, problems)
  return {
    base: isBase ? base : null,
    version: typeof version === "string" ? version : null,
    sessions: maps("sessions", SessionRecord, sessionOf),
    prompts: maps("prompts", PromptRecord, promptOf),
    humans: maps("humans", HumanRecord, ({ author }) => author)
  }
}

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const parse = (json: string): Json | undefined => {
  try {
    const value: unknown = JSON.parse(json)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Maps keep whatever name a record has, `__proto__` too. */
const readMap =
  (root: Json, problems: Problems.Tally) =>
  <Fields extends Schema.Struct.Fields, A>(
    name: string,
    schema: Schema.Struct<Fields> & Schema.Decoder<Schema.Struct<Fields>["Type"]>,
    from: (record: Schema.Struct<Fields>["Type"]) => A
  ): ReadonlyMap<string, A> => {
    const records = Object.hasOwn(root, name) ? root[name] : {}
    const decode = Schema.decodeUnknownOption(schema)
    const found = new Map<string, A>()
    if (!isObject(records)) problems.add("BadRecord", null)
    for (const [key, record] of isObject(records) ? Object.entries(records) : []) {
      const decoded = decode(record)
      if (Option.isNone(decoded)) {
        problems.add("BadRecord", null)
        continue
      }
      const known = Object.keys(schema.fields)
      if (Object.keys(record as object).some((field) => !known.includes(field))) problems.add("UnknownField", null)
      found.set(key, from(decoded.value))
    }
    return found
  }
