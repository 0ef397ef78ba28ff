/** What transcripts are tested with: files that programs wrote, lines as they write them, and what they come to. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type * as Transcript from "../src/Transcript.ts"
import * as TranscriptIndex from "../src/TranscriptIndex.ts"
import * as Transcripts from "../src/Transcripts.ts"
import * as TranscriptTally from "../src/TranscriptTally.ts"

/** A file that a program wrote. */
export const fixture = (name: string): string =>
  readFileSync(join(import.meta.dirname, "fixtures", "transcripts", name), "utf8")

/** What stands in a text. */
export const read = (text: string | Uint8Array, options?: Transcripts.Options) =>
  Stream.runCollect(Transcripts.read(Stream.make(Buffer.from(text)), options))

/** What some files come to. */
export const tally = (...files: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(files, (file, at) => read(file, { source: `${at}` })),
    (entries) => TranscriptTally.of(TranscriptIndex.of(entries.flat()))
  )

/** The entries of a tag. */
export const only = <Tag extends Transcript.Entry["_tag"]>(entries: ReadonlyArray<Transcript.Entry>, tag: Tag) =>
  entries.filter((entry): entry is Transcript.Of<Tag> => entry._tag === tag)

/** Lines of Claude Code, with an id and a time of its own for each. */
export const lines = (...all: ReadonlyArray<object | string>): string =>
  all
    .map((line, at) =>
      typeof line === "string"
        ? line
        : JSON.stringify({
            isSidechain: false,
            sessionId: "11111111-2222-3333-4444-555555555555",
            uuid: `00000000-0000-4000-8000-${String(at).padStart(12, "0")}`,
            timestamp: new Date(1_770_000_000_000 + at * 1_000).toISOString(),
            ...line
          })
    )
    .join("\n")

/** What an answer used. */
export const usage = (output: unknown = 7) => ({
  input_tokens: 10,
  cache_creation_input_tokens: 20,
  cache_read_input_tokens: 100,
  output_tokens: output
})

/** A line of an answer. */
export const answer = (message: object = {}, line: object = {}) => ({
  type: "assistant",
  requestId: "req_000000000001",
  message: { id: "msg_000000000001", model: "claude-opus-4-6", content: [], usage: usage(), ...message },
  ...line
})

/** A line in the human's place. */
export const said = (content: unknown, line: object = {}) => ({
  type: "user",
  message: { role: "user", content },
  ...line
})

/** A result of a tool. */
export const result = (id: string, content: unknown, line: object = {}, isError = false) =>
  said([{ type: "tool_result", tool_use_id: id, content, is_error: isError }], line)
