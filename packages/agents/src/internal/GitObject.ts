/** Git's objects as bytes: checked against the name that they were asked by, and taken apart. Pure. */
import { createHash } from "node:crypto"
import { inflateSync } from "node:zlib"
import type * as Place from "../Place.ts"

/** One object. */
export interface GitObject {
  readonly type: string
  readonly bytes: Uint8Array
}

/** What a tree has of one name. */
export interface TreeEntry {
  readonly kind: Place.Kind
  readonly oid: string
}

/** An object as it is stored by itself: deflated, with its type and size in front. `undefined`: it is damaged. */
export const unpack = (deflated: Uint8Array, maxBytes: number): GitObject | "large" | undefined => {
  try {
    const whole = inflateSync(deflated, { maxOutputLength: maxBytes + 64 })
    const end = whole.indexOf(0)
    const [, type, size] = /^(commit|tree|blob|tag) (\d{1,15})$/.exec(whole.subarray(0, end).toString("latin1")) ?? []
    const bytes = whole.subarray(end + 1)
    if (bytes.length > maxBytes) return "large"
    return type === undefined || Number(size) !== bytes.length ? undefined : { type, bytes }
  } catch (error) {
    return error instanceof RangeError ? "large" : undefined
  }
}

/** Whether an object is the one that has this name. A pack's own index could say otherwise. */
export const isNamed = ({ bytes, type }: GitObject, oid: string): boolean =>
  createHash("sha1").update(`${type} ${bytes.length}\0`).update(bytes).digest("hex") === oid

const kinds: ReadonlyMap<string, Place.Kind> = new Map([
  ["40000", "folder"],
  ["100644", "file"],
  ["100755", "file"],
  ["100664", "file"],
  ["120000", "link"],
  ["160000", "submodule"]
])

/** Takes a tree apart. A name that is not UTF-8 has `\ufffd` in it. `undefined`: it is damaged. */
export const tree = (bytes: Uint8Array): ReadonlyMap<string, TreeEntry> | undefined => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries = new Map<string, TreeEntry>()
  for (let at = 0; at < buffer.length;) {
    const space = buffer.indexOf(0x20, at)
    const zero = buffer.indexOf(0, space)
    if (space === -1 || zero === -1 || zero + 21 > buffer.length) return undefined
    const name = buffer.toString("utf8", space + 1, zero)
    const kind = kinds.get(buffer.toString("latin1", at, space)) ?? "other"
    // Two names that differ in odd bytes only are none of them read.
    entries.set(name, { kind: entries.has(name) ? "other" : kind, oid: buffer.toString("hex", zero + 1, zero + 21) })
    at = zero + 21
  }
  return entries
}

/** What a tag or a commit leads to: the next object on the way to a tree. */
export const leadsTo = ({ bytes, type }: GitObject): string | undefined =>
  new RegExp(`^${type === "tag" ? "object" : "tree"} ([0-9a-f]{40})\n`).exec(
    Buffer.from(bytes.subarray(0, 64)).toString("latin1")
  )?.[1]
