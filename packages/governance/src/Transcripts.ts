/**
 * **Reads** what coding agents wrote down, whichever program it was: the format is found by what stands in a file, and not by its name.
 *
 * ```ts
 * import * as TranscriptIndex from "@millwright/governance/TranscriptIndex"
 * import * as Transcripts from "@millwright/governance/Transcripts"
 * import * as TranscriptTally from "@millwright/governance/TranscriptTally"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const tally = (bytes: Stream.Stream<Uint8Array>) =>
 *   Transcripts.read(bytes).pipe(
 *     Stream.runFold(TranscriptIndex.make, TranscriptIndex.take),
 *     Effect.map((index) => TranscriptTally.of(index))
 *   )
 * ```
 */
import * as Digest from "@millwright/core/Digest"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Stream from "effect/Stream"
import * as ClaudeTranscript from "./internal/ClaudeTranscript.ts"
import * as CodexTranscript from "./internal/CodexTranscript.ts"
import * as GeminiTranscript from "./internal/GeminiTranscript.ts"
import * as JournalTranscript from "./internal/JournalTranscript.ts"
import * as OtlpTranscript from "./internal/OtlpTranscript.ts"
import * as PiTranscript from "./internal/PiTranscript.ts"
import * as SessionTranscript from "./internal/SessionTranscript.ts"
import * as SpareBytes from "./internal/SpareBytes.ts"
import * as Field from "./internal/TranscriptField.ts"
import * as TranscriptLines from "./internal/TranscriptLines.ts"
import type * as Transcript from "./Transcript.ts"
import * as TranscriptReader from "./TranscriptReader.ts"

/** Claude Code: a file of its `projects` folder, of a session or of a sub-agent. */
export const claudeCode: TranscriptReader.TranscriptReader = ClaudeTranscript.reader

/** Codex: a rollout of its `sessions` folder. */
export const codex: TranscriptReader.TranscriptReader = CodexTranscript.reader

/** The Gemini CLI: a file of its `chats` folder, one object or a line for each message. */
export const gemini: TranscriptReader.TranscriptReader = GeminiTranscript.reader

/** pi: a file of its `sessions` folder. */
export const pi: TranscriptReader.TranscriptReader = PiTranscript.reader

/** Sessions of our own loop, as `FileSessions` and `Session.toText` write them. */
export const session: TranscriptReader.TranscriptReader = SessionTranscript.reader

/** Our own journal, an event a line. The sessions of the same agents tell of the same answers under other names: read one of both. */
export const journal: TranscriptReader.TranscriptReader = JournalTranscript.reader

/** OpenTelemetry: traces as JSON, with the conventions for generative AI. */
export const otlp: TranscriptReader.TranscriptReader = OtlpTranscript.reader

/** All of them. */
export const readers: ReadonlyArray<TranscriptReader.TranscriptReader> = [
  claudeCode,
  codex,
  gemini,
  pi,
  session,
  journal,
  otlp
]

/** How a file is read. */
export interface Options extends TranscriptReader.Options {
  /** What the file is called in `Unparsed` and in errors. Default `transcript`. */
  readonly source?: string
  /** The programs that it may be of. Default {@link readers}. */
  readonly readers?: ReadonlyArray<TranscriptReader.TranscriptReader>
  /** An object longer than this is left out, and counted. In bytes; default 32 MiB. */
  readonly maxBytes?: number
}

/** What stands in a file, as it is read. It ends with an error where nothing in it is of a program that is known; an empty file is none. */
export const read = <E, R>(
  bytes: Stream.Stream<Uint8Array, E, R>,
  options: Options = {}
): Stream.Stream<Transcript.Entry, E | TranscriptReader.TranscriptError, R> =>
  Stream.unwrap(
    Effect.sync(() => {
      const file = open(options)
      return bytes.pipe(
        Stream.map(file.take),
        Stream.concat(Stream.fromEffect(Effect.suspend(file.end))),
        Stream.filter(Arr.isReadonlyArrayNonEmpty),
        Stream.flattenArray
      )
    })
  )

