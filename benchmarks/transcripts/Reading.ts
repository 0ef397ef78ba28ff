/** A program that reads transcripts and answers with what they come to, how long it took, and the most memory that it had. */
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as TranscriptIndex from "@millwright/governance/TranscriptIndex"
import * as TranscriptTally from "@millwright/governance/TranscriptTally"
import * as Transcripts from "@millwright/governance/Transcripts"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createReadStream, readFileSync } from "node:fs"
import { basename } from "node:path"
import * as Naive from "./Naive.ts"

/** What is read, and how: by the real readers, or as the simplest programs do. */
export interface Request {
  readonly files: string
  readonly by: "readers" | "naive"
}

const read = async (files: ReadonlyArray<string>) => {
  const index = TranscriptIndex.make()
  const unknown: Array<string> = []
  for (const file of files) {
    const bytes = Stream.fromAsyncIterable<Uint8Array, Error>(
      createReadStream(file, { highWaterMark: 256 * 1024 }),
      (cause) => new Error(`${file} can not be read`, { cause })
    )
    await Transcripts.read(bytes, { source: basename(file) }).pipe(
      Stream.runForEach((entry) => Effect.sync(() => TranscriptIndex.take(index, entry))),
      Effect.catchTag("TranscriptError", ({ message }) => Effect.sync(() => unknown.push(message))),
      Effect.runPromise
    )
  }
  return { tally: TranscriptTally.of(index, { price: GenAiPrices.price }), unknown }
}

const { by, files: list }: Request = JSON.parse(process.argv[2] ?? "{}")
const files: ReadonlyArray<string> = JSON.parse(readFileSync(list, "utf8"))
const start = performance.now()
const found = by === "naive" ? { naive: await Naive.read(files) } : await read(files)
const seconds = (performance.now() - start) / 1_000
// In kibibytes, on Linux and on macOS under Node.
const peak = (process.resourceUsage().maxRSS * 1_024) / 1e6
console.log(JSON.stringify({ ...found, seconds, peak }))
