/** The secrets in the files of a **folder**: what is there, whoever wrote it and when. Of a change, see `SecretHistory`. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as Stream from "effect/Stream"
import * as FileText from "./internal/FileText.ts"
import type * as SecretScan from "./SecretScan.ts"

/** What was not looked at, and why. A link leads to what is looked at elsewhere, or is of somebody else. */
export interface Skipped {
  readonly path: string
  readonly why: "binary" | "allowed-path" | "link" | "no-file" | "not-readable"
}

/** What was found, and what was looked at. */
export interface Report {
  readonly findings: ReadonlyArray<SecretScan.SecretFinding>
  readonly files: number
  readonly lines: number
  readonly bytes: number
  /** Left alone because their line says `gitleaks:allow`. */
  readonly allowedByComment: number
  readonly skipped: ReadonlyArray<Skipped>
}

/** How to look. */
export interface Options {
  /** What the rules take for a file's path. Default: that below the folder, with `/`. */
  readonly pathOf?: (path: string) => string
}

/** A file is read in parts of so many characters. What stands across the end of one is in the next one too. */
const part = 8 * 1024 * 1024
const overlap = 64 * 1024

interface Found {
  readonly findings: ReadonlyArray<SecretScan.SecretFinding>
  readonly allowedByComment: number
  readonly lines: number
  readonly bytes: number
}

/** Looks through the files below a folder, one after the other, in the order of their names. A folder of git is not entered. */
export const scan = Effect.fnUntraced(function* (
  scan: SecretScan.SecretScan,
  folder: string,
  { pathOf = (path) => path }: Options = {}
): Effect.fn.Return<Report, PlatformError.PlatformError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const found: Array<Found> = []
  const skipped: Array<Skipped> = []
  const folders = [""]
  for (let below = folders.pop(); below !== undefined; below = folders.pop()) {
    const entries = yield* Effect.catch(fs.readDirectoryEntries(path.join(folder, below)), (error) =>
      // The folder itself has to be there; one below it may be closed to us.
      below === "" ? Effect.fail(error) : Effect.succeed(undefined)
    )
    if (entries === undefined) skipped.push({ path: scan.mask(below), why: "not-readable" })
    for (const { name, type } of (entries ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const here = below === "" ? name : `${below}/${name}`
      const skip = (why: Skipped["why"]) => skipped.push({ path: scan.mask(here), why })
      if (type === "Directory") {
        if (name !== ".git") folders.push(here)
      } else if (type === "SymbolicLink") skip("link")
      else if (type !== "File") skip("no-file")
      else if (scan.isAllowedPath(pathOf(here))) skip("allowed-path")
      else {
        const stream = fs.stream(path.join(folder, here), { chunkSize: 1024 * 1024 })
        const one = yield* Effect.catch(inFile(scan, pathOf(here), stream), () =>
          Effect.succeed("not-readable" as const)
        )
        if (typeof one === "string") skip(one)
        else found.push(one)
      }
    }
  }
  const sum = (of: (one: Found) => number) => found.reduce((total, one) => total + of(one), 0)
  return {
    findings: found.flatMap(({ findings }) => findings),
    files: found.length,
    lines: sum(({ lines }) => lines),
    bytes: sum(({ bytes }) => bytes),
    allowedByComment: sum(({ allowedByComment }) => allowedByComment),
    skipped
  }
})

/** What is in one file, read as a stream. */
const inFile = Effect.fnUntraced(function* (
  scan: SecretScan.SecretScan,
  path: string,
  stream: Stream.Stream<Uint8Array, PlatformError.PlatformError>
) {
  const findings = new Map<string, SecretScan.SecretFinding>()
  let decoder: InstanceType<typeof TextDecoder> | undefined
  let isBinary = false
  let [text, lines, bytes, allowedByComment] = ["", 0, 0, 0]
  const look = (end: number) => {
    const scanned = scan.scan({ path, text: text.slice(0, end) })
    allowedByComment += scanned.allowedByComment
    for (const each of scanned.findings) {
      const one = { ...each, line: each.line === null ? null : each.line + lines }
      findings.set(`${one.rule} ${one.line} ${one.fingerprint}`, one)
    }
  }
  yield* Stream.runForEachWhile(stream, (chunk) =>
    Effect.sync(() => {
      const encoding = decoder === undefined ? FileText.encodingOf(chunk) : undefined
      if (decoder === undefined && encoding === undefined) {
        isBinary = true
        return false
      }
      decoder ??= new TextDecoder(encoding)
      bytes += chunk.length
      text += decoder.decode(chunk, { stream: true })
      if (text.length >= part) {
        // At the end of a line, unless that is too far away: so no secret is cut in two.
        const line = text.lastIndexOf("\n") + 1
        look(line > text.length - overlap ? line : text.length)
        const rest = text.length - overlap
        lines += lineEnds(text.slice(0, rest))
        text = text.slice(rest)
      }
      return true
    })
  )
  if (isBinary) return "binary" as const
  look(text.length)
  lines += lineEnds(text) + (text === "" || text.endsWith("\n") ? 0 : 1)
  return { findings: [...findings.values()], allowedByComment, lines, bytes }
})

const lineEnds = (text: string): number => {
  let count = 0
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count++
  return count
}