/**
 * The same of a file on a disk, with less memory than a stream of its bytes takes: all its pieces are read into the same one. `source` is
 * the path where nothing else is said.
 */
export const readFile = (
  path: string,
  options: Options = {}
): Stream.Stream<
  Transcript.Entry,
  PlatformError.PlatformError | TranscriptReader.TranscriptError,
  FileSystem.FileSystem
> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { open } = yield* FileSystem.FileSystem
      const file = yield* open(path)
      const piece = yield* Effect.acquireRelease(
        Effect.sync(() => SpareBytes.take(64 * 1024)),
        (bytes) => Effect.sync(() => SpareBytes.give(bytes))
      )
      // A read that is under way writes into the piece, and the next file may have that as soon as this one is left.
      const bytes = Stream.fromPull(
        Effect.succeed(
          Effect.flatMap(Effect.uninterruptible(file.read(piece)), (size) =>
            size > 0 ? Effect.succeed(Arr.of(piece.subarray(0, Number(size)))) : Cause.done()
          )
        )
      )
      return read(bytes, { source: path, ...options })
    })
  )

interface File {
  readonly take: (chunk: Uint8Array) => ReadonlyArray<Transcript.Entry>
  readonly end: () => Effect.Effect<ReadonlyArray<Transcript.Entry>, TranscriptReader.TranscriptError>
}

const open = (options: Options): File => {
  const { maxBytes = 32 * 1024 * 1024, readers: known = readers, source = "transcript" } = options
  const opened = new Map<TranscriptReader.TranscriptReader, ReturnType<TranscriptReader.TranscriptReader["open"]>>()
  let current: TranscriptReader.TranscriptReader | undefined
  let found: Array<Transcript.Entry> = []
  let saw: string | undefined

  /** An object that a reader can not bear, such as one that is nested without end, is one that it does not know. */
  const entriesOf = (reader: TranscriptReader.TranscriptReader, line: TranscriptReader.Line) => {
    const take = opened.get(reader) ?? reader.open(options)
    opened.set(reader, take)
    try {
      return take(line)
    } catch {
      return undefined
    }
  }
  /** One by one: a document may hold more than a call can take. */
  const keep = (entries: ReadonlyArray<Transcript.Entry>) => {
    for (const entry of entries) found.push(entry)
  }
  const unparsed = ({ bytes, digest, line, why }: TranscriptLines.Broken) => {
    const key = Digest.of(`${source}\n${line}\n${digest()}`)
    found.push({ _tag: "Unparsed", key, source, line, bytes, why })
  }
  const lines = TranscriptLines.make({
    maxBytes,
    found: (line) => {
      const entries = current === undefined ? undefined : entriesOf(current, line)
      if (entries !== undefined) return keep(entries)
      const other = known.find((reader) => reader !== current && reader.claims(line.value))
      current = other ?? current
      const others = other === undefined ? undefined : entriesOf(other, line)
      if (others !== undefined) return keep(others)
      const keys = Object.keys(line.value).slice(0, 8)
      saw ??= `objects with the fields ${keys.map((key) => Field.name(key)).join(", ")}`
      unparsed({ line: line.line, bytes: line.bytes(), why: "Unknown", digest: line.digest })
    },
    broken: (piece) => {
      saw ??= piece.why === "TooLong" ? `a line of ${piece.bytes} bytes` : "what is no JSON object"
      unparsed(piece)
    }
  })
  const taken = () => {
    const entries = found
    found = []
    return entries
  }
  return {
    take: (chunk) => {
      lines.take(chunk)
      return taken()
    },
    end: () => {
      lines.end()
      return current !== undefined || saw === undefined
        ? Effect.succeed(taken())
        : Effect.fail(
            new TranscriptReader.TranscriptError({
              reason: "UnknownFormat",
              message: `${source} begins with ${saw}, which is no transcript of ${known.map(({ format }) => format).join(", ")}. Leave it out, or give a reader that knows it.`
            })
          )
    }
  }
}
