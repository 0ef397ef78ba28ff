/**
 * Objects in git's packs, read one at a time: of a pack and of its index only those parts are read that an object needs, and its
 * size is known before it is unpacked. A pack may be hostile: a delta that leads back to itself, or that is a bomb, is damage.
 */
import { open, readdir, type FileHandle } from "node:fs/promises"
import { join } from "node:path"
import { inflateSync } from "node:zlib"
import type { GitObject } from "./GitObject.ts"

/** What is stored of an object. `undefined`: no pack has it. */
export type Packed = GitObject | "large" | "damaged" | undefined

/** Git makes no chain of deltas that is longer. */
const maxDepth = 4_095

/** An object in the packs of a folder `objects`. What is being packed again is looked for once more. */
export const read = async (objects: string, oid: string, maxBytes: number): Promise<Packed> => {
  const found = await once(objects, oid, maxBytes)
  return found === undefined || found === "damaged" ? await once(objects, oid, maxBytes) : found
}

const once = async (objects: string, oid: string, maxBytes: number): Promise<Packed> => {
  const folder = join(objects, "pack")
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.endsWith(".idx")) continue
    const found = await within(join(folder, name), async (index) => {
      const at = await offsetOf(index, oid)
      return typeof at === "number"
        ? await within(join(folder, `${name.slice(0, -"idx".length)}pack`), (pack) =>
            objectAt({ pack, index, maxBytes }, at)
          )
        : at
    }).catch(() => "damaged" as const)
    if (found !== undefined) return found
  }
  return undefined
}

const within = async <A>(path: string, use: (file: FileHandle) => Promise<A>): Promise<A | "damaged"> => {
  const file = await open(path, "r").catch(() => undefined)
  try {
    // A folder, or a pipe, is no pack.
    return file === undefined || !(await file.stat()).isFile() ? "damaged" : await use(file)
  } finally {
    await file?.close()
  }
}

/** So many bytes at a place, or fewer where the file ends. */
const bytesAt = async (file: FileHandle, at: number, length: number): Promise<Buffer> => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at)
  return buffer.subarray(0, bytesRead)
}

const indexHead = Buffer.from([0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2])

/** Where an object begins in the pack of an index. */
const offsetOf = async (index: FileHandle, oid: string): Promise<number | "damaged" | undefined> => {
  const start = await bytesAt(index, 0, 8 + 1_024)
  if (start.length < 8 + 1_024 || !start.subarray(0, 8).equals(indexHead)) return "damaged"
  const wanted = Buffer.from(oid, "hex")
  const first = wanted[0] ?? 0
  const from = first === 0 ? 0 : start.readUInt32BE(8 + 4 * (first - 1))
  const to = start.readUInt32BE(8 + 4 * first)
  const all = start.readUInt32BE(8 + 4 * 255)
  const { size } = await index.stat()
  if (from > to || to > all || size < 8 + 1_024 + 28 * all) return "damaged"
  const names = await bytesAt(index, 8 + 1_024 + 20 * from, 20 * (to - from))
  for (let at = 0; at + 20 <= names.length; at += 20) {
    if (!names.subarray(at, at + 20).equals(wanted)) continue
    const offsets = 8 + 1_024 + 24 * all
    const short = (await bytesAt(index, offsets + 4 * (from + at / 20), 4)).readUInt32BE()
    if (short < 0x80000000) return short
    const long = await bytesAt(index, offsets + 4 * all + 8 * (short - 0x80000000), 8)
    const offset = long.length < 8 ? Number.NaN : Number(long.readBigUInt64BE())
    return Number.isSafeInteger(offset) ? offset : "damaged"
  }
  return undefined
}

interface Files {
  readonly pack: FileHandle
  readonly index: FileHandle
  readonly maxBytes: number
}

const types: ReadonlyMap<number, string> = new Map([
  [1, "commit"],
  [2, "tree"],
  [3, "blob"],
  [4, "tag"]
])

