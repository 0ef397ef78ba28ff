/** The server name that the first bytes of a TLS connection ask for. */

/** What the first bytes are. */
export type Hello =
  | { readonly _tag: "More" }
  | { readonly _tag: "NotTls" }
  /** `name` is `undefined` when there is none, more than one, or when it can not be read. */
  | { readonly _tag: "Tls"; readonly name: string | undefined }

const handshake = 22
/** No client says hello in more, in bytes and in records. */
const largest = 32_768
const most = 16

/** Reads them. A hello may be cut into several records. */
export const read = (bytes: Buffer): Hello => {
  if (bytes.length === 0) return { _tag: "More" }
  if (bytes[0] !== handshake) return { _tag: "NotTls" }
  if (bytes.length > largest) return { _tag: "Tls", name: undefined }
  const message: Array<Buffer> = []
  let length = 0
  for (let at = 0; ;) {
    if (at + 5 > bytes.length) return { _tag: "More" }
    const size = bytes.readUInt16BE(at + 3)
    if (bytes[at] !== handshake || size === 0 || message.length === most) return { _tag: "Tls", name: undefined }
    if (at + 5 + size > bytes.length) return { _tag: "More" }
    message.push(bytes.subarray(at + 5, at + 5 + size))
    length += size
    at += 5 + size
    const whole = Buffer.concat(message, length)
    if (length >= 4 && length >= 4 + whole.readUIntBE(1, 3)) return { _tag: "Tls", name: nameOf(whole) }
  }
}

const nameOf = (message: Buffer): string | undefined => {
  try {
    return serverName(extensions(message))
  } catch {
    // It ends before it says so.
    return undefined
  }
}

const extensions = (message: Buffer): Buffer => {
  if (message[0] !== 1) throw new RangeError("This is no client hello")
  // Type, length, version and random.
  let at = 4 + 2 + 32
  at += 1 + message.readUInt8(at)
  at += 2 + message.readUInt16BE(at)
  at += 1 + message.readUInt8(at)
  return message.subarray(at + 2, at + 2 + message.readUInt16BE(at))
}

const serverName = (all: Buffer): string | undefined => {
  let found: string | undefined
  for (let at = 0; at < all.length;) {
    const type = all.readUInt16BE(at)
    const size = all.readUInt16BE(at + 2)
    if (type === 0) {
      if (found !== undefined) return undefined
      const list = all.subarray(at + 4, at + 4 + size)
      const length = list.readUInt16BE(3)
      // One entry, of the only kind that there is, and nothing behind it.
      if (list[2] !== 0 || list.length !== 5 + length || list.readUInt16BE(0) !== 3 + length) return undefined
      found = list.toString("latin1", 5)
    }
    at += 4 + size
  }
  return found
}
