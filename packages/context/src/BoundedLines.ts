/** Lines out of a stream of bytes, each of at most so many: a longer one is told by its two ends and costs no memory. */

/** What is done with lines. */
export interface Reader {
  readonly maxBytes: number
  /** A line without its end. Empty ones are left out. */
  readonly line: (line: string) => void
  /** A line that was too long: its first and last bytes. */
  readonly tooLong: (start: string, end: string) => void
}

/** How much of each end of a line that is too long is kept, in bytes. */
const endBytes = 256

/** Takes the next bytes. */
export const make = ({ line, maxBytes, tooLong }: Reader): ((chunk: Uint8Array) => void) => {
  let parts: Array<Uint8Array> = []
  let size = 0
  let start: string | undefined

  const add = (part: Uint8Array) => {
    parts.push(part)
    size += part.length
    if (size <= maxBytes && start === undefined) return
    const kept = Buffer.concat(parts)
    start ??= kept.toString("utf8", 0, endBytes)
    parts = [Buffer.from(kept.subarray(-endBytes))]
    size = 0
  }

  const end = () => {
    const whole = Buffer.concat(parts).toString("utf8").trim()
    if (start !== undefined) tooLong(start, whole)
    else if (whole !== "") line(whole)
    parts = []
    size = 0
    start = undefined
  }

  return (chunk) => {
    let from = 0
    for (let to = chunk.indexOf(10); to !== -1; to = chunk.indexOf(10, from)) {
      add(chunk.subarray(from, to))
      end()
      from = to + 1
    }
    if (from < chunk.length) add(chunk.subarray(from))
  }
}
