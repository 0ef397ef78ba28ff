/** **Sessions of a coding agent as numbers**: what each answer used on its lines, what tools were called, what a human said; no text. */
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import * as Bench from "../Bench.ts"

/** Tokens as `[input, written to the cache, read from the cache, output]`. */
const Tokens = Schema.Tuple([Schema.Natural, Schema.Natural, Schema.Natural, Schema.Natural])
/** Tokens as `[input, written to the cache, read from the cache, output]`. */
export type Tokens = typeof Tokens.Type

/** A text of ISO 8601, where it was told. */
const Time = Schema.NullOr(Schema.String)

/** An answer: `n` lines, with the usage on the first, the last, and the largest of them. */
const Message = Schema.Struct({
  id: Schema.NonEmptyString,
  n: Schema.Natural,
  first: Tokens,
  last: Tokens,
  max: Tokens,
  model: Schema.String,
  t: Time
})
/** An answer. */
export type Message = typeof Message.Type

/** A call: `ih` is a digest of its input, `path` of a path, `rng` an offset and a limit, `chars` the size of its result, `rej`: the human did not want it. */
const Tool = Schema.Struct({
  name: Schema.String,
  ih: Schema.String,
  path: Schema.NullOr(Schema.String),
  rng: Schema.NullOr(Schema.Tuple([Schema.Unknown, Schema.Unknown])),
  msg: Schema.String,
  t: Time,
  chars: Schema.optionalKey(Schema.NullOr(Schema.Natural)),
  err: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  rej: Schema.optionalKey(Schema.NullOr(Schema.Boolean))
})
/** A call. */
export type Tool = typeof Tool.Type

/** A session. `bytes` is how long its file was, `bad` how many of its lines were none. */
const Session = Schema.Struct({
  s: Schema.NonEmptyString,
  bytes: Schema.Natural,
  msgs: Schema.Array(Message),
  tools: Schema.Array(Tool),
  /** When it was, what it was, and how many characters. */
  human: Schema.Array(Schema.Tuple([Time, Schema.String, Schema.Natural])),
  bad: Schema.Natural
})
/** A session. */
export type Session = typeof Session.Type

const decode = Schema.decodeUnknownExit(Session)

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

/** What is not told is none, or as little as it can be: samples differ in what they leave out. What is told has to be what it claims. */
const filled = (value: unknown): unknown =>
  isJson(value)
    ? {
        ...value,
        bytes: value["bytes"] ?? 0,
        bad: value["bad"] ?? 0,
        msgs: each(value["msgs"], (message, at) => {
          const { first, id, last, max, model, n, t } = message
          const most = max ?? last ?? first
          const all = { first: first ?? most, last: last ?? most, max: most }
          // One without a name is of its session alone.
          return { ...all, id: id ?? `${String(value["s"])}/${at}`, n: n ?? 1, model: model ?? "unknown", t: t ?? null }
        }),
        tools: each(value["tools"] ?? [], ({ ih, msg, name, path, rng, t, ...came }) => ({
          ...came,
          ...{
            ih: ih ?? "",
            msg: msg ?? "",
            name: name ?? "unknown",
            path: path ?? null,
            rng: rng ?? null,
            t: t ?? null
          }
        })),
        human: value["human"] ?? []
      }
    : value

const each = (list: unknown, fill: (value: Json, at: number) => unknown): unknown =>
  Array.isArray(list) ? list.map((value: unknown, at) => (isJson(value) ? fill(value, at) : value)) : list

const parse = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** Reads a file of them, packed or not. What has no answer was no session of this program, and is left out. */
export const load = (path: string): ReadonlyArray<Session> => {
  const bytes = readFileSync(path)
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString("utf8")
  const sessions = text
    .replace(/^\u{feff}/u, "")
    .split(/\r?\n/)
    .flatMap((line, at): ReadonlyArray<Session> => {
      if (line.trim() === "") return []
      const read = decode(filled(parse(line)))
      if (read._tag === "Success") return [read.value]
      throw new Bench.BadInput(
        `${path}:${at + 1} is no session. Each line is a JSON object as benchmarks/data/transcripts/README.md says: ${String(read.cause).slice(0, 300)}`
      )
    })
    .filter(({ msgs }) => msgs.length > 0)
  if (sessions.length > 0) return sessions
  throw new Bench.BadInput(`${path} holds no session with an answer. Give it one JSON object a line.`)
}
