/**
 * **Agent Trace** 0.1.0 (https://github.com/cursor/agent-trace): a record of which lines of files agents and humans wrote, at one revision.
 *
 * {@link read} takes what follows the specification, and says what does not. Fields that it does not name are left out; what is in
 * `metadata` stays. {@link make} tells line owners as a record, and what the specification has no field for as addresses:
 *
 * - A session is the address of a conversation: its own where it is one, else `agent-session:TOOL/SESSION`.
 * - A human's identity is a related resource of the type `author`, `author:IDENTITY`.
 * - A content hash is `sha256:` over the lines of its range, with `\n` between them.
 */
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as OutsideJson from "./internal/OutsideJson.ts"
import * as LineOwners from "./LineOwners.ts"

const Uri = Schema.String.check(Schema.isPattern(/^[A-Za-z][A-Za-z0-9+.-]*:\S*$/))
const LineNumber = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: LineOwners.lastLine }))

/** Who wrote something. A model is named as `provider/model` where the provider is known. */
export const Contributor = Schema.Struct({
  type: Schema.Literals(["human", "ai", "mixed", "unknown"]),
  model_id: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(250)))
})
/** Who wrote something. */
export type Contributor = typeof Contributor.Type

/** Lines of a file, both ends included; the first line is 1. */
export const Range = Schema.Struct({
  start_line: LineNumber,
  end_line: LineNumber,
  content_hash: Schema.optionalKey(Schema.String),
  /** In the place of the conversation's. */
  contributor: Schema.optionalKey(Contributor)
}).check(Schema.makeFilter(({ end_line, start_line }) => start_line <= end_line || "end_line comes before start_line"))

/** What one conversation contributed to a file. */
export const Conversation = Schema.Struct({
  url: Schema.optionalKey(Uri),
  contributor: Schema.optionalKey(Contributor),
  ranges: Schema.Array(Range),
  related: Schema.optionalKey(Schema.Array(Schema.Struct({ type: Schema.String, url: Uri })))
})
/** What one conversation contributed to a file. */
export type Conversation = typeof Conversation.Type

/** One record of Agent Trace, with the names that the specification has. */
export const AgentTrace = Schema.Struct({
  version: Schema.String.check(Schema.isPattern(/^[0-9]+\.[0-9]+\.[0-9]+$/)),
  id: Schema.String.check(Schema.isPattern(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)),
  /** As in RFC 3339. */
  timestamp: Schema.String.check(
    Schema.isPattern(/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/)
  ),
  vcs: Schema.optionalKey(
    Schema.Struct({ type: Schema.Literals(["git", "jj", "hg", "svn"]), revision: Schema.NonEmptyString })
  ),
  tool: Schema.optionalKey(
    Schema.Struct({ name: Schema.optionalKey(Schema.String), version: Schema.optionalKey(Schema.String) })
  ),
  files: Schema.Array(Schema.Struct({ path: Schema.NonEmptyString, conversations: Schema.Array(Conversation) })),
  metadata: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
})
/** One record of Agent Trace. */
export type AgentTrace = typeof AgentTrace.Type

/** A record can not be read or made. */
export class AgentTraceError extends Fault.Class<AgentTraceError>()("AgentTraceError", {
  TooLarge: false,
  /** It does not follow the specification. */
  Malformed: false,
  /** Of another version of the specification. */
  UnknownVersion: false
}) {}

/** The version of the specification that {@link make} follows. Of 0, every version is read. */
export const version = "0.1.0"

/** Reads the JSON of one record, of at most `maxBytes` (16 MiB). */
export const read = (
  content: string | Uint8Array,
  maxBytes: number = 16 * 1024 * 1024
): Result.Result<AgentTrace, AgentTraceError> => {
  const asked = <A>(schema: Schema.ConstraintDecoder<A>) =>
    Result.mapError(
      OutsideJson.read(content, schema, maxBytes),
      ({ reason, why }) =>
        new AgentTraceError({ reason, message: `The record ${why}. Write it as Agent Trace ${version} says.` })
    )
  // First of all, so that a later version is not told to be a wrong one.
  return Result.flatMap(asked(Schema.Struct({ version: AgentTrace.fields.version })), (told) => {
    if (told.version.startsWith("0.")) return asked(AgentTrace)
    const message = `The record is of Agent Trace ${told.version.slice(0, 50)}, and only 0.x is known here. Write it as ${version} says.`
    return Result.fail(new AgentTraceError({ reason: "UnknownVersion", message }))
  })
}

/** The JSON of a record: one text for one record. */
export const write = (trace: AgentTrace): string => OutsideJson.canonical(trace)

/** Who wrote the lines that a record speaks of. What it says to be unknown stays so. */
export const owners = ({ files, tool }: AgentTrace): LineOwners.LineOwners =>
  LineOwners.make(
    files.map(({ conversations, path }) => ({
      path,
      ranges: conversations.flatMap((conversation) =>
        conversation.ranges.map(({ contributor = conversation.contributor, end_line, start_line }) => ({
          first: start_line,
          last: end_line,
          owner: ownerOf(contributor, conversation, tool?.name ?? null)
        }))
      )
    }))
  )

