/** The end of what a program printed, in bounded memory. */
import * as Effect from "effect/Effect"
import * as ScreenText from "./ScreenText.ts"

/** Takes any amount and keeps the end. */
export interface LogTail {
  readonly add: (chunk: Uint8Array) => void
  /** What is kept, with nothing in it that steers a terminal. */
  readonly text: Effect.Effect<string>
}

const kept = 64_000

/** A log with nothing in it. */
export const make = (): LogTail => {
  let tail = Buffer.alloc(0)
  return {
    add: (chunk) => {
      tail = Buffer.concat([tail, chunk.subarray(Math.max(0, chunk.byteLength - kept))]).subarray(-kept)
    },
    text: Effect.sync(() => ScreenText.plain(tail.toString("utf8")))
  }
}

/** The last lines, as the end of a message. */
export const told = (log: string): string => {
  const end = log.trimEnd().slice(-1_500).toWellFormed()
  return end === "" ? "It printed nothing." : `The end of what it printed:\n${end}`
}
