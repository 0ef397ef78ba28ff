/**
 * What a tool says, bounded: the head and the tail are kept, and how much is missing between them is said. Memory stays
 * the same however much a program prints.
 */
import * as Untrusted from "../Untrusted.ts"

/** How many bytes are kept from the start and from the end. */
export interface Keep {
  readonly head: number
  readonly tail: number
}

/** Takes bytes and keeps a bounded part of them. */
export interface Collector {
  readonly push: (chunk: Uint8Array) => void
  /** How many bytes came in. */
  readonly total: () => number
  /** Whether everything that came in from now on would be dropped. Never with a tail. */
  readonly isFull: () => boolean
  /** What was kept: all in `head`, or the start and the end, and how many bytes were dropped between them. */
  readonly said: () => { readonly head: string; readonly tail: string; readonly missing: number }
  /** What was kept, as one text. */
  readonly text: () => string
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80

/** The last bytes that came in, up to a number of them. Memory is taken as they come. */
const ring = (most: number) => {
  let bytes = new Uint8Array(0)
  let total = 0
  return {
    total: () => total,
    push: (chunk: Uint8Array): void => {
      if (bytes.length < most && total + chunk.length > bytes.length) {
        // Nothing was overwritten yet, so it grows in place.
        const larger = new Uint8Array(Math.min(most, Math.max(2 * bytes.length, total + chunk.length)))
        larger.set(bytes.subarray(0, total))
        bytes = larger
      }
      const last = chunk.subarray(Math.max(0, chunk.length - bytes.length))
      const at = (total + chunk.length - last.length) % (bytes.length || 1)
      const fits = last.subarray(0, bytes.length - at)
      bytes.set(fits, at)
      bytes.set(last.subarray(fits.length), 0)
      total += chunk.length
    },
    bytes: (): Buffer => {
      const at = total > bytes.length ? total % (bytes.length || 1) : 0
      return Buffer.concat([bytes.subarray(at, Math.min(bytes.length, total)), bytes.subarray(0, at)])
    }
  }
}

/** A collector that keeps the first and the last bytes. Characters are not cut in half. */
export const collector = (keep: Keep): Collector => {
  const first = ring(keep.head)
  const last = ring(keep.tail)
  const said = () => {
    const missing = Math.max(0, last.total() - keep.tail)
    const tail = last.bytes()
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
    const head = decoder.decode(first.bytes(), { stream: true })
    if (missing === 0) return { head: head + decoder.decode(tail), tail: "", missing }
    let start = 0
    while (start < 3 && isContinuation(tail[start])) start++
    return { head, tail: new TextDecoder("utf-8", { ignoreBOM: true }).decode(tail.subarray(start)), missing }
  }
  return {
    push: (chunk) => {
      const room = keep.head - first.total()
      if (room > 0) first.push(chunk.subarray(0, room))
      last.push(chunk.subarray(room))
    },
    total: () => first.total() + last.total(),
    isFull: () => keep.tail === 0 && first.total() === keep.head,
    said,
    text: () => {
      const { head, missing, tail } = said()
      return missing === 0 ? head : `${head}\n[… ${missing} bytes left out …]\n${tail}`
    }
  }
}

// Operating system commands (window titles, links), then control sequences (colours, cursor), then two-letter escapes.
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const escapes = /\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-Z\\^-~]/g

/** Takes terminal escapes out and shows what else could hide text; a lone carriage return starts a new line. */
export const clean = (text: string): string =>
  Untrusted.visible(text.replace(escapes, "").replace(/\r+\n/g, "\n").replaceAll("\r", "\n"))
