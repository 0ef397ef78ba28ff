/** The signature of a request to the webhook of the gates: HMAC-SHA256 over its time, its method, its gate and its raw body. */
import * as Redacted from "effect/Redacted"
import { createHmac, timingSafeEqual } from "node:crypto"

/** What is signed. */
export interface Signed {
  /** In seconds since 1970. */
  readonly timestamp: number
  readonly method: string
  /** The id of the gate, as it is before it is percent-encoded for the path; empty for the list of all. */
  readonly gate: string
  readonly body: Uint8Array | string
}

/** `sha256=` and the signature in lower-case hexadecimal. */
export const make = (secret: Redacted.Redacted<string>, { body, gate, method, timestamp }: Signed): string =>
  // The gate is part of it: an answer to one gate is none to another. Encoded, it can not run into what follows.
  `sha256=${createHmac("sha256", Redacted.value(secret))
    .update(`${timestamp}\n${method.toUpperCase()}\n${encodeURIComponent(gate.toWellFormed())}\n`)
    .update(body)
    .digest("hex")}`

/** Compares two signatures in a time that does not depend on where they differ. */
export const matches = (given: string, expected: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
