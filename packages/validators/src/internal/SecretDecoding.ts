/** Finds what is written in base64, in hexadecimal or with percent signs in a text, and reads it. */

/** How something was written. */
export type Encoding = "base64" | "hex" | "percent"

/** A part of a text that is readable once it is decoded. */
export interface Decoded {
  readonly at: number
  readonly encoding: Encoding
  readonly text: string
}

// A secret has some 16 characters at least; so many does base64 need for them.
const shortestRun = 20
const longestRun = 200_000

const isRunChar = new Uint8Array(128)
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_") {
  isRunChar[char.charCodeAt(0)] = 1
}

const isReadable = (bytes: Uint8Array): boolean => {
  for (const byte of bytes) if (byte > 126 || (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13)) return false
  return bytes.length >= 8
}

const decoded = (at: number, run: string): Decoded | undefined => {
  const isHex = run.length >= 32 && run.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(run)
  for (const encoding of isHex ? (["hex", "base64"] as const) : (["base64"] as const)) {
    // The start tells in most cases, and costs nothing however long the run is.
    if (!isReadable(Buffer.from(run.slice(0, 20), encoding))) continue
    const bytes = Buffer.from(run, encoding)
    if (isReadable(bytes)) return { at, encoding, text: bytes.toString("latin1") }
  }
  return undefined
}

/** All that can be read, in order. A run of more than 200,000 characters is read up to there. */
export const find = (text: string): ReadonlyArray<Decoded> => {
  const found: Array<Decoded> = []
  let start = -1
  let percent = -1
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : 0
    if (code < 128 && isRunChar[code] === 1) {
      if (start === -1) start = at
      continue
    }
    if (start !== -1 && at - start >= shortestRun) {
      const one = decoded(start, text.slice(start, Math.min(at, start + longestRun)))
      if (one !== undefined) found.push(one)
    }
    start = -1
    if (code === 37 && at > percent) {
      const one = unescaped(text, at)
      if (one !== undefined) {
        found.push(one)
        percent = one.at + one.length
      }
    }
  }
  return found
}

const isBreak = (code: number): boolean =>
  code <= 32 || code === 34 || code === 39 || code === 96 || code === 60 || code === 62

/** The word around a percent sign, where that stands for a character. */
const unescaped = (text: string, sign: number): (Decoded & { readonly length: number }) | undefined => {
  if (!/^%[0-9A-Fa-f]{2}/.test(text.slice(sign, sign + 3))) return undefined
  let at = sign
  while (at > 0 && sign - at < 200 && !isBreak(text.charCodeAt(at - 1))) at--
  let end = sign
  while (end < text.length && end - sign < 2_000 && !isBreak(text.charCodeAt(end))) end++
  const word = text.slice(at, end)
  const plain = word.replace(/%([2-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return plain === word ? undefined : { at, encoding: "percent", text: plain, length: end - at }
}
