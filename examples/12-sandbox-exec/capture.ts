/** The beginning of an output, kept for `--json`. */

/** An output as it is told. */
export interface Captured {
  readonly text: string
  /** All that was kept, when that is not UTF-8. */
  readonly base64: string | undefined
  readonly bytes: number
  readonly isTruncated: boolean
}

/** Keeps at most so many bytes, and counts the others. */
export const make = (limit: number) => {
  const kept: Array<Uint8Array> = []
  let room = limit
  let bytes = 0
  return {
    add: (chunk: Uint8Array): void => {
      bytes += chunk.length
      if (room > 0) kept.push(chunk.slice(0, room))
      room -= Math.min(room, chunk.length)
    },
    end: (): Captured => {
      const whole = Buffer.concat(kept)
      const isTruncated = bytes > whole.length
      const text = decode(whole, isTruncated)
      return {
        text: text ?? new TextDecoder().decode(whole),
        base64: text === undefined ? whole.toString("base64") : undefined,
        bytes,
        isTruncated
      }
    }
  }
}

/** The text of bytes that are UTF-8. Where they were cut, the last character may be half. */
const decode = (bytes: Uint8Array, isCut: boolean): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: isCut })
  } catch {
    return undefined
  }
}
