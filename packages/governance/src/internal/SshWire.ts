/** The wire format of SSH: strings with their length before them. Nothing is read beyond the end. */

/** Reads so many strings, and what is left after them; nothing where they are not whole. */
export const strings = (
  bytes: Uint8Array,
  count: number
): { readonly fields: ReadonlyArray<Uint8Array>; readonly rest: Uint8Array } | undefined => {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fields: Array<Uint8Array> = []
  let at = 0
  for (let left = count; left > 0; left--) {
    if (at + 4 > view.length) return undefined
    const end = at + 4 + view.readUInt32BE(at)
    if (end > view.length) return undefined
    fields.push(view.subarray(at + 4, end))
    at = end
  }
  return { fields, rest: view.subarray(at) }
}

/** A text or bytes with its length before it. */
export const string = (content: string | Uint8Array): Uint8Array => {
  const bytes = Buffer.from(content)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** A number without the zeros before it. */
export const natural = (bytes: Uint8Array): Uint8Array => {
  const first = bytes.findIndex((byte) => byte !== 0)
  return first === -1 ? new Uint8Array() : bytes.subarray(first)
}

/** Zeros put before a number until it has so many bytes; nothing where it has more. */
export const padded = (bytes: Uint8Array, length: number): Uint8Array | undefined =>
  bytes.length > length ? undefined : Buffer.concat([Buffer.alloc(length - bytes.length), bytes])
