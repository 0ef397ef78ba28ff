/** Counts what is in a tar file while it passes by. */

const block = 512

/** Starts to count. */
export const make = () => {
  let files = 0
  let bytes = 0
  /** Bytes of content that are still to come before the next header. */
  let skip = 0
  let header = new Uint8Array(0)

  const isFile = (type: number) => type === 0 || type === 0x30
  const sizeOf = (field: Uint8Array): number => {
    // From 8 GiB on GNU's tar writes a binary number.
    if (((field[0] ?? 0) & 0x80) !== 0) return field.subarray(4).reduce((sum, byte) => sum * 256 + byte, 0)
    return Number.parseInt(new TextDecoder().decode(field), 8) || 0
  }
  const look = (header: Uint8Array) => {
    if (header.every((byte) => byte === 0)) return
    const size = sizeOf(header.subarray(124, 136))
    skip = Math.ceil(size / block) * block
    if (!isFile(header[156] ?? 0)) return
    files++
    bytes += size
  }

  return {
    take: (chunk: Uint8Array): void => {
      let rest = chunk
      while (rest.length > 0) {
        const skipped = Math.min(skip, rest.length)
        skip -= skipped
        rest = rest.subarray(skipped)
        if (skip > 0 || rest.length === 0) return
        const part = rest.subarray(0, block - header.length)
        header = new Uint8Array(Buffer.concat([header, part]))
        rest = rest.subarray(part.length)
        if (header.length < block) return
        look(header)
        header = new Uint8Array(0)
      }
    },
    /** How many files there are; links and folders are none. */
    files: (): number => files,
    /** How many bytes their contents have together. */
    bytes: (): number => bytes
  }
}
