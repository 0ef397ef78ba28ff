/**
 * A **reader** of transcripts knows what one program writes. It is given one JSON object after the other and says what each tells, so it
 * holds no more of a file in memory than that. How a file falls into objects, what is broken in it, and which program wrote it is no
 * business of a reader: `Transcripts` knows.
 *
 * A reader is pure. What it has to remember of a file, such as whose session it is, is of that file alone; what it tells holds names,
 * sizes, digests and times, and nothing of what was said. `TranscriptTest` holds it to that.
 */
import type * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import type * as Transcript from "./Transcript.ts"

/** A file that can not be read as a transcript. */
export class TranscriptError extends Fault.Class<TranscriptError>()("TranscriptError", {
  /** Nothing in it is of a program that is known. */
  UnknownFormat: false
}) {}

/** A JSON object as it was parsed. */
export type JsonObject = Readonly<Record<string, unknown>>

/** One object of a file. `line` is where it begins, counted from 1; `digest` and `bytes` are of its text. */
export interface Line {
  readonly value: JsonObject
  readonly line: number
  readonly digest: () => Digest.Digest
  readonly bytes: () => number
}

/** How entries are made. */
export interface Options {
  /** Whether `Called` has the path of the file as it is written, beside its digest. Default `false`. */
  readonly paths?: boolean
}

/** Knows what one program writes. */
export interface TranscriptReader {
  /** The name of the program. */
  readonly format: string
  /** Whether the object is one that only this program writes. */
  readonly claims: (value: JsonObject) => boolean
  /** Begins a file. Each of its objects comes to entries, none where it tells nothing; `undefined`: the program is not known to write it. */
  readonly open: (options: Options) => (line: Line) => ReadonlyArray<Transcript.Entry> | undefined
}