const ownerOf = (
  contributor: Contributor | undefined,
  { related = [], url }: Conversation,
  tool: string | null
): LineOwners.Owner => {
  switch (contributor?.type) {
    case "ai": {
      const [named, session] = parts(url, sessionScheme) ?? [tool ?? "", url]
      return { _tag: "Agent", tool: named || null, session: session || null, model: contributor.model_id ?? null }
    }
    case "human": {
      const author = related.find(({ type }) => type === "author")?.url
      return { _tag: "Human", identity: parts(author, authorScheme)?.[0] ?? null }
    }
    case "mixed":
      return { _tag: "Mixed" }
    default:
      return LineOwners.unknown
  }
}

const sessionScheme = "agent-session:"
const authorScheme = "author:"

/** The parts of an address of ours; `undefined` where it is none. */
const parts = (url: string | undefined, scheme: string): ReadonlyArray<string> | undefined => {
  if (url?.startsWith(scheme) !== true) return undefined
  try {
    return url.slice(scheme.length).split("/").map(decodeURIComponent)
  } catch {
    return undefined
  }
}

const address = (scheme: string, ...parts: ReadonlyArray<string>) =>
  scheme + parts.map((part) => encodeURIComponent(part.toWellFormed())).join("/")

/** What a record is made for. */
export interface Made {
  /** The full id of the commit whose lines these are. */
  readonly revision: string
  /** When it was recorded, in milliseconds since 1970, UTC. */
  readonly at: number
  /** What wrote the record. */
  readonly tool?: { readonly name: string; readonly version?: string }
  /** Texts of files at the revision, by path: with them, ranges have content hashes. */
  readonly texts?: ReadonlyMap<string, string>
}

/** A record that tells line owners. Its id follows from what is in it, so the same owners give the same record. */
export const make = (
  { files }: LineOwners.LineOwners,
  { at, revision, texts = new Map(), tool }: Made
): Result.Result<AgentTrace, AgentTraceError> => {
  const body = {
    version,
    timestamp: Option.match(DateTime.make(at), { onNone: () => "", onSome: DateTime.formatIso }),
    vcs: { type: "git" as const, revision },
    ...(tool !== undefined && { tool }),
    files: files.map(({ path, ranges }) => {
      const lines = texts.get(path)?.split("\n")
      const byOwner = Map.groupBy(ranges, ({ owner }) => JSON.stringify(owner))
      return { path, conversations: [...byOwner.values()].flatMap((own) => conversationOf(own, lines, tool?.name)) }
    })
  }
  return Result.mapError(
    Schema.decodeUnknownResult(AgentTrace)({ ...body, id: idOf(Digest.ofJson(body)) }),
    (error) => {
      const message = `A record of ${revision.slice(0, 64)} can not be made: ${error.message.slice(0, 500)}. Give a commit, a time, and lines from 1.`
      return new AgentTraceError({ reason: "Malformed", message })
    }
  )
}

const conversationOf = (
  ranges: ReadonlyArray<LineOwners.Range>,
  lines: ReadonlyArray<string> | undefined,
  tool: string | undefined
): ReadonlyArray<Conversation> => {
  const owner = ranges[0]?.owner
  if (owner === undefined) return []
  const told = ranges.map(({ first, last }) => {
    const content = lines !== undefined && last <= lines.length && lines.slice(first - 1, last)
    return { start_line: first, end_line: last, ...(content && { content_hash: hashOf(content) }) }
  })
  return [{ ...contributed(owner, tool), ranges: told }]
}

const contributed = (owner: LineOwners.Owner, tool: string | undefined): Omit<Conversation, "ranges"> => {
  switch (owner._tag) {
    case "Agent": {
      const url = addressOf(owner, tool)
      const model_id = owner.model ?? undefined
      return {
        contributor: { type: "ai", ...(model_id !== undefined && { model_id }) },
        ...(url !== undefined && { url })
      }
    }
    case "Human": {
      const { identity } = owner
      const related = identity === null ? undefined : [{ type: "author", url: address(authorScheme, identity) }]
      return { contributor: { type: "human" }, ...(related && { related }) }
    }
    case "Mixed":
      return { contributor: { type: "mixed" } }
    case "Unknown":
      return { contributor: { type: "unknown" } }
  }
}

/** The address of a session; none where the record's own tool says all that is known. */
const addressOf = (
  { session, tool }: Extract<LineOwners.Owner, { readonly _tag: "Agent" }>,
  recorder: string | undefined
): string | undefined => {
  const isOfRecorder = tool === (recorder ?? null)
  if (isOfRecorder && session === null) return undefined
  if (isOfRecorder && session !== null && /^https?:\/\/\S+$/.test(session)) return session
  return address(sessionScheme, tool ?? "", session ?? "")
}

const hashOf = (lines: ReadonlyArray<string>) => `sha256:${Digest.of(lines.join("\n"))}`

/** A UUID of the version that is for those who make their own. */
const idOf = (digest: string): string =>
  [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `8${digest.slice(17, 20)}`,
    digest.slice(20, 32)
  ].join("-")
