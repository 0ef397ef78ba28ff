/** The tool `read`: numbered lines of a text file. Reads as far as it shows, so the size of the file does not matter. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Output from "./Output.ts"
import * as Target from "./Target.ts"
import * as ToolFailure from "./ToolFailure.ts"
import * as Truncation from "./Truncation.ts"

/** What the model is told about it. */
export const description = [
  "Reads a text file and answers with its lines, each after its number and a tab.",
  "Long files come in parts: the last line of the answer says with which offset to go on.",
  "Invisible characters are shown as \\u{…}. Lines over 2,000 bytes are cut and say so.",
  "Read a file before you edit it. For a name or a text in many files use grep."
].join(" ")

/** What the model gives. */
export const Parameters = Schema.Struct({
  path: Schema.String.annotate({ description: "The file, relative to the workspace, such as src/main.ts" }),
  offset: Schema.optionalKey(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)).annotate({
      description: "The first line to show, from 1. Default 1"
    })
  ),
  limit: Schema.optionalKey(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)).annotate({ description: "How many lines to show. Default 1000" })
  )
})

const longestLine = 2_000
const probe = 8_000

/** Takes the bytes of a file and keeps the lines that were asked for. */
const lineReader = ({
  limit,
  offset,
  room
}: {
  readonly offset: number
  readonly limit: number
  readonly room: number
}) => {
  const shown: Array<string> = []
  let line = 1
  let size = 0
  let started = false
  let carriageReturns = 0
  let kept = Output.collector({ head: longestLine, tail: 0 })
  let isFull = false
  const isDone = (): boolean => isFull || shown.length >= limit
  const close = (): void => {
    if (line >= offset) {
      const text = kept.text()
      const missing = kept.total() - Math.min(kept.total(), longestLine)
      if (missing === 0 && text.endsWith("\r")) carriageReturns++
      const whole = missing === 0 ? text.replace(/\r$/, "") : cutLine(text, missing)
      const numbered = `${line}\t${Output.clean(whole)}`
      size += Buffer.byteLength(numbered) + 1
      isFull = size > room
      if (isFull) return
      shown.push(numbered)
      kept = Output.collector({ head: longestLine, tail: 0 })
    }
    line++
    started = false
  }
  return {
    isDone,
    push: (chunk: Uint8Array): void => {
      let at = 0
      while (at < chunk.length && !isDone()) {
        const end = chunk.indexOf(10, at)
        const part = chunk.subarray(at, end === -1 ? chunk.length : end)
        if (line >= offset) kept.push(part)
        started = true
        if (end !== -1) close()
        at = end === -1 ? chunk.length : end + 1
      }
    },
    end: (isWhole: boolean): string => {
      const endsInLine = isWhole && started && !isDone()
      if (endsInLine) close()
      const oddities = [
        ...(endsInLine ? ["no line feed at the end"] : []),
        ...(carriageReturns > 0 ? ["lines end with CR LF"] : [])
      ]
      const note =
        shown.length === 0
          ? line === 1
            ? "[the file is empty]"
            : `[the file has only ${line - 1} lines]`
          : isWhole && !isDone()
            ? `[${["end of file", `${line - 1} lines`, ...oddities].join(", ")}]`
            : `[there may be more: go on with offset ${line}]`
      return [...shown, note].join("\n")
    }
  }
}

const cutLine = (text: string, missing: number): string =>
  `${text.slice(0, text.lastIndexOf("\n[… "))}… [${missing} bytes more in this line]`

/** Reads. */
export const run = Effect.fnUntraced(
  function* ({ limit = 1_000, offset = 1, path }: typeof Parameters.Type) {
    const fs = yield* FileSystem.FileSystem
    const relative = yield* Target.inside(path)
    yield* Target.file(relative)
    const room = (yield* Truncation.Limits).read.bytes - 500
    const lines = lineReader({ offset, limit, room })
    let seen = 0
    let isBinary = false
    yield* fs.stream(relative).pipe(
      Stream.runForEachWhile((chunk) =>
        Effect.sync(() => {
          isBinary ||= seen < probe && chunk.subarray(0, probe - seen).includes(0)
          seen += chunk.length
          if (!isBinary) lines.push(chunk)
          return !isBinary && !lines.isDone()
        })
      ),
      Effect.mapError(ToolFailure.fromPlatform(path))
    )
    return isBinary ? yield* Target.notText(path) : lines.end(!lines.isDone())
  },
  Effect.timeoutOrElse({
    duration: "30 seconds",
    orElse: () =>
      ToolFailure.fail("TimedOut", "Reading took more than 30 seconds and was stopped. Read another part of the file.")
  })
)
