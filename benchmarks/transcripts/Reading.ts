/** A program that reads transcripts and answers with what they come to, how long it took, and the most memory that it had. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as TranscriptIndex from "@millwright/governance/TranscriptIndex"
import * as TranscriptTally from "@millwright/governance/TranscriptTally"
import * as Transcripts from "@millwright/governance/Transcripts"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import { basename } from "node:path"
import * as Naive from "./Naive.ts"

/** What is read, and how: by the real readers, without or with the table of prices, or as the simplest programs do. */
export interface Request {
  readonly files: string
  readonly by: "readers" | "priced" | "naive"
}

const read = async (files: ReadonlyArray<string>, isPriced: boolean) => {
  // A table of prices takes memory of its own.
  const pricing = isPriced ? await import("@millwright/core/adapters/GenAiPrices") : undefined
  const index = TranscriptIndex.make()
  const unknown: Array<string> = []
  for (const file of files) {
    await Transcripts.readFile(file, { source: basename(file) }).pipe(
      Stream.runForEach((entry) => Effect.sync(() => TranscriptIndex.take(index, entry))),
      Effect.catchTag("TranscriptError", ({ message }) => Effect.sync(() => unknown.push(message))),
      Effect.provide(NodeFileSystem.layer),
      Effect.runPromise
    )
  }
  return { tally: TranscriptTally.of(index, pricing), unknown }
}

const { by, files: list }: Request = JSON.parse(process.argv[2] ?? "{}")
const files: ReadonlyArray<string> = JSON.parse(readFileSync(list, "utf8"))
const start = performance.now()
const found = by === "naive" ? { naive: await Naive.read(files) } : await read(files, by === "priced")
const seconds = (performance.now() - start) / 1_000
// In kibibytes, on Linux and on macOS under Node.
const peak = (process.resourceUsage().maxRSS * 1_024) / 1e6
console.log(JSON.stringify({ ...found, seconds, peak }))