/** Reads the object at a place: its deltas first, back to what they are of, and then forth again. */
const objectAt = async ({ index, maxBytes, pack }: Files, start: number): Promise<GitObject | "large" | "damaged"> => {
  const deltas: Array<Buffer> = []
  let left = 2 * maxBytes
  for (let at: number | "damaged" | undefined = start; typeof at === "number";) {
    const entry = headOf(await bytesAt(pack, at, 64))
    if (entry === undefined || deltas.length > maxDepth) return "damaged"
    const { back, base, length, size, type } = entry
    left -= size
    if (size > maxBytes || left < 0) return "large"
    const bytes = unpacked(await bytesAt(pack, at + length, mostDeflated(size)), size)
    if (bytes === undefined) return "damaged"
    const name = types.get(type)
    if (name !== undefined) return patched({ type: name, bytes }, deltas, maxBytes)
    deltas.push(bytes)
    // What a delta is of by its place always stands before it, so it can not lead back to itself.
    at = base === undefined ? (back > 0 && back < at ? at - back : undefined) : await offsetOf(index, base)
  }
  return "damaged"
}

/** What zlib makes of so many bytes at most. */
const mostDeflated = (size: number): number => size + Math.ceil(size / 1_024) + 64

const unpacked = (deflated: Buffer, size: number): Buffer | undefined => {
  try {
    const bytes = inflateSync(deflated, { maxOutputLength: Math.max(size, 1) })
    return bytes.length === size ? bytes : undefined
  } catch {
    return undefined
  }
}

interface Head {
  readonly type: number
  /** Of what is packed, in bytes. */
  readonly size: number
  /** Of this head. */
  readonly length: number
  /** How far before it that is which it is a delta of. */
  readonly back: number
  /** The name of what it is a delta of. */
  readonly base: string | undefined
}

const headOf = (bytes: Buffer): Head | undefined => {
  const first = bytes[0] ?? 0
  const type = (first >> 4) & 7
  const more = first & 0x80 ? number(bytes, 1) : { value: 0, next: 1 }
  const size = (first & 15) + 16 * more.value
  let next = more.next
  let back = 0
  let base: string | undefined
  if (type === 6) {
    for (let byte = 0x80; byte & 0x80;) {
      byte = bytes[next++] ?? 0
      back = back * 128 + (byte & 0x7f)
      if (byte & 0x80) back += 1
    }
  } else if (type === 7) {
    base = bytes.subarray(next, next + 20).toString("hex")
    next += 20
  } else if (!types.has(type)) return undefined
  return next <= bytes.length && Number.isSafeInteger(size) && Number.isSafeInteger(back)
    ? { type, size, length: next, back, base }
    : undefined
}

/** A number in bytes of seven bits, the lowest first. */
const number = (bytes: Buffer, at: number): { readonly value: number; readonly next: number } => {
  let value = 0
  let next = at
  for (let factor = 1, byte = 0x80; byte & 0x80; factor *= 128) {
    byte = bytes[next++] ?? 0
    value += (byte & 0x7f) * factor
  }
  return { value, next }
}

const patched = (
  { bytes: whole, type }: GitObject,
  deltas: ReadonlyArray<Buffer>,
  maxBytes: number
): GitObject | "large" | "damaged" => {
  let bytes = whole
  for (const delta of [...deltas].reverse()) {
    const made = patch(delta, bytes, maxBytes)
    if (typeof made === "string") return made
    bytes = made
  }
  return { type, bytes }
}

/** What a delta makes of what it is of: copies of parts of that, and bytes of its own. */
const patch = (delta: Buffer, base: Uint8Array, maxBytes: number): Uint8Array | "large" | "damaged" => {
  const before = number(delta, 0)
  const after = number(delta, before.next)
  if (before.value !== base.length) return "damaged"
  if (after.value > maxBytes) return "large"
  const made = Buffer.alloc(after.value)
  let to = 0
  for (let at = after.next; at < delta.length;) {
    const code = delta[at++] ?? 0
    let part: Uint8Array
    if (code & 0x80) {
      let from = 0
      let length = 0
      for (let bit = 0; bit < 4; bit++) if (code & (1 << bit)) from += (delta[at++] ?? 0) * 256 ** bit
      for (let bit = 0; bit < 3; bit++) if (code & (16 << bit)) length += (delta[at++] ?? 0) * 256 ** bit
      if (length === 0) length = 0x10000
      if (from + length > base.length) return "damaged"
      part = base.subarray(from, from + length)
    } else {
      if (code === 0 || at + code > delta.length) return "damaged"
      part = delta.subarray(at, at + code)
      at += code
    }
    if (to + part.length > made.length) return "damaged"
    made.set(part, to)
    to += part.length
  }
  return to === made.length ? made : "damaged"
}
