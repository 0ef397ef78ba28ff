/** Bytes of a file as a text, where they are one. */

const start = 8_000

/** UTF-16 without a mark: every other byte of a start in ASCII is NUL. */
const guess = (bytes: Uint8Array): "utf-16le" | "utf-16be" | undefined => {
  const nuls = [0, 0]
  for (const [at, byte] of bytes.entries()) if (byte === 0) nuls[at % 2] = (nuls[at % 2] ?? 0) + 1
  const [even = 0, odd = 0] = nuls
  const most = bytes.length * 0.35
  return odd > most && even === 0 ? "utf-16le" : even > most && odd === 0 ? "utf-16be" : undefined
}

/** The encoding of a file by its start; none where it is no text. */
export const encodingOf = (bytes: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" | undefined => {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le"
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be"
  const head = bytes.subarray(0, start)
  return head.includes(0) ? guess(head) : "utf-8"
}

/** The text of a file; none where it is none. */
export const of = (bytes: Uint8Array): string | undefined => {
  const encoding = encodingOf(bytes)
  return encoding === undefined ? undefined : new TextDecoder(encoding).decode(bytes)
}
