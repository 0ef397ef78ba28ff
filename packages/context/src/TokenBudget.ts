/**
 * A **token budget**: how much of a text a model gets to read. Tokens are estimated at 4 bytes of UTF-8 each, rounded up;
 * tokenizers differ, and none is asked, so that the same text has the same size everywhere.
 */

/** Bytes of UTF-8 that are counted as one token. */
export const bytesPerToken = 4

/** The size of a text in bytes of UTF-8. */
export const bytes = (text: string): number => Buffer.byteLength(text)

/** The estimated size of a text in tokens. */
export const estimate = (text: string): number => Math.ceil(bytes(text) / bytesPerToken)

/** What of a text fits, and how many bytes of it do not. */
export interface Cut {
  readonly text: string
  readonly dropped: number
}

/** Keeps the start of a text, in whole lines where one fits, else in whole characters. Never more than `maxBytes`. */
export const cut = (text: string, maxBytes: number): Cut => {
  const all = Buffer.from(text)
  if (all.length <= maxBytes) return { text, dropped: 0 }
  const room = Math.max(0, Math.floor(maxBytes))
  const lineEnd = all.lastIndexOf(10, room - 1)
  const end = room === 0 || lineEnd <= 0 ? room : lineEnd + 1
  // Streaming, the decoder keeps back a character that the limit cuts through.
  const kept = new TextDecoder("utf-8", { ignoreBOM: true }).decode(all.subarray(0, end), { stream: true })
  return { text: kept, dropped: all.length - bytes(kept) }
}
