/**
 * How texts are stored: short ones as they are, longer ones compressed, large ones once for the whole store, by their
 * digest. All of them are JSON, which never begins as a reference does.
 */
import { deflateSync, inflateSync } from "node:zlib"
import * as Digest from "../Digest.ts"
import * as Journal from "../Journal.ts"
import type * as Sqlite from "../Sqlite.ts"

/** From this length (in UTF-16 units) a result is compressed. Below, there is little to gain. */
const packedFrom = 1_024
/** From this length (in UTF-16 units) a text is stored once, apart from the rows that refer to it. */
const largeFrom = 16_384
const prefix = "sha256:"
const level = { level: 1 }

/** What stands in a column for a text of this execution: the text, or a reference when it is large. */
export const refer = (prepare: Sqlite.Prepare, execution: string, text: string): string => {
  if (text.length < largeFrom) return text
  const digest = Digest.of(text)
  if (prepare("select 1 from blobs where digest = ?").get(digest) === undefined) {
    prepare("insert into blobs values (?, ?)").run(digest, deflateSync(text, level))
  }
  prepare("insert into blob_uses values (?, ?) on conflict do nothing").run(execution, digest)
  return prefix + digest
}

/** The text that a column stands for. Fails when it is not what was stored. */
export const resolve = (prepare: Sqlite.Prepare, stored: string): string => {
  if (!stored.startsWith(prefix)) return stored
  const digest = stored.slice(prefix.length)
  const body = prepare("select body from blobs where digest = ?").get(digest)?.["body"]
  const text = body instanceof Uint8Array ? inflate(body) : undefined
  if (text !== undefined && Digest.of(text) === digest) return text
  throw damaged(`The text ${digest} ${text === undefined ? "is not there" : "is not what was stored"}`)
}

/** What stands in a row for a result of this execution. */
export const pack = (
  prepare: Sqlite.Prepare,
  execution: string,
  text: string
): { readonly result: string; readonly packed: Uint8Array | null } =>
  text.length < packedFrom || text.length >= largeFrom
    ? { result: refer(prepare, execution, text), packed: null }
    : { result: "", packed: deflateSync(text, level) }

/** The result that a row stands for. */
export const unpack = (prepare: Sqlite.Prepare, row: Readonly<Record<string, unknown>>): string => {
  const { packed, result } = row
  if (!(packed instanceof Uint8Array)) return resolve(prepare, String(result))
  const text = inflate(packed)
  if (text !== undefined) return text
  throw damaged("The stored result of a stage is not what was stored")
}

const inflate = (bytes: Uint8Array): string | undefined => {
  try {
    return inflateSync(bytes).toString("utf8")
  } catch {
    return undefined
  }
}

const damaged = (what: string) =>
  new Journal.JournalError({
    reason: "Corrupt",
    message: `${what}: the store is damaged. Restore it from a back-up.`
  })
