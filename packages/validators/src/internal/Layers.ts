/** The texts that stand in bytes: as they are, and where they were packed, compressed or encoded, as what they were before. */
import * as zlib from "node:zlib"

/** So many bytes of one document are looked at, all that it unpacks to included. */
export const limit = 128 * 1024 * 1024

/** So deep things are unpacked that are packed in each other. */
const deepest = 6

/** What becomes of a document. */
export interface Reader {
  readonly text: (text: string) => void
  /** Something can not be looked into, and why. */
  readonly unread: (why: string) => void
}

const starts = (bytes: Buffer, ...magic: ReadonlyArray<number>): boolean =>
  magic.every((byte, at) => bytes[at] === byte)

const closed: ReadonlyArray<readonly [name: string, magic: ReadonlyArray<number>]> = [
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["7z", [0x37, 0x7a, 0xbc, 0xaf]],
  ["rar", [0x52, 0x61, 0x72, 0x21]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["age", [...Buffer.from("age-encryption.org/")]]
]

/** Texts that were encoded, at least 24 characters long. */
const encoded = /[A-Za-z0-9+/_-]{24,}={0,2}/g
/** What may stand between the lines of one encoded text. */
const gap = /^(?:\s|\\[nr]|["'`+,#>*/|]){1,16}$/

/** The runs of encoded text, those joined that only the end of a line parts. */
const runs = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  let end = -1
  for (const match of text.matchAll(encoded)) {
    const before = found.at(-1)
    if (before !== undefined && match.index - end <= 16 && gap.test(text.slice(end, match.index)))
      found[found.length - 1] = before + match[0]
    else found.push(match[0])
    end = match.index + match[0].length
  }
  return found
}

/** Most of it can be read, so it is worth looking at. */
const isText = (bytes: Buffer): boolean => {
  const sample = bytes.subarray(0, 512)
  let odd = 0
  for (const byte of sample) if (byte < 9 || (byte > 13 && byte < 32) || byte === 127) odd++
  return sample.length > 8 && odd * 10 <= sample.length
}

const isPacked = (bytes: Buffer): boolean => starts(bytes, 0x1f, 0x8b) || starts(bytes, 0x50, 0x4b, 3, 4)

/** The files of a ZIP archive, unpacked. What its directory says is not asked: it may say anything. */
const unzip = (bytes: Buffer, room: number, reader: Reader): ReadonlyArray<Buffer> => {
  const found: Array<Buffer> = []
  for (let at = bytes.indexOf("PK\u0003\u0004"); at !== -1; at = bytes.indexOf("PK\u0003\u0004", at + 4)) {
    if (at + 30 > bytes.length) break
    const method = bytes.readUInt16LE(at + 8)
    const begin = at + 30 + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28)
    // A stored file stands there as it is, and is read with the whole.
    if (method === 0) continue
    if (method !== 8) {
      reader.unread(`a file of a ZIP archive is packed by method ${method}`)
      continue
    }
    try {
      found.push(zlib.inflateRawSync(bytes.subarray(begin), { maxOutputLength: room }))
    } catch {
      reader.unread("a file of a ZIP archive can not be unpacked")
    }
  }
  return found
}

/** Reads all texts of a document. */
export const read = (document: Uint8Array, reader: Reader): void => {
  let room = limit
  const into = (bytes: Buffer, depth: number): void => {
    if (bytes.length > room) return reader.unread(`more than ${limit / 1024 / 1024} MiB`)
    room -= bytes.length
    if (depth > deepest) return reader.unread("packed too often in itself")
    if (starts(bytes, 0x1f, 0x8b)) {
      try {
        return into(zlib.gunzipSync(bytes, { maxOutputLength: Math.max(1, room) }), depth + 1)
      } catch {
        return reader.unread("a gzip file that can not be unpacked")
      }
    }
    if (bytes[0] === 0x78 && bytes.length > 2 && bytes.readUInt16BE() % 31 === 0) {
      try {
        into(zlib.inflateSync(bytes, { maxOutputLength: Math.max(1, room) }), depth + 1)
      } catch {
        // A text may begin with `x`.
      }
    }
    const known = closed.find(([, magic]) => starts(bytes, ...magic))
    if (known !== undefined) reader.unread(`packed as ${known[0]}`)
    if (starts(bytes, 0x50, 0x4b, 3, 4))
      for (const file of unzip(bytes, Math.max(1, room), reader)) into(file, depth + 1)
    const wide = starts(bytes, 0xff, 0xfe) ? "utf-16le" : starts(bytes, 0xfe, 0xff) ? "utf-16be" : undefined
    const text = new TextDecoder(wide ?? "utf-8").decode(bytes)
    reader.text(text)
    // Without a mark at its beginning.
    if (wide === undefined && bytes.includes(0)) {
      reader.text(new TextDecoder("utf-16le").decode(bytes))
      reader.text(new TextDecoder("utf-16be").decode(bytes))
    }
    decode(text, depth)
  }
  const decode = (text: string, depth: number): void => {
    if (/%[0-9a-f]{2}/i.test(text)) {
      const bytes = text.replace(/(?:%[0-9a-f]{2})+/gi, (found) =>
        Buffer.from(found.replaceAll("%", ""), "hex").toString()
      )
      reader.text(bytes.replaceAll("+", " "))
    }
    for (const run of runs(text)) {
      const plain = run.replace(/=+$/, "")
      const tries = /^(?:[0-9a-f]{2})+$/i.test(plain) ? [Buffer.from(plain, "hex")] : []
      // What stands before it, such as a path, may be of the same letters: then it begins later.
      for (let skip = 0; skip < 4; skip++) tries.push(Buffer.from(plain.slice(skip), "base64url"))
      for (const bytes of tries) if (isText(bytes) || isPacked(bytes)) into(bytes, depth + 1)
    }
  }
  into(Buffer.from(document.buffer, document.byteOffset, document.byteLength), 0)
}
