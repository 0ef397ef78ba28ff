/**
 * What a tool says, bounded: the head and the tail are kept, and how much is missing between them is said. Memory stays
 * the same however much a program prints.
 */
import * as Untrusted from "../Untrusted.ts"

/** The most that any tool answers with, in bytes of UTF-8. */
export const limit = 30_000

/** How many bytes are kept from the start and from the end. */
export interface Keep {
  readonly head: number
  readonly tail: number
}

/** Half from the start, half from the end. A bit is left for the note between them. */
export const balanced: Keep = { head: 14_500, tail: 14_500 }

/** Takes bytes and keeps a bounded part of them. */
export interface Collector {
  readonly push: (chunk: Uint8Array) => void
  /** How many bytes came in. */
  readonly total: () => number
  /** Whether everything that came in from now on would be dropped. Never with a tail. */
  readonly isFull: () => boolean
  readonly text: () => string
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80

/** A collector that keeps the first and the last bytes. Characters are not cut in half. */
export const collector = (keep: Keep): Collector => {
  const head = new Uint8Array(keep.head)
  const ring = new Uint8Array(keep.tail)
  let inHead = 0
  let afterHead = 0
  const intoRing = (bytes: Uint8Array): void => {
    const last = bytes.subarray(Math.max(0, bytes.length - ring.length))
    const at = (afterHead + bytes.length - last.length) % (ring.length || 1)
    const fits = last.subarray(0, ring.length - at)
    ring.set(fits, at)
    ring.set(last.subarray(fits.length), 0)
    afterHead += bytes.length
  }
  return {
    push: (chunk) => {
      const first = chunk.subarray(0, keep.head - inHead)
      head.set(first, inHead)
      inHead += first.length
      intoRing(chunk.subarray(first.length))
    },
    total: () => inHead + afterHead,
    isFull: () => keep.tail === 0 && inHead === keep.head,
    text: () => {
      const dropped = Math.max(0, afterHead - ring.length)
      const at = dropped === 0 ? 0 : afterHead % (ring.length || 1)
      const tail = Buffer.concat([ring.subarray(at, Math.min(ring.length, afterHead)), ring.subarray(0, at)])
      const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
      if (dropped === 0) return decoder.decode(head.subarray(0, inHead), { stream: true }) + decoder.decode(tail)
      let start = 0
      while (start < 3 && isContinuation(tail[start])) start++
      const kept = decoder.decode(head.subarray(0, inHead), { stream: true })
      const rest = new TextDecoder("utf-8", { ignoreBOM: true }).decode(tail.subarray(start))
      return `${kept}\n[… ${dropped} bytes left out …]\n${rest}`
    }
  }
}

/** Leaves room for what a tool adds below: how a program ended, where to go on. */
const most = limit - 300

/** A text that fits, or the parts of it that are kept. What a collector already cut fits and is not cut again. */
export const bounded = (text: string, keep: Keep = balanced): string => {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length <= most) return text
  const kept = collector(keep)
  kept.push(bytes)
  return kept.text()
}

// Operating system commands (window titles, links), then control sequences (colours, cursor), then two-letter escapes.
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const escapes = /\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-Z\\^-~]/g

/** Takes terminal escapes out and shows what else could hide text; a lone carriage return starts a new line. */
export const clean = (text: string): string =>
  Untrusted.visible(text.replace(escapes, "").replace(/\r+\n/g, "\n").replaceAll("\r", "\n"))
